"""Stage `trivial`: audio of trivial models of codes, in the form of generated clips."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from ssmttm.audio.coded import limit_peak
from ssmttm.choices import CODE_MODELS
from ssmttm.codecs.base import Codec, load_codec
from ssmttm.errors import UserError
from ssmttm.evaluation.ngrams import fit_code_model
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.second_stage import FirstStage, SecondStage
from ssmttm.given import read_release
from ssmttm.released import Release, check_inputs, check_released
from ssmttm.rows import CaptionRow
from ssmttm.seeds import stable_int
from ssmttm.settings import StageSpec
from ssmttm.tables import read_table, write_table
from ssmttm.text.base import load_encoder
from ssmttm.threads import set_threads
from ssmttm.training.data import load_splits

_TOGETHER = 8  # clips that are refined at once


def run(
    spec: StageSpec, name: str, prompts: Path, data: Path, codec: Path, out: Path, refiner: Path | None = None
) -> None:
    """Write audio of the model of codes `name` for the table `prompts`; it reads no caption.

    It is fitted to level 1 of the training clips of the data set in `data`, and a refiner, which does read captions,
    completes the codes. Without one each level has such a model of its own, of as many levels as language models make.
    """
    if name not in CODE_MODELS:
        raise UserError(f"no model of codes {name!r}; there are {', '.join(CODE_MODELS)}")
    release = read_release(data, "codec", "text_encoder")
    check_released(data, ("splits.parquet", "tokens", "text"))
    check_inputs([codec])
    set_threads(1)  # the workflow gives this job one core
    coder = load_codec(codec, spec["generation"]["vocoder"])
    wanted = read_table(prompts, "captions", ["clip_id", "caption"]).to_pylist()
    codes = _codes(
        spec, name, data, release, [p["clip_id"] for p in wanted], 1 if refiner else spec["model"]["codebooks"]
    )
    features = _refined(spec, wanted, codes, coder, refiner) if refiner else [coder.latents(c, len(c)) for c in codes]
    length, seed = round(spec["clips"]["seconds"] * coder.sample_rate), spec["generation"]["seed"]
    rows = []
    for prompt, row in zip(wanted, features, strict=True):
        wave = limit_peak(coder.decode_latents(row)[:length])
        rows.append(generated_row(name, prompt["clip_id"], prompt["caption"], seed, wave, coder.sample_rate))
    write_table(out, "generated", rows)


def _codes(spec: StageSpec, name: str, data: Path, release: Release, clips: list[str], levels: int) -> list[np.ndarray]:
    """Sampled codes `[levels, frames]` for each of `clips`; each from the seed and its id alone."""
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as scratch:
        settings = {"codec": spec["codec"], "text": spec["text"]}
        sets = load_splits(data, release, settings, levels, Path(scratch))  # type: ignore[arg-type]
    size, frames = spec["codec"]["codebook_size"], sets.train.frames
    train, held_out = sets.train.codes, sets.validation.codes
    models = [fit_code_model(name, size, train[:, k], held_out[:, k]) for k in range(levels)]
    seed = spec["generation"]["seed"]
    return [
        np.stack(
            [m.sample(frames, np.random.default_rng(stable_int(seed, name, clip, k))) for k, m in enumerate(models)]
        )
        for clip in clips
    ]


def _refined(
    spec: StageSpec, prompts: list[CaptionRow], codes: list[np.ndarray], codec: Codec, path: Path
) -> list[np.ndarray]:
    """Features `[frames, D]` of each prompt, from its codes of level 1 `[1, frames]` and its caption."""
    encoder, device, seed = load_encoder(spec["text"]), torch.device("cpu"), spec["generation"]["seed"]
    first = FirstStage(codec.identity, encoder.identity, 1)
    stage = SecondStage.after(first, path, Refinement.from_settings(spec["generation"]), codec, device)
    most, found = spec["text"]["max_tokens"], []
    for start in range(0, len(prompts), _TOGETHER):
        part = prompts[start : start + _TOGETHER]
        rows = encoder.encode([p["caption"] for p in part], most)
        text, mask = torch.zeros(len(rows), most, encoder.width), torch.zeros(len(rows), most, dtype=torch.bool)
        for i, row in enumerate(rows):
            text[i, : len(row)], mask[i, : len(row)] = torch.from_numpy(row), True
        seeds = [stable_int("generate", seed, p["clip_id"]) for p in part]
        given = torch.from_numpy(np.stack([c[0] for c in codes[start : start + _TOGETHER]]))
        past = torch.zeros(len(part), stage.levels, 0, dtype=torch.int64)
        refined = stage.refine(text, mask, seeds, past, given)
        pairs = zip(refined.codes.numpy(), refined.latents.numpy(), strict=True)
        found += [stage.features(codec, code, latents) for code, latents in pairs]
    return found
