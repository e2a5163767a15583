"""One study as the page reads it: its tables and its summary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.tables import OPTIONAL, SCHEMAS

TABLES = (
    "comparison", "curves", "progress", "differences", "fits", "fit_curves", "reach", "scaling", "scaling_summary",
    "seeds", "seed_tests",
)  # fmt: skip


class Machine(TypedDict):
    """What a run was trained on."""

    cpu: str
    cores: int
    system: str
    python: str


class Manifest(TypedDict):
    """What the page says of a run, out of its manifest.json."""

    spec: Mapping[str, Any]
    commit: str | None
    device: str
    machine: Machine
    packages: dict[str, str]
    instruction_set: str
    threads: int
    fingerprint: str


class Copy(TypedDict):
    """A generated clip that is a near-copy of a training clip."""

    generated: str
    training: str
    similarity: float


class Outlier(TypedDict):
    """A clip that is far from the originals, with its Fréchet distance."""

    clip_id: str
    value: float


class SystemSummary(TypedDict):
    """One system of a study: its folder, relative to the study's, and by embedder the clips that stand out."""

    folder: str
    copies: dict[str, list[Copy]]
    outliers: dict[str, list[Outlier]]


class RunSummary(SystemSummary):
    """One run of a study."""

    manifest: Manifest


class Summary(TypedDict):
    """summary.json of a study."""

    study: str
    runs: dict[str, RunSummary]
    baselines: dict[str, SystemSummary]
    evaluation: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """The tables and the summary of one study's folder."""

    folder: Path
    summary: Summary
    tables: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    @property
    def embedders(self) -> list[str]:
        """The main one first, then the others in the order of the table."""
        present = list(dict.fromkeys(self.tables["comparison"]["embedder"]))
        return list(dict.fromkeys([e for e in self.summary["evaluation"]["embedders"] if e in present] + present))

    @property
    def specs(self) -> dict[str, Mapping[str, Any]]:
        """What each run was trained with."""
        return {name: run["manifest"]["spec"] for name, run in self.summary["runs"].items()}

    @property
    def codes(self) -> int:
        """How many codes a codebook has: the runs of a study share one codec."""
        return next(iter(self.specs.values()))["data"]["codec"]["codebook_size"]

    def folder_of(self, system: str) -> Path:
        """The folder of one run or baseline."""
        return (self.folder / {**self.summary["baselines"], **self.summary["runs"]}[system]["folder"]).resolve()


def read_frame(folder: Path, name: str) -> pd.DataFrame:
    """Table `name` of the study in `folder`; UserError if the file or a column is missing."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise UserError(f"{path}: no such file; `ssmttm compare` writes it")
    frame = pd.read_parquet(path)
    required = [column for column in SCHEMAS[name].names if column not in OPTIONAL.get(name, ())]
    if missing := [column for column in required if column not in frame.columns]:
        raise UserError(f"{path}: lacks {', '.join(missing)}; compare the study again with this version")
    return frame


def read_study(folder: Path) -> Study:
    """All tables of the study in `folder`; UserError naming what is missing."""
    path = folder / "summary.json"
    summary = read_json(path)
    if not summary.get("evaluation", {}).get("embedders"):
        raise UserError(f"{path}: lacks evaluation.embedders; compare the study again with this version")
    return Study(folder, summary, {name: read_frame(folder, name) for name in TABLES})
