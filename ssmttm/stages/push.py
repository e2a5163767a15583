"""Stage `push`: an exported model or data set into a repository of the Hugging Face Hub."""

from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.generation.folder import read_folder
from ssmttm.progress import notify
from ssmttm.publishing.folder import CARD, CREDITS
from ssmttm.publishing.hub import upload


def model(folder: Path, repository: str, private: bool) -> None:
    """Put the exported model in `folder` into `repository`; UserError if it isn't one, or was damaged."""
    own = read_folder(folder)
    if own is None:
        raise UserError(f"{folder}: no exported model: ssmttm model export RUN --out FOLDER makes one")
    own.check()
    _push(folder, repository, "model", private)


def data(folder: Path, repository: str, private: bool) -> None:
    """Put the exported data set in `folder` into `repository`; UserError if it isn't one."""
    if not (folder / "dataset.json").is_file() or not any((folder / "data").glob("*.parquet")):
        raise UserError(
            f"{folder}: no exported data set: ssmttm dataset export --data results/data/VERSION --out FOLDER makes one"
        )
    _push(folder, repository, "dataset", private)


def _push(folder: Path, repository: str, kind: str, private: bool) -> None:
    for name in (CARD, CREDITS):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: no such file; a {kind} isn't passed on without it: export it again")
    notify(f"{folder} is at {upload(folder, repository, kind, private)}")
