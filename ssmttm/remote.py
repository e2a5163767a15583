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


def is_released(workflow: Any, config: Config, folder: str) -> bool:
    """`check_release` of the data set in `folder`, wherever the workflow keeps its results.

    Whether files of a data set in a remote storage are missing is found by Snakemake, which asks for each of them.
    """
    release = _stored(workflow, f"{folder}/{RELEASE}")
    if release is None:
        return check_release(config, folder)
    check_settings(config, release, folder)
    return True


def _stored(workflow: Any, path: str) -> dict[str, Any] | None:
    """What the JSON file `path` in the remote storage says; None if there is no storage, or no such file."""
    provider = workflow.storage_registry.default_storage_provider
    if provider is None:
        return None
    stored = provider.object(f"{workflow.storage_settings.default_storage_prefix.rstrip('/')}/{path}")
    if not stored.exists():
        return None
    copy = Path(stored.local_path())
    copy.parent.mkdir(parents=True, exist_ok=True)
    stored.retrieve_object()
    return read_json(copy)
