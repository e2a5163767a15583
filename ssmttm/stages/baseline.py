"""Stage `baseline`: real clips, codec reconstructions and noise as systems, in the form of generated clips."""

from collections import ChainMap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import decode_audio, limit_peak, resample
from ssmttm.choices import BASELINES
from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.evaluation.systems.baselines import derange, noise_like, same_track
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.evaluation.systems.nearest import nearest_clips
from ssmttm.evaluation.systems.training import training_clips, training_order
from ssmttm.progress import notify
from ssmttm.released import check_inputs
from ssmttm.seeds import stable_int
from ssmttm.settings import StageSpec
from ssmttm.tables import iter_clips, read_mapping, read_table, write_table
from ssmttm.threads import set_threads

THROUGH_CODEC = ("codec", "same_track", "training_codec", "nearest_caption")


def run(
    spec: StageSpec,
    name: str,
    prompts: Path,
    clips: list[Path],
    codec: Path,
    out: Path,
    splits: Path | None = None,
    text: Sequence[Path] = (),
) -> None:
    """Write baseline `name`, one of `BASELINES`, for the table `prompts`.

    `clips` are tables of the prompts' own clips; of training clips those of the data set, whose `splits` are needed,
    too, and for nearest_caption the embeddings of their captions, `text`.
    """
    if name not in BASELINES:
        raise UserError(f"no baseline {name!r}; there are {', '.join(BASELINES)}")
    check_inputs([*clips, codec, *([splits] if splits else [])])
    set_threads(1)  # the workflow gives this job one core
    seed = spec["seed"]
    wanted = read_table(prompts, "captions", ["clip_id", "track_id", "caption"]).to_pylist()
    source = {p["clip_id"]: p["clip_id"] for p in wanted}
    if name == "shuffled":
        source = derange({p["clip_id"]: p["track_id"] for p in wanted}, seed)
    if name == "same_track":
        tracks = [read_mapping(path, "clips", "clip_id", "track_id") for path in clips]
        source = same_track({p["clip_id"]: p["track_id"] for p in wanted}, dict(ChainMap(*tracks)), seed)
    if name == "training_codec":
        source = _from_training(list(source), clips, splits, seed)
    if name == "nearest_caption":
        source = nearest_clips(wanted, splits, text, spec["text"])
    audio = {clip["clip_id"]: clip["audio"]["bytes"] for clip in iter_clips(clips, set(source.values()))}
    if missing := [clip for clip in source.values() if clip not in audio]:
        raise UserError(f"{prompts}: {len(missing)} clips, such as {missing[0]}, are in no table of clips")
    change = _change(name, codec, spec["vocoder"], seed)
    rows = []
    for prompt in wanted:
        wave, sample_rate = change(prompt["clip_id"], *decode_audio(audio[source[prompt["clip_id"]]]))
        rows.append(generated_row(name, prompt["clip_id"], prompt["caption"], seed, wave, sample_rate))
    write_table(out, "generated", rows)


def _from_training(prompts: list[str], clips: list[Path], splits: Path | None, seed: int) -> dict[str, str]:
    """For each prompt a clip of the train split."""
    if splits is None:
        raise UserError("the baseline `training_codec` needs --splits, which says what was trained on")
    order = training_order(splits, clips, seed)
    if len(order) < len(prompts):
        notify(f"the training split has {len(order)} clips for {len(prompts)} prompts; some are used again")
    return training_clips(order, prompts)


def _change(
    name: str, codec: Path, vocoder: str, seed: int
) -> Callable[[str, np.ndarray, int], tuple[np.ndarray, int]]:
    """What baseline `name` does to a clip's audio: (clip id, wave, rate) -> (wave, rate)."""
    if name in THROUGH_CODEC:  # a model's audio comes through the codec too
        coder = load_codec(codec, vocoder)

        def reconstruct(clip_id: str, wave: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
            samples = resample(wave, sample_rate, coder.sample_rate)
            return limit_peak(coder.decode(coder.encode(samples))[: len(samples)]), coder.sample_rate

        return reconstruct
    if name == "noise":
        return lambda clip_id, wave, rate: (noise_like(wave, rate, stable_int("noise", seed, clip_id)), rate)
    return lambda clip_id, wave, sample_rate: (wave, sample_rate)
