"""Results in a remote storage, S3 for instance, on whose copies jobs work: what the workflow has to know of that.

`workflow` is Snakemake's own object, with `--default-storage-provider` and `--default-storage-prefix`. No torch.
"""

from pathlib import Path
from typing import Any

from ssmttm.files import read_json
from ssmttm.released import RELEASE, check_release, check_settings
from ssmttm.settings import Config


def beside(seen: str, path: str) -> str:
    """Where a job has `path`, below results/, if it sees another file below results/ as `seen`."""
    return seen[: seen.rindex("results/")] + path


def is_remote(workflow: Any) -> bool:
    """Whether results are kept in a remote storage."""
    return workflow.storage_settings.default_storage_provider is not None


def is_released(workflow: Any, config: Config, folder: str) -> bool:
    """`check_release` of the data set in `folder`, wherever the workflow keeps its results.

    Whether files of a data set in a remote storage are missing is found by Snakemake, which asks for each of them.
    """
    if not is_remote(workflow):
        return check_release(config, folder)
    release = _stored(workflow, f"{folder}/{RELEASE}")
    if release is None:
        return False
    check_settings(config, release, folder)
    return True


def _stored(workflow: Any, path: str) -> dict[str, Any] | None:
    """What the JSON file `path` in the remote storage says; None if there is no such file."""
    prefix = workflow.storage_settings.default_storage_prefix.rstrip("/")
    stored = workflow.storage_registry.default_storage_provider.object(f"{prefix}/{path}")
    if not stored.exists():
        return None
    copy = Path(stored.local_path())
    copy.parent.mkdir(parents=True, exist_ok=True)
    stored.retrieve_object()
    return read_json(copy)
