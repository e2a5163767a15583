"""Generate audio with a trained run: one prompt to a file, many to a folder or a table."""

from pathlib import Path

import torch

from ssmttm.audio.coded import encode_audio
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import write_bytes, write_json
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.pipeline import Pipeline, run_folder
from ssmttm.generation.prompts import Prompt, check_prompt, file_name, read_prompts
from ssmttm.generation.record import Clock
from ssmttm.generation.sampler import Sampling
from ssmttm.generation.streaming import write_stream
from ssmttm.models.inference.precision import PRECISIONS
from ssmttm.progress import Progress, notify
from ssmttm.seeds import stable_int
from ssmttm.settings import GenerationSettings
from ssmttm.tables import write_table
from ssmttm.threads import set_threads_for

NO_REFINER = Path("none")
"""What leaves a run's second stage out."""

_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
_WARNINGS = 10


def run(
    settings: GenerationSettings,
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
    refiner: Path | None = None,
    record: Path | None = None,
) -> None:
    """See `ssmttm generate --help`. Each caption's seed follows from the seed and its name alone."""
    _check(out, prompt, prompts, stream, precision)
    asked = [Prompt("prompt", check_prompt(prompt or ""))] if prompts is None else read_prompts(prompts)
    captions = [p.caption for p in asked]
    seed, folder = settings["seed"], run_folder(model)
    seeds = [seed] if prompts is None else [stable_int("generate", seed, p.name) for p in asked]
    sampling = Sampling.from_settings(settings)
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        refinement = None if refiner == NO_REFINER else Refinement.from_settings(settings)
        pipeline = Pipeline.load(model, codec, place, precision, refinement, refiner)
        _warn(list(pipeline.cautions(asked)))
        if threads is None:
            set_threads_for(sum(p.numel() for p in pipeline.model.parameters()))
        before = None if continue_from is None else pipeline.encode_file(continue_from)
        length = pipeline.seconds if seconds is None else seconds
        label = folder.name if model == folder else f"{folder.name} at {model.stem}"
        progress = Progress(f"generate {label}", pipeline.steps(length, len(asked)), "steps")
        rate = pipeline.codec.sample_rate
        if stream:
            write_stream(out, rate, pipeline.stream(captions[0], sampling, seeds[0], length, progress, before))
            return
        clock = Clock(rate)
        waves = clock.timed(pipeline.generate(captions, sampling, seeds, length, progress, before))
        if prompt is not None:
            write_bytes(out, encode_audio(next(waves), rate, _FORMATS[out.suffix]))
        elif out.suffix == ".parquet":
            made = zip(asked, seeds, waves, strict=True)
            rows = [generated_row(folder.name, p.name, p.caption, s, wave, rate) for p, s, wave in made]
            write_table(out, "generated", rows)
        else:
            for p, wave in zip(asked, waves, strict=True):
                write_bytes(out / f"{file_name(p.name)}.wav", encode_audio(wave, rate, "WAV"))
        if record is not None:
            write_json(record, clock.record(1 if pipeline.second is None else 2, settings))


def _warn(cautions: list[str]) -> None:
    for caution in cautions[:_WARNINGS]:
        notify(f"warning: {caution}")
    if len(cautions) > _WARNINGS:
        notify(f"warning: {len(cautions) - _WARNINGS} more of the kind")


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
