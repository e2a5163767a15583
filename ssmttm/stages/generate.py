"""Generate audio with a trained run: one prompt to a file, many to a folder or a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch

from ssmttm.audio.coded import encode_audio
from ssmttm.config import generation_settings
from ssmttm.device import claim_device
from ssmttm.evaluation.systems.generated import write_generated
from ssmttm.evaluation.systems.trained import warn
from ssmttm.files import write_bytes, write_json
from ssmttm.generation.folder import CONFIG, read_folder, shipped_model
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.pipeline import Pipeline, run_folder
from ssmttm.generation.prompts import Prompt, check_prompt, file_name, read_prompts
from ssmttm.generation.record import Clock
from ssmttm.generation.request import FORMATS, NO_REFINER, check_request
from ssmttm.generation.sampler import Sampling
from ssmttm.generation.streaming import write_stream
from ssmttm.given import check_section, parse_spec
from ssmttm.progress import Progress
from ssmttm.settings import GenerationSettings
from ssmttm.threads import set_threads_for


def run(
    asked_for: Mapping[str, object],
    model: Path | None,
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
    spec: str | None = None,
) -> None:
    """See `ssmttm generate --help`. Each caption's seed follows from the seed and its name alone.

    `asked_for` are keys of the config's section `generation`, over those of --spec (`spec`) or of the model.
    """
    check_request(out, prompt, prompts, stream, precision)
    told = check_section("generation", parse_spec(spec)) if spec else None
    model = model or shipped_model()
    settings = cast(GenerationSettings, {**(told or _settings(run_folder(model))), **asked_for})
    asked = [Prompt("prompt", check_prompt(prompt or ""))] if prompts is None else read_prompts(prompts)
    captions = [p.caption for p in asked]
    seed, folder = settings["seed"], run_folder(model)
    seeds = [seed] if prompts is None else [p.seed(seed) for p in asked]
    sampling = Sampling.from_settings(settings)
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        refinement = None if refiner == NO_REFINER else Refinement.from_settings(settings)
        pipeline = Pipeline.load(model, codec, place, precision, refinement, refiner, settings["vocoder"])
        warn(pipeline.cautions(asked))
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
            write_bytes(out, encode_audio(next(waves), rate, FORMATS[out.suffix]))
        elif out.suffix == ".parquet":
            write_generated(out, folder.name, asked, seeds, waves, rate)
        else:
            for p, wave in zip(asked, waves, strict=True):
                write_bytes(out / f"{file_name(p.name)}.wav", encode_audio(wave, rate, "WAV"))
        if record is not None:
            stages = 1 if pipeline.second is None else 2
            write_json(record, clock.record(stages, settings, pipeline.codec, pipeline.backends()))


def _settings(folder: Path) -> GenerationSettings:
    """How to sample where nobody says it: as a model's own folder says or, for one that has none, the config."""
    if (own := read_folder(folder)) is None:
        return generation_settings()
    settings: GenerationSettings = check_section("generation", own.generation, str(folder / CONFIG))
    return settings
