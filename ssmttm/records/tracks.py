"""What a record's loss is of, and what each track allows: the only place of these rules.

Budgets and sizes are those of the default study; what it has no number for stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ssmttm.config import ROOT, load_config
from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.models.outline import Outline
from ssmttm.run_table import read_studies
from ssmttm.settings import Config, RunSpec
from ssmttm.text.base import width_of

TRACKS = ("laptop", "quarter", "free")

METRIC = 1
"""Version of what a record's loss means.

Version 1: the negative log-likelihood of the codes of level 1, in nats per code, of each clip of the split `test` under
its own caption; of a design the mean over artists, of each over its tracks and of these over their clips, and over
seeds. Whoever changes any of that gives it another number, and old records aren't compared with new ones.
"""

LEAST_SEEDS = 3
"""Seeds of an entry at least."""

LEVEL = 0.01
"""Below this is the p-value of what beats a record."""

CONFIDENCE = 0.95
"""Of the interval of a record's loss."""

TOLERANCE = 1e-3
"""Nats per code by which another processor may compute the loss of a clip otherwise: a lead of no more is none."""

CONTENT = {"laptop-5": "033439c75ff20a0e41adaca2844bd9b37b01691388bedceb1cd8ea7e8d48c7c2"}
"""What the data set of each version holds (`ssmttm.records.data.content_of`).

A data set isn't known by its dataset.json alone: on another processor the fitted codec differs in its last digits, and
all hashes of files with it, while the codes of level 1 may well be the same. So what models of level 1 learn from and
are judged by is hashed: splits, tracks, artists, captions and codes of level 1. Where that is the same, losses can be
compared.
"""

FREE_MINUTES, FREE_CORES = 15, 2
"""What the track `free` allows: minutes of training, on so many cores of a CPU."""

_CORE = ("mixers", "cross", "feedforward", "norms")
"""Groups of parameters that count for a size: those outside embeddings, captions and heads."""


@dataclass(frozen=True)
class Track:
    """What one training run of an entry may take; None where the track doesn't limit it."""

    name: str
    flops: float | None = None
    core_parameters: int | None = None
    """Outside embeddings, captions and heads."""
    core_minutes: float | None = None
    """Minutes of training times CPU cores."""


def default_study() -> Config:
    """The config of the default study, wherever the command runs."""
    return load_config(ROOT / "config.yaml")


def track_of(name: str, config: Config) -> Track | None:
    """The track of that name, with the numbers of the default study's `config`; None where there is none."""
    flops = float(config["budgets"]["flops"]["flops"])
    if name == "laptop":
        return Track(name, flops=flops)
    if name == "quarter":
        return Track(name, flops=flops, core_parameters=_largest_quarter(config))
    return Track(name, core_minutes=float(FREE_MINUTES * FREE_CORES)) if name == "free" else None


def core_parameters(groups: Mapping[str, int]) -> int:
    """Parameters outside embeddings, captions and heads, from those by group."""
    return sum(groups[group] for group in _CORE)


def unfilled(spec: RunSpec, text_width: int) -> MusicLM:
    """The model of a run's spec, without contents; UserError where no model can be made of it."""
    try:
        with Outline():
            return MusicLM(ModelConfig.from_spec(spec, text_width))
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"spec: no model can be made of it: {error}") from error


def _largest_quarter(config: Config) -> int:
    """Of the rows of size `quarter`, as they are without overrides."""
    studies = read_studies(config, ROOT, tuned=False)
    width = width_of(config["data"]["text"])
    counts = [
        core_parameters(unfilled(row["spec"], width).parameters_by_group())
        for row in studies.runs.values()
        if row["study"] in studies.own and row["size"] == "quarter" and not row["overrides"]
    ]
    if not counts:
        raise UserError("workflow/runs.tsv: no row of size quarter, which says how large the track quarter allows")
    return max(counts)
