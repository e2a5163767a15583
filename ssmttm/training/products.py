"""A run's finished products: kept apart from those that Snakemake manages, and adopted by a restart.

Snakemake deletes a job's declared outputs before it runs the job again, and when the job fails.
So the products are written to `finished/` of the run's folder, and published from there under the
names that the workflow knows, as further names of the same files, which take no space.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from ssmttm.files import link_file, sha256_file, write_json
from ssmttm.spec import canonical_json

CHECKPOINTS = "checkpoints"
"""Folder of the models that are kept at fractions of the budget."""

FINISHED = "finished"
MANIFEST = "manifest.json"


def identity_of(spec: object, code: str, data: str) -> str:
    """The JSON text that identifies a run: spec, fingerprint of the code, hash of the data set's manifest."""
    return canonical_json({"spec": spec, "code": code, "data": data})


def keep_manifest(out: Path, record: Mapping[str, object]) -> None:
    """Write the manifest to `finished/`, last of all products, with the hashes of the others."""
    folder = out / FINISHED
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
    write_json(folder / MANIFEST, {**record, "sha256": hashes})


def publish(out: Path) -> None:
    """Bring every product in `finished/` to its place in the run's folder `out`, the manifest last."""
    folder = out / FINISHED
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)  # of other settings
    names = [*json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"], MANIFEST]
    for name in names:
        link_file(folder / name, out / name)


def adopt(out: Path, identity: str) -> bool:
    """Whether the run in `out` is finished under `identity`, published or kept; what isn't published is now."""
    if is_whole(out, identity):
        return True
    if not is_whole(out / FINISHED, identity):
        return False
    publish(out)
    return True


def is_whole(folder: Path, identity: str) -> bool:
    """Whether `folder` holds a manifest of `identity` and every file that it lists, unchanged."""
    try:
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        same = identity == identity_of(record["spec"], record["fingerprint"], record["dataset"]["sha256"])
        return same and all(sha256_file(folder / name) == wanted for name, wanted in record["sha256"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
