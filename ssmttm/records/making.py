"""An entry made of the folders of trained runs that differ in the seed alone."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.records.checking import ALIKE
from ssmttm.records.comparison import loss_of
from ssmttm.records.data import Data
from ssmttm.records.entry import FORMAT, Entry, RowEntry, check_words, hash_of, sealed
from ssmttm.records.runs import MODEL, check_spec, count, read_manifest, stated
from ssmttm.records.tracks import METRIC
from ssmttm.run_table import read_studies
from ssmttm.settings import Config, RunSpec
from ssmttm.spec import differences
from ssmttm.tables import read_table


def folders_of(runs: Sequence[Path]) -> dict[str, Path]:
    """The folders of runs by the runs' names; UserError for one that is none, or whose name isn't its run's."""
    named: dict[str, Path] = {}
    for folder in runs:
        run = read_manifest(folder)["run"]
        if folder.resolve().name != run:
            raise UserError(f"{folder}: has the files of run {run}; give the folder that name, or name the run's own")
        if run in named:
            raise UserError(f"{folder}: is named twice; name every run once")
        named[run] = folder
    return named


def make(
    folders: Mapping[str, Path], data: Data, name: str, track: str, today: str, config: Config, where: str
) -> Entry:
    """An entry of the runs in `folders`, by their names, in the order of their seeds.

    `where` is what messages call it. UserError for runs that differ in more than the seed, or lack likelihoods.
    """
    check_words({"name": name, "date": today}, where)
    manifests = {run: read_manifest(folder) for run, folder in folders.items()}
    ordered = sorted(manifests, key=lambda run: manifests[run]["spec"]["seed"])
    first = manifests[ordered[0]]
    for run in ordered[1:]:
        if differing := [key for key in differences(first["spec"], manifests[run]["spec"]) if key != "seed"]:
            raise UserError(
                f"{folders[run]}: differs from {folders[ordered[0]]} in {', '.join(differing[:4])}; an entry is of one "
                "design, whose runs differ in the seed alone"
            )
        if manifests[run]["dataset"]["sha256"] != first["dataset"]["sha256"]:
            raise UserError(f"{folders[run]}: trained on another data set than {folders[ordered[0]]}; train on one")
    for run in ordered:
        if manifests[run]["commit"] is None:
            raise UserError(f"{folders[run]}: trained outside of a git checkout, so nobody can find its code; use one")
    spec = {key: value for key, value in first["spec"].items() if key != "seed"}
    whole = check_spec(spec, first["spec"]["seed"], data, str(folders[ordered[0]]))
    counted = count(whole, data, str(folders[ordered[0]]))
    runs: list[Any] = [
        {
            **stated(manifests[run]),
            "model_sha256": sha256_file(folders[run] / MODEL),
            "flops": manifests[run]["steps"] * counted.flops_per_step,
            "losses": _losses(folders[run], data),
        }
        for run in ordered
    ]
    found = loss_of([run["losses"] for run in runs], data)
    if found.low is None or found.high is None:
        raise UserError(f"{data.folder}: its split test has one artist and track, so a loss has no interval")
    return sealed(
        {
            "format": FORMAT,
            "metric": METRIC,
            "track": track,
            "name": name,
            "date": today,
            "row": _row(config, ordered[0], whole),
            "spec": spec,
            "spec_sha256": hash_of(spec),
            "data": {"version": data.version, "release": first["dataset"]["sha256"], "content": data.content},
            "parameters": counted.parameters,
            "core_parameters": counted.core_parameters,
            "loss": round(found.mean, 6),
            "low": round(found.low, 6),
            "high": round(found.high, 6),
            "runs": runs,
        }
    )


def _losses(folder: Path, data: Data) -> dict[str, float]:
    """Of level 1, by clip of the split `test`, to six decimals."""
    path = folder / "likelihoods.parquet"
    rows = read_table(path, "likelihoods", ["clip_id", "split", "first"]).to_pylist()
    losses = {row["clip_id"]: round(float(row["first"]), 6) for row in rows if row["split"] == "test"}
    if set(losses) != set(data.test):
        raise UserError(
            f"{path}: of other clips than the split test of {data.folder}; compute it on that data set: "
            "ssmttm likelihood --help"
        )
    if not all(map(math.isfinite, losses.values())):
        raise UserError(f"{path}: losses that are no numbers; compute it again: ssmttm likelihood --help")
    return {clip: losses[clip] for clip in data.test}


def _row(config: Config, run: str, spec: RunSpec) -> RowEntry | None:
    """The run table's row of that name, if it makes such a model under that budget."""
    row = read_studies(config, ROOT, tuned=False).runs.get(run)
    if row is None or any(differences(row["spec"][key], spec[key]) for key in ALIKE):  # type: ignore[literal-required]
        return None
    return {"variant": row["variant"], "size": row["size"], "budget": row["budget"], "overrides": row["overrides"]}
