"""A study's folder: its tables and summary.json, written by stage `compare` and read for the report."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import pandas as pd

from ssmttm.choices import LOSS_TABLES, STUDY_TABLES
from ssmttm.errors import UserError
from ssmttm.files import atomic_path, read_json, write_json
from ssmttm.settings import EvaluationSettings, GenerationSettings, RefinerSpec, RunSpec
from ssmttm.tables import read_table, write_frame


class Machine(TypedDict):
    """What a manifest says of the computer."""

    cpu: str
    cores: int
    system: str
    python: str


class RunManifest(TypedDict):
    """A run's manifest.json, as far as a study reads it."""

    run: str
    spec: RunSpec
    commit: str | None
    fingerprint: str
    device: str
    device_hours: float
    machine: Machine
    packages: dict[str, str]
    threads: int
    instruction_set: str
    checkpoints: dict[str, int]
    """The optimizer step of each kept model, by its file."""
    parameters: int
    parameters_by_group: NotRequired[dict[str, int]]
    steps: int
    tokens: int
    flops_per_step: float
    flops_planned: float
    flops_spent: float
    seconds: float
    test_loss: float
    test_clips: int


class RefinerManifest(TypedDict):
    """A run's refiner.json, as far as a study reads it: what made its second stage."""

    spec: RefinerSpec
    checkpoints: dict[str, int]
    parameters: int
    steps: int
    tokens: int
    flops_planned: float
    flops_spent: float
    seconds: float
    device_hours: float


class GenerationRecord(TypedDict):
    """A run's generated/final.json, as far as a study reads it: what generating took."""

    seconds: float
    audio_seconds: float
    threads: int
    stages: int
    generation: GenerationSettings


class Outlier(TypedDict):
    """A clip that lies far from the originals, and its own Fréchet distance to them."""

    clip_id: str
    value: float


class Copy(TypedDict):
    """A generated clip that is a near-copy of a training clip; both by their ids."""

    generated: str
    training: str
    similarity: float


class BaselineSummary(TypedDict):
    """What is known of a system that is no run."""

    folder: str
    """Relative to the study's, so that a results tree can be moved whole."""
    facts: Mapping[str, object]
    outliers: dict[str, list[Outlier]]
    """By embedder, as the copies."""
    copies: dict[str, list[Copy]]


class RunSummary(TypedDict):
    """What is known of a run."""

    folder: str
    manifest: RunManifest
    refiner: RefinerManifest | None
    """Of its second stage."""
    outliers: dict[str, list[Outlier]]
    copies: dict[str, list[Copy]]


class MetricSummary(TypedDict):
    """How all scores by one metric and embedder were made."""

    definition: str
    better: str
    backend: str
    interval: str


class Summary(TypedDict):
    """The content of summary.json."""

    study: str
    title: str
    evaluation: EvaluationSettings
    runs: dict[str, RunSummary]
    baselines: dict[str, BaselineSummary]
    metrics: dict[str, dict[str, MetricSummary]]
    """By embedder and metric."""


@dataclass(frozen=True)
class Study:
    """The tables and the summary of one study's folder."""

    folder: Path
    summary: Summary
    tables: Mapping[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def embedders(self) -> list[str]:
        """Those that scored something, in the config's order: the main one is first."""
        scored = list(dict.fromkeys(self["comparison"]["embedder"]))
        first = [e for e in self.summary["evaluation"]["embedders"] if e in scored]
        return [*first, *(e for e in scored if e not in first)]

    @property
    def specs(self) -> dict[str, Mapping[str, Any]]:
        """What each run was trained with."""
        return {name: run["manifest"]["spec"] for name, run in self.summary["runs"].items()}

    def folder_of(self, system: str) -> Path:
        """Where a run or a baseline is."""
        summary = self.summary["runs"].get(system) or self.summary["baselines"][system]
        return (self.folder / summary["folder"]).resolve()


def write_study(study: Study) -> None:
    """Write the tables and summary.json; paths in the summary become relative to the folder."""
    for name in STUDY_TABLES:
        write_frame(study.folder / f"{name}.parquet", name, study[name])
    for name in ("comparison", *LOSS_TABLES):
        with atomic_path(study.folder / f"{name}.csv") as path:
            study[name].to_csv(path, index=False)
    for system in (*study.summary["runs"].values(), *study.summary["baselines"].values()):
        system["folder"] = Path(os.path.relpath(system["folder"], study.folder)).as_posix()
    write_json(study.folder / "summary.json", study.summary)


def read_study(folder: Path) -> Study:
    """All tables of the study in `folder`; UserError naming what is missing."""
    summary = cast(Summary, read_json(folder / "summary.json"))
    if not summary.get("evaluation", {}).get("embedders"):
        raise UserError(
            f"{folder / 'summary.json'}: lacks evaluation.embedders; compare the study again with this version"
        )
    return Study(folder, summary, {name: _read(folder / f"{name}.parquet", name) for name in STUDY_TABLES})


def _read(path: Path, name: str) -> pd.DataFrame:
    try:
        return read_table(path, name).to_pandas()
    except UserError as error:
        raise UserError(f"{error}; compare the study again with this version: ssmttm compare --help") from error
