"""A study's stages with what each takes: jobs, hours of cores and of GPUs, disk and memory."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ssmttm import choices
from ssmttm.codecs.base import frames_in
from ssmttm.forecast import rates
from ssmttm.forecast.models import Counter, Model
from ssmttm.forecast.music import Music
from ssmttm.forecast.rates import Gpu, Rate
from ssmttm.run_table import Studies
from ssmttm.settings import Config, Run

_GIGA = 1e9
_HOUR = 3600.0
_SAMPLE_BYTES = 1.25
"""Of a sample in FLAC: 30 kB a second at 24 kHz in the default study's data."""
_TOKEN_BYTES, _TEXT_BYTES, _WEIGHT_BYTES = 2, 320, 4
"""Of a code, of a caption's token, of a parameter."""
_UNPACKED = 1.8
"""Of what was downloaded, with the tracks that were taken out of it."""
_PROCESS_GB = 0.85
"""Of memory, of a job of any stage of the default study; of it a training takes half beside its model."""


class Cost(NamedTuple):
    """Seconds of a core or of a GPU."""

    seconds: float
    rate: Rate


@dataclass(frozen=True)
class Stage:
    """One line of a forecast."""

    name: str
    jobs: int
    core_hours: float
    gpu_hours: float
    spread: float
    """By which the hours may be off, in hours of what they are mostly of."""
    disk_gb: float
    memory_gb: float
    sources: tuple[str, ...]
    """Where the rates are from."""

    @property
    def assumed(self) -> bool:
        """Whether a rate of it was never measured."""
        return any(source.startswith("assumed") for source in self.sources)


def forecast(config: Config, studies: Studies, music: Music, gpu: Gpu | None) -> list[Stage]:
    """The stages of `config`'s own studies, in the order of the workflow; UserError for a model that can't be."""
    runs = {name: run for name, run in studies.runs.items() if run["study"] in studies.own}
    return [*_data(config, music, gpu), *_models(config, studies, runs, music, gpu), *_ends(config, runs, music, gpu)]


def _stage(name: str, jobs: int, costs: Iterable[Cost], disk_gb: float = 0.0, memory_gb: float = _PROCESS_GB) -> Stage:
    costs = list(costs)
    cores = sum(cost.seconds for cost in costs if not cost.rate.gpu) / _HOUR
    gpus = sum(cost.seconds for cost in costs if cost.rate.gpu) / _HOUR
    by_rate: dict[Rate, float] = {}
    for cost in costs:  # jobs that share a rate are off alike
        by_rate[cost.rate] = by_rate.get(cost.rate, 0.0) + cost.seconds / _HOUR
    spread = math.hypot(*(hours * (rate.factor - 1) for rate, hours in by_rate.items())) if by_rate else 0.0
    return Stage(name, jobs, cores, gpus, spread, disk_gb, memory_gb, tuple(dict.fromkeys(r.source for r in by_rate)))


def _data(config: Config, music: Music, gpu: Gpu | None) -> Iterator[Stage]:
    data, shards = config["data"], config["data"]["shards"]
    seconds = music.clips * data["clips"]["seconds"]
    codec, encoder = data["codec"]["name"], data["text"]["encoder"]
    on_gpu = gpu is not None

    def cost(work: str, amount: float, kind: str = "") -> Cost:
        rate = rates.rate(work, kind, on_gpu)
        return Cost(amount * rate.seconds, rate)

    kept = music.megabytes / 1e3 * _UNPACKED if data["fetch"]["keep"] else 0.0
    clips_gb = seconds * data["clips"]["sample_rate"] * _SAMPLE_BYTES / _GIGA
    frames = seconds * data["codec"]["codebooks"] * _frame_rate(config)
    separated = [cost("separate", seconds)] if data["vocals"]["mode"] == "separate" else []
    yield _stage("index, license", 2, [cost("index", music.megabytes)], kept)
    yield _stage(
        "audio, clips", 2 * shards, [cost("audio", music.hours), cost("clips", music.hours), *separated], clips_gb
    )
    yield _stage("captions", shards, [cost("captions", seconds)])
    fitted = [cost("codec", music.clips, codec)] if codec == "spectral" else []
    yield _stage("codec, tokens", shards + 1, [*fitted, cost("tokens", seconds, codec)], frames * _TOKEN_BYTES / _GIGA)
    text_gb = music.clips * data["text"]["max_tokens"] * _TEXT_BYTES / _GIGA
    yield _stage("text", shards, [cost("text", music.clips, encoder)], text_gb)


def _frame_rate(config: Config) -> float:
    clips = config["data"]["clips"]
    return frames_in(config["data"]["codec"], clips["seconds"], clips["sample_rate"]) / clips["seconds"]


def _models(config: Config, studies: Studies, runs: dict[str, Run], music: Music, gpu: Gpu | None) -> Iterator[Stage]:
    counter = Counter()
    trained = {name: counter.language_model(run["spec"]) for name, run in runs.items()}
    own = {name: model for name, model in trained.items() if not runs[name]["language_model"]}
    second = {
        name: counter.refiner(studies.refiners[name])
        for name in dict.fromkeys(r["refiner"] for r in runs.values())
        if name
    }
    for name, models in (("train", own), ("refiner", second)):
        if models:
            memory = _PROCESS_GB / 2 + max(model.training_bytes for model in models.values()) / _GIGA
            disk = sum(model.stored * model.parameters * _WEIGHT_BYTES for model in models.values()) / _GIGA
            yield _stage(name, len(models), [_training(model, gpu) for model in models.values()], disk, memory)
    costs = []
    checkpoints = 0
    for name, run in runs.items():
        count = len(choices.checkpoints_of(config, run, studies.refiners.get(run["refiner"])))
        checkpoints += count
        costs += [
            *_judged(config, count, gpu),
            *_generated(config, run, trained[name], second.get(run["refiner"]), count, gpu),
        ]
        costs.append(_likelihoods(config, trained[name], music, gpu))
    copies = sum(second[run["refiner"]].parameters for run in runs.values() if run["refiner"]) * _WEIGHT_BYTES / _GIGA
    yield _stage("evaluate", len(runs), costs, checkpoints * _audio_gb(config) + copies)


def _training(model: Model, gpu: Gpu | None) -> Cost:
    rate = rates.training(model.mixer, model.d_model, gpu)
    if model.flops is None:
        return Cost((model.hours or 0.0) * _HOUR, Rate(rate.seconds, 1.0, rate.gpu, "the budget, in hours"))
    return Cost(model.flops * rate.seconds, rate)


def _audio_gb(config: Config) -> float:
    """Of what one system generates."""
    clips = config["data"]["clips"]
    return config["generation"]["prompts"] * clips["seconds"] * clips["sample_rate"] * _SAMPLE_BYTES / _GIGA


def _judged(config: Config, systems: int, gpu: Gpu | None) -> Iterator[Cost]:
    """Embeddings and scores of so many systems' clips."""
    seconds = config["generation"]["prompts"] * config["data"]["clips"]["seconds"]
    for embedder in config["evaluation"]["embedders"]:
        rate = rates.rate("embed", embedder, gpu is not None)
        yield Cost(systems * seconds * rate.seconds, rate)
    rate = rates.rate("evaluate")
    yield Cost(systems * rate.seconds, rate)


def _generated(
    config: Config, run: Run, model: Model, refiner: Model | None, checkpoints: int, gpu: Gpu | None
) -> Iterator[Cost]:
    sampling = run["generation"]
    seconds = checkpoints * sampling["prompts"] * config["data"]["clips"]["seconds"]
    decode = rates.rate("decode", on_gpu=gpu is not None)
    passes = 1 if sampling["guidance"] == 1 else 2
    yield Cost(seconds * passes * model.second_flops / _GIGA * decode.seconds, decode)
    if refiner is not None:
        steps = sampling["sampler_steps"] * (1 if sampling["refiner_guidance"] == 1 else 2)
        rate = rates.training(refiner.mixer, refiner.d_model, gpu)
        yield Cost(seconds * steps * refiner.second_flops * rate.seconds, rate)


def _likelihoods(config: Config, model: Model, music: Music, gpu: Gpu | None) -> Cost:
    split = config["data"]["split"]
    held_out = (split["test"] + split.get("known", 0.0)) * music.clips * config["data"]["clips"]["seconds"]
    rate = rates.training(model.mixer, model.d_model, gpu)
    return Cost(held_out * model.second_flops * rate.seconds, rate)


def _ends(config: Config, runs: dict[str, Run], music: Music, gpu: Gpu | None) -> Iterator[Stage]:
    """Systems without a run, and pages."""
    evaluation, seconds = config["evaluation"], config["data"]["clips"]["seconds"]
    systems = len(choices.systems_of(config))
    embedded = min(evaluation["training_clips"], music.clips) if "training_copies" in evaluation["metrics"] else 0
    costs = list(_judged(config, systems, gpu))
    for embedder in evaluation["embedders"]:
        rate = rates.rate("embed", embedder, gpu is not None)
        costs.append(Cost(embedded * seconds * rate.seconds, rate))
    quality = rates.rate("codec_quality")
    costs.append(Cost(quality.seconds, quality))
    yield _stage("baselines", 5, costs, systems * _audio_gb(config))
    rate = rates.rate("page")
    yield _stage("compare, report", 3, [Cost(len(runs) * rate.seconds, rate)], 0.02)
