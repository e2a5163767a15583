"""Generate audio with a trained run: one prompt to a file, many to a folder or a table."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.streams import TooLong, Undecodable, decode
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import write_bytes
from ssmttm.generation.pipeline import Pipeline, run_folder
from ssmttm.generation.prompts import Prompt, check_prompt, file_names, read_prompts
from ssmttm.generation.sampler import Sampling
from ssmttm.generation.streaming import GrowingWav
from ssmttm.models.inference.precision import PRECISIONS
from ssmttm.progress import Progress
from ssmttm.seeds import stable_int
from ssmttm.tables import write_table
from ssmttm.threads import set_threads_for

_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
_LONGEST_PROMPT_S = 600.0
_LEAST_KNOWN = 0.5
"""Share of a prompt's letters in tokens of more than one letter. English has more than 0.9, Cyrillic 0.2 and less."""
_WARNINGS, _SHOWN = 10, 100


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
    continue_from: Path | None = None,
    stream: bool = False,
    precision: str = "fp32",
) -> None:
    """See `ssmttm generate --help`. Each caption's seed follows from the seed and its name alone."""
    _check(out, prompt, prompts, stream, precision)
    asked = read_prompts(prompts) if prompts is not None else [Prompt("prompt", check_prompt(prompt or ""))]
    captions = [p.caption for p in asked]
    seeds = [settings["seed"]]
    if prompts is not None:
        seeds = [stable_int("generate", settings["seed"], p.name) for p in asked]
    sampling = Sampling.from_settings(settings)
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        pipeline = Pipeline.load(model, codec, place, precision)
        _warn(pipeline, asked)
        if threads is None:
            set_threads_for(sum(p.numel() for p in pipeline.model.parameters()))
        before = None if continue_from is None else _codes_of(continue_from, pipeline)
        length = pipeline.seconds if seconds is None else seconds
        progress = Progress(f"generate {_label(model)}", pipeline.steps(length, len(asked)), "steps")
        rate = pipeline.codec.sample_rate
        if stream:
            _write_stream(out, rate, pipeline.stream(captions[0], sampling, seeds[0], length, progress, before))
            return
        waves = pipeline.generate(captions, sampling, seeds, length, progress, before)
        if prompt is not None:
            write_bytes(out, encode_audio(next(waves), rate, _FORMATS[out.suffix]))
        elif out.suffix == ".parquet":
            _write_table(out, rate, run_folder(model).name, asked, seeds, waves)
        else:
            for name, wave in zip(file_names(p.name for p in asked), waves, strict=True):
                write_bytes(out / f"{name}.wav", encode_audio(wave, rate, "WAV"))


def _warn(pipeline: Pipeline, asked: list[Prompt]) -> None:
    """Say which prompts the text encoder doesn't take in as they are."""
    limit = pipeline.spec["data"]["text"]["max_tokens"]
    told = []
    for prompt in asked:
        found = pipeline.encoder.read(prompt.caption, limit)
        if found.dropped:
            told.append(
                f"{prompt.name}: it has {found.tokens} tokens, and the model takes {limit}; "
                f"not used: {_shortened(found.dropped)!r}"
            )
        if found.known < _LEAST_KNOWN:
            told.append(
                f"{prompt.name}: the text encoder doesn't know most of {_shortened(prompt.caption)!r}, so it will "
                "hardly matter; the models are trained on English captions"
            )
    for line in told[:_WARNINGS]:
        print(f"ssmttm: warning: {line}", file=sys.stderr)
    if len(told) > _WARNINGS:
        print(f"ssmttm: warning: {len(told) - _WARNINGS} more of the kind", file=sys.stderr)


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]} … {text[-_SHOWN:]}"


def _label(model: Path) -> str:
    """What progress calls a model: its run and, where that isn't the finished one, the checkpoint."""
    folder = run_folder(model)
    return folder.name if model == folder else f"{folder.name} at {model.stem}"


def _check(out: Path, prompt: str | None, prompts: Path | None, stream: bool, precision: str) -> None:
    if (prompt is None) == (prompts is None):
        raise UserError("give either --prompt TEXT or --prompts FILE")
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision}: expected {' or '.join(PRECISIONS)}")
    if stream and (prompt is None or out.suffix != ".wav"):
        raise UserError("--stream writes one prompt to one file: give --prompt TEXT and --out NAME.wav")
    if prompt is not None and out.suffix not in _FORMATS:
        raise UserError(f"--out {out}: expected a name that ends in {' or '.join(_FORMATS)}")
    if prompts is not None and out.suffix != ".parquet" and (out.is_file() or out.suffix in _FORMATS):
        raise UserError(f"--out {out}: with --prompts, expected a folder or a name that ends in .parquet")


def _codes_of(path: Path, pipeline: Pipeline) -> np.ndarray:
    """Codes `[K, T]` of the audio file that a generation goes on from."""
    if not path.is_file():
        raise UserError(f"--continue-from {path}: no such file")
    try:
        wave = decode(path.read_bytes(), pipeline.codec.sample_rate, _LONGEST_PROMPT_S)
        return pipeline.encode_prompt(wave)
    except (Undecodable, TooLong, ValueError, OSError) as error:
        raise UserError(f"--continue-from {path}: {error}; give audio of at most 10 minutes") from error


def _write_stream(out: Path, rate: int, blocks: Iterator[np.ndarray]) -> None:
    """Append `blocks` to NAME.partial.wav, which becomes `out` at the end."""
    partial = out.with_suffix(".partial.wav")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with GrowingWav(partial, rate) as file:
        for block in blocks:
            file.write(block)
    partial.replace(out)


def _write_table(
    out: Path, rate: int, system: str, asked: list[Prompt], seeds: list[int], waves: Iterator[np.ndarray]
) -> None:
    generated = [
        generated_row(system, prompt.name, prompt.caption, seed, wave, rate)
        for prompt, seed, wave in zip(asked, seeds, waves, strict=True)
    ]
    write_table(out, "generated", generated)
