"""The audio of one run's models: finished and at fractions of its budget, with codec and text encoder loaded once."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ssmttm.choices import FINAL
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.systems.generated import write_generated
from ssmttm.files import sha256_file, write_json
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.pipeline import Pipeline
from ssmttm.generation.prompts import Prompt, read_prompts
from ssmttm.generation.record import Clock
from ssmttm.generation.request import NO_REFINER
from ssmttm.generation.sampler import Sampling
from ssmttm.generation.second_stage import REFINER
from ssmttm.models.checkpoint import read_origin
from ssmttm.models.refiner.checkpoint import read_refiner_origin
from ssmttm.progress import Progress, notify
from ssmttm.provenance import code_of
from ssmttm.settings import GenerationSettings
from ssmttm.spec import mixers_of
from ssmttm.threads import set_threads_for

_WARNINGS = 10


def warn(cautions: Iterable[str]) -> None:
    """Say the first of what the text encoder doesn't take in as it is, and how many there are."""
    every = list(cautions)
    for caution in every[:_WARNINGS]:
        notify(f"warning: {caution}")
    if len(every) > _WARNINGS:
        notify(f"warning: {len(every) - _WARNINGS} more of the kind")


@dataclass
class TrainedRun:
    """A run in its folder, and how its models answer the captions of a table."""

    folder: Path
    refiner: Path
    """The folder of its second stage, which has the models at fractions; `NO_REFINER` for none."""
    settings: GenerationSettings
    prompts: Path
    codec: Path

    def models(self, checkpoint: str) -> tuple[Path, Path]:
        """The file of the language model at `checkpoint`, and that of the refiner, or `NO_REFINER`.

        Raises UserError for one that isn't there.
        """
        final, part = checkpoint == FINAL, f"checkpoints/{checkpoint}.safetensors"
        model = self.folder / ("model.safetensors" if final else part)
        refiner = self.refiner
        if refiner != NO_REFINER:
            refiner = self.folder / REFINER if final else refiner / part
        for path in (model, refiner):
            if path != NO_REFINER and not path.is_file():
                raise UserError(f"{path}: no trained model; train it first, or leave out the checkpoint {checkpoint}")
        return model, refiner

    def origin(self, checkpoint: str) -> dict[str, object]:
        """All that decides the audio of `checkpoint`, as hashes, settings and the fingerprint of the code."""
        model, refiner = self.models(checkpoint)
        spec = read_origin(model)["spec"]
        parts: dict[str, str | list[str]] = {"mixer": mixers_of(spec["variant"])}
        parts |= {"codec": spec["data"]["codec"]["name"], "encoder": spec["data"]["text"]["encoder"]}
        if refiner != NO_REFINER:
            second = read_refiner_origin(refiner)["spec"]["refiner"]
            parts |= {"backbone": second["backbone"], "objective": second["objective"]}
        vocoder = Path(self.settings["vocoder"])
        files = {"model": model, "refiner": refiner, "prompts": self.prompts, "codec": self.codec, "vocoder": vocoder}
        return {
            "code": code_of("generate", **parts),
            "settings": dict(self.settings),
            **{name: sha256_file(path) if path.is_file() else path.name for name, path in files.items()},
        }

    @contextmanager
    def generating(self, device: str, threads: int | None) -> Iterator["Generator"]:
        """Computes on `device`, which is claimed until the block ends, with `threads` CPU threads."""
        with claim_device(device, threads) as place:
            torch.use_deterministic_algorithms(place.type == "cpu")
            try:
                yield Generator(self, place, threads, read_prompts(self.prompts))
            finally:
                torch.use_deterministic_algorithms(False)


@dataclass
class Generator:
    """What generates with one model after the other; codec and text encoder are those of the first."""

    run: TrainedRun
    place: torch.device
    threads: int | None
    prompts: Sequence[Prompt]
    first: Pipeline | None = None

    def generate(self, checkpoint: str, out: Path, record: Path) -> None:
        """Write the audio of `checkpoint` to the table `out`, and what it took to `record`."""
        run, settings = self.run, self.run.settings
        model, refiner = run.models(checkpoint)
        two = refiner != NO_REFINER
        pipeline = Pipeline.load(
            run.folder if checkpoint == FINAL else model,
            run.codec,
            self.place,
            refinement=Refinement.from_settings(settings) if two else None,
            refiner=refiner if two else None,
            vocoder=settings["vocoder"],
            like=self.first,
        )
        if self.first is None:
            warn(pipeline.cautions(self.prompts))
            self.first = pipeline
        if self.threads is None:
            set_threads_for(sum(p.numel() for p in pipeline.model.parameters()))
        name, seconds, rate = run.folder.name, pipeline.seconds, pipeline.codec.sample_rate
        label = f"generate {name}" if checkpoint == FINAL else f"generate {name} at {checkpoint}"
        progress = Progress(label, pipeline.steps(seconds, len(self.prompts)), "steps")
        seeds = [prompt.seed(settings["seed"]) for prompt in self.prompts]
        captions, clock = [prompt.caption for prompt in self.prompts], Clock(rate)
        waves = pipeline.generate(captions, Sampling.from_settings(settings), seeds, seconds, progress)
        write_generated(out, name, self.prompts, seeds, clock.timed(waves), rate)
        write_json(record, clock.record(2 if two else 1, settings, pipeline.codec, pipeline.backends()))
