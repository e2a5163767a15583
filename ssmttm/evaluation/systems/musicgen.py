"""MusicGen's audio for all prompts, batch by batch; what is finished is kept, so that an interrupted job goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ssmttm.accounting.musicgen import SMALL, SMALL_TRAINING, Shape, training_flops
from ssmttm.audio.coded import decode_audio, resample
from ssmttm.audio.loudness import loudness
from ssmttm.choices import MUSICGEN
from ssmttm.evaluation.systems.foreign_audio import level_notes, levelled
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import sha256_bytes
from ssmttm.pretrained.musicgen import MusicGen, MusicGenSampling
from ssmttm.seeds import stable_int
from ssmttm.spec import canonical_json
from ssmttm.tables import read_table, write_table

BATCH = 4


def generate(
    model: MusicGen,
    prompts: Sequence[Mapping[str, str]],
    seconds: float,
    batch: int,
    sampling: MusicGenSampling,
    seed: int,
    clips: Mapping[str, Any],
    partial: Path,
    stepped: Callable[[], None],
) -> Iterator[tuple[list[dict[str, Any]], bool]]:
    """Rows of the table `generated` for each batch of `prompts` (clip_id, caption), and whether it was kept before.

    A caption's seed follows from `seed` and its id. Batches are the same ones after an interruption: other
    captions beside it may change a caption's last bits. `partial` is a folder for finished batches.
    """
    settings = [
        model.identity,
        str(model.model.dtype),
        model.model.device.type,
        seconds,
        batch,
        list(sampling.__dict__.items()),
    ]
    settings += [seed, [clips[k] for k in ("sample_rate", "loudness_lufs", "silence_lufs")]]
    settings += [[(p["clip_id"], p["caption"]) for p in prompts]]
    kept = partial / sha256_bytes(canonical_json(settings).encode())[:16]
    for start in range(0, len(prompts), batch):
        path = kept / f"{start:06d}.parquet"
        if path.is_file():
            yield read_table(path, "generated").to_pylist(), True
            continue
        rows = _rows(model, prompts[start : start + batch], seconds, sampling, seed, clips, stepped)
        write_table(path, "generated", rows)
        yield rows, False


def _rows(
    model: MusicGen,
    prompts: Sequence[Mapping[str, str]],
    seconds: float,
    sampling: MusicGenSampling,
    seed: int,
    clips: Mapping[str, Any],
    stepped: Callable[[], None],
) -> list[dict[str, Any]]:
    rate = clips["sample_rate"]
    seeds = [stable_int("musicgen", seed, p["clip_id"]) for p in prompts]
    waves = model.generate([p["caption"] for p in prompts], seeds, seconds, sampling, stepped)
    rows = []
    for prompt, own, wave in zip(prompts, seeds, waves, strict=True):
        samples = resample(wave, model.sample_rate, rate)
        samples, _ = levelled(samples, rate, clips["loudness_lufs"], clips["silence_lufs"])
        rows.append(generated_row(MUSICGEN, prompt["clip_id"], prompt["caption"], own, samples, rate))
    return rows


def notes_on(
    rows: Sequence[Mapping[str, Any]], sample_rate: int, seconds: float, clips: Mapping[str, Any]
) -> list[str]:
    """What was done to the audio, and which clips came out silent."""
    notes = []
    if sample_rate != clips["sample_rate"]:
        notes.append(f"resampled from {sample_rate} Hz to {clips['sample_rate']} Hz")
    if abs(seconds - clips["seconds"]) > 0.1:
        notes.append(f"{seconds:g} s long, where the data set's clips are {clips['seconds']:g} s")
    silent = [r["clip_id"] for r in rows if loudness(*decode_audio(r["audio"]["bytes"])) < clips["silence_lufs"]]
    return notes + level_notes(clips["loudness_lufs"], silent, len(rows), "clip")


def stated(model: MusicGen, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters, training FLOPs and hours of music, and a note on where those numbers are from.

    Those of the published small model hold for weights of its shape; for others they are what
    `settings` (evaluation.musicgen) says, else unknown.
    """
    shape = shape_of(model)
    known = {"flops": settings.get("flops"), "hours": settings.get("hours")}
    notes = [settings.get("note", "")]
    if shape == SMALL:
        known = {
            "flops": known["flops"] or training_flops(SMALL, SMALL_TRAINING),
            "hours": known["hours"] or SMALL_TRAINING.hours,
        }
        notes.append("of MusicGen-small's shape, whose published training is what is counted")
    parameters = sum(p.numel() for p in trained(model))
    return {"parameters": parameters, **known, "note": "; ".join(filter(None, notes))}


def trained(model: MusicGen) -> Iterator[torch.nn.Parameter]:
    """The parameters of decoder and caption projection; text encoder and codec are frozen."""
    yield from model.model.decoder.parameters()
    if hasattr(model.model, "enc_to_dec_proj"):
        yield from model.model.enc_to_dec_proj.parameters()


def shape_of(model: MusicGen) -> Shape:
    """The decoder's shape."""
    config: Any = model.model.config.decoder
    return Shape(config.num_hidden_layers, config.hidden_size, config.ffn_dim, config.num_codebooks, config.vocab_size)
