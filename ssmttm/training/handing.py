"""Trained models in the folders of further runs, so that each run's folder is whole by itself.

They are copies: Snakemake sets the time of what a job has made to now, and a hard link is the same file, so the model
would then be newer than what has been made from it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import copy_file, read_json, write_json
from ssmttm.settings import RefinerSpec, RunSpec
from ssmttm.spec import differences
from ssmttm.training.products import CHECKPOINTS, MANIFEST

MODEL, CURVE = "model.safetensors", "curve.parquet"
REFINER, REFINER_MANIFEST = "refiner.safetensors", "refiner.json"
"""A run's second stage, and what made it."""


def borrow(name: str, spec: RunSpec, lender: Path, out: Path) -> None:
    """Write model, curve, checkpoints and manifest of the run in folder `lender` to folder `out` of run `name`.

    The manifest is the lender's, which it names as `language_model`. Of its checkpoints those are copied that `spec`
    keeps. UserError unless the lender was trained with `spec`, as far as it goes beyond checkpoints.
    """
    manifest = _trained(lender, spec)
    kept = {f"{CHECKPOINTS}/{fraction:g}.safetensors" for fraction in spec["training"]["checkpoints"]}
    for file in (MODEL, CURVE, *sorted(kept)):
        _copy(lender / file, out / file)
    own = {"run": name, "language_model": manifest["run"], "spec": spec}
    own |= {"checkpoints": {file: step for file, step in manifest["checkpoints"].items() if file in kept}}
    own |= {"sha256": {file: sha256 for file, sha256 in manifest["sha256"].items() if file in {MODEL, CURVE, *kept}}}
    write_json(out / MANIFEST, {**manifest, **own})


def attach(spec: RefinerSpec, refiner: Path, out: Path) -> None:
    """Write the refiner in folder `refiner`, and its manifest, to the run's folder `out`.

    UserError unless it was trained with `spec`.
    """
    manifest = _trained(refiner, spec)
    _copy(refiner / MODEL, out / REFINER)
    write_json(out / REFINER_MANIFEST, manifest)


def _trained(folder: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of the model in `folder`, if it was trained with `spec`; it may have kept more checkpoints."""
    path = folder / MANIFEST
    manifest = read_json(path)
    if lacking := [key for key in ("run", "spec", "checkpoints", "sha256") if key not in manifest]:
        raise UserError(f"{path}: lacks {', '.join(lacking)}; train the model again with this version")
    other = [key for key in differences(manifest["spec"], spec) if key != "training.checkpoints"]
    if other:
        raise UserError(
            f"{path}: the model was trained with another {', '.join(other)}; train it again, or name another"
        )
    return manifest


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise UserError(f"{source}: no such file; train the model again")
    copy_file(source, target)
