"""Generate audio with a trained run: one prompt to a file, or a table of prompts to a table."""

from pathlib import Path
from typing import Any

import torch

from ssmttm.audio import encode_audio
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.files import write_bytes
from ssmttm.generation.pipeline import Pipeline, check_prompt
from ssmttm.generation.sampler import Sampling
from ssmttm.progress import Progress
from ssmttm.seeds import stable_int
from ssmttm.tables import read_table, write_table

_FORMATS = {".wav": "WAV", ".flac": "FLAC"}


def run(
    settings: dict[str, Any],
    model: Path,
    out: Path,
    prompt: str | None,
    prompts: Path | None,
    seconds: float | None,
    codec: Path | None,
    device: str,
    threads: int | None,
) -> None:
    """See `ssmttm generate --help`. Each caption's seed follows from the seed and its clip id alone."""
    if (prompt is None) == (prompts is None):
        raise UserError("give either --prompt TEXT or --prompts prompts.parquet")
    expected = list(_FORMATS) if prompt is not None else [".parquet"]
    if out.suffix not in expected:
        raise UserError(f"--out {out}: expected a name that ends in {' or '.join(expected)}")
    if prompt is not None:
        check_prompt(prompt)
    sampling = Sampling.from_settings(settings)
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        pipeline = Pipeline.load(model, codec, place)
        length = pipeline.seconds if seconds is None else seconds
        progress = Progress(f"generate {model.name}", pipeline.steps(length), "steps")
        if prompt is not None:
            (wave,) = pipeline.generate([prompt], sampling, [settings["seed"]], length, progress)
            write_bytes(out, encode_audio(wave, pipeline.codec.sample_rate, _FORMATS[out.suffix]))
            return
        rows = read_table(prompts, "captions", ["clip_id", "caption"]).to_pylist()
        seeds = [stable_int("generate", settings["seed"], row["clip_id"]) for row in rows]
        waves = pipeline.generate([row["caption"] for row in rows], sampling, seeds, length, progress)
    rate = pipeline.codec.sample_rate
    generated = [
        {
            "clip_id": row["clip_id"],
            "system": model.name,
            "caption": row["caption"],
            "seed": seed,
            "duration_s": len(wave) / rate,
            "sample_rate": rate,
            "audio": {"bytes": encode_audio(wave, rate), "path": f"{row['clip_id']}.flac"},
        }
        for row, seed, wave in zip(rows, seeds, waves, strict=True)
    ]
    write_table(out, "generated", generated)
