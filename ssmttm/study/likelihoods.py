"""Per-clip losses of a study's systems, checked to be of the same clips, and brought together by design."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ssmttm.errors import UserError
from ssmttm.questions import Design
from ssmttm.statistics.clustered import ClusterMeans, cluster_means
from ssmttm.study.trained import Trained
from ssmttm.tables import read_table

PRODUCT = "likelihoods.parquet"
_CLIP = ["clip_id", "split", "track_id", "artist"]
_APART = ("checkpoints", "state_every", "validations", "validation_clips", "processes", "threads")
"""Settings of training that change no model."""


@dataclass(frozen=True)
class Split:
    """The clips of one split, in one order for all systems."""

    name: str
    clip_ids: tuple[str, ...]
    tracks: tuple[str, ...]
    artists: tuple[str, ...]

    def means(self, values: np.ndarray) -> ClusterMeans:
        """Values of the clips `[clips]`, or of several seeds `[seeds, clips]`, by cluster."""
        return cluster_means(values, self.tracks, self.artists)


@dataclass(frozen=True)
class Likelihoods:
    """The losses of all systems on the same clips."""

    splits: list[Split]
    by_system: Mapping[str, pd.DataFrame]
    """Each by clip id, with the columns of the product."""

    def of(self, system: str, split: Split, column: str = "first") -> np.ndarray | None:
        """A column of the product for the clips of a split, float64 `[clips]`; None where the system has none."""
        values = self.by_system[system].loc[list(split.clip_ids), column].to_numpy(np.float64)
        return None if np.isnan(values).all() else values


def read_likelihoods(folders: Mapping[str, Path]) -> Likelihoods:
    """The product of each system in its folder; UserError for one that is missing or of other clips than the first."""
    frames: dict[str, pd.DataFrame] = {}
    first: pd.DataFrame | None = None
    named = None
    for system, folder in folders.items():
        path = folder / PRODUCT
        if not path.is_file():
            raise UserError(f"{path}: no such file; compute how likely held-out clips are: ssmttm likelihood --help")
        frame = read_table(path, "likelihoods").to_pandas().sort_values("clip_id").reset_index(drop=True)
        if frame.empty or not np.isfinite(frame[["own", "first"]].to_numpy()).all():
            raise UserError(
                f"{path}: no clips, or losses that are no numbers; compute it again: ssmttm likelihood --help"
            )
        clips = frame[_CLIP]
        if first is None:
            first, named = clips, path
        elif not clips.equals(first):
            raise UserError(
                f"{path}: of other clips than {named}: likelihoods of another data set, which can't be compared; "
                "compute both on the same one: ssmttm likelihood --data"
            )
        frames[system] = frame.set_index("clip_id")
    if first is None:
        raise UserError("no systems whose likelihoods could be compared")
    splits = [
        Split(str(name), tuple(part["clip_id"]), tuple(part["track_id"]), tuple(part["artist"]))
        for name, part in sorted(first.groupby("split"), key=lambda item: item[0] != "test")
    ]
    return Likelihoods(splits, frames)


@dataclass(frozen=True)
class Replicated:
    """A design with its runs by seed; runs of one design and seed that share a language model are one."""

    design: Design
    runs: Mapping[int, Trained]

    def cost(self, unit: str) -> float:
        """What a run of it took, in the mean over seeds; flops, steps or seconds of its language model."""
        return float(np.mean([cost_of(run, unit) for run in self.runs.values()]))

    def losses(self, held: Likelihoods, split: Split, seeds: Sequence[int]) -> np.ndarray:
        """Losses of level 1, float64 `[seeds, clips]`."""
        rows = [held.of(self.runs[seed].run.system, split) for seed in seeds]
        return np.stack([row for row in rows if row is not None])


def cost_of(trained: Trained, unit: str) -> float:
    """FLOPs, steps or seconds of a run's language model."""
    key = {"flops": "flops_spent", "steps": "steps", "seconds": "seconds"}[unit]
    return float(trained.manifest[key])  # type: ignore[literal-required]


def replicated(runs: Iterable[Trained]) -> list[Replicated]:
    """Runs by what they are, less their seeds, in the order in which designs come first."""
    found: dict[tuple[str, int, str], dict[int, Trained]] = {}
    for trained in runs:
        spec = {key: value for key, value in trained.manifest["spec"].items() if key != "seed"}
        training = trained.manifest["spec"]["training"]
        spec["training"] = {key: value for key, value in training.items() if key not in _APART}
        budget = f"{trained.run.budget_kind} {trained.run.budget!r}"
        key = json.dumps(spec, sort_keys=True), trained.run.stages, f"{trained.run.size} {budget}"
        found.setdefault(key, {}).setdefault(trained.manifest["spec"]["seed"], trained)
    taken: set[Design] = set()
    designs = []
    for by_seed in found.values():
        first = next(iter(by_seed.values()))
        design = design_of(first, first.manifest["spec"]["variant"]["name"])
        if design in taken:
            design = replace(design, name=first.run.system, ablation=True)
        taken.add(design)
        designs.append(Replicated(design, by_seed))
    return designs


def design_of(trained: Trained, name: str) -> Design:
    """What a run is, less its seed."""
    run, variant = trained.run, trained.manifest["spec"]["variant"]
    model = trained.manifest["spec"]["model"]
    return Design(
        name=name,
        mixer=variant["mixer"],
        feedforward=variant["feedforward"],
        conditioning=variant["conditioning"],
        hybrid=bool(variant.get("attention_layers")) and variant["mixer"] != "attention",
        size=run.size,
        scale=float(model["d_model"] ** 2 * model["layers"]),
        budget=(run.budget_kind, run.budget),
        stages=run.stages,
    )
