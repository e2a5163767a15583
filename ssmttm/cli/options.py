"""Options that several commands take, and the checks of places to write to."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.given import check_writable


def writable_file(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a file that can't be written, before any work is done for it."""
    if path is not None:
        check_writable(path, parameter.opts[0], folder=False)
    return path


def writable_folder(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """The same for a folder."""
    if path is not None:
        check_writable(path, parameter.opts[0], folder=True)
    return path


def writable(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """The same where either may be asked for."""
    if path is not None:
        check_writable(path, parameter.opts[0])
    return path


Spec = Annotated[
    str | None, typer.Option("--spec", help="Settings as JSON or a JSON file. Default: from ./config.yaml.")
]

Out = Annotated[Path, typer.Option("--out", callback=writable_file, help="The file to write.")]

Cache = Annotated[Path, typer.Option("--cache", help="Folder for downloads, verified and reused.")]

CodecFile = Annotated[Path, typer.Option("--codec", help="The fitted codec (codec.safetensors).")]

Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]

Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads. Default: torch's choice.")]

Splits = Annotated[Path, typer.Option("--splits", help="splits.parquet.")]
