"""Options that several commands take, and the checks of places to write to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ssmttm.given import check_writable


def _checked(folder: bool | None) -> Any:
    def check(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
        if path is not None:
            check_writable(path, parameter.opts[0], folder)
        return path

    return check


def new_file(help: str, *names: str) -> Any:
    """An option: a file to write; one that can't be written is refused before any work is done for it."""
    return typer.Option(*names, callback=_checked(False), help=help)


def new_folder(help: str, *names: str) -> Any:
    """The same for a folder."""
    return typer.Option(*names, callback=_checked(True), help=help)


def new_file_or_folder(help: str, *names: str) -> Any:
    """The same where either may be asked for."""
    return typer.Option(*names, callback=_checked(None), help=help)


def option(help: str, *names: str, **more: Any) -> Any:
    """Any other option."""
    return typer.Option(*names, help=help, **more)


Spec = Annotated[str | None, option("Settings as JSON or a JSON file. Default: from ./config.yaml.", "--spec")]
Out = Annotated[Path, new_file("The file to write.", "--out")]
Cache = Annotated[Path, option("Folder for downloads, verified and reused.", "--cache")]
SharedCache = Annotated[
    Path | None,
    option(
        "Folder for what trainings on one data set share: captions in the form that they are read in. Default: the "
        "training's own folder, while it lasts.",
        "--cache",
    ),
]
EmbeddingCache = Annotated[Path, option("Folder of embeddings that are there already.", "--cache")]
CodecFile = Annotated[Path, option("The fitted codec (codec.safetensors).", "--codec")]
Device = Annotated[str, option("auto, cpu, cuda, cuda:N or mps.", "--device")]
Threads = Annotated[int | None, option("CPU threads. Default: torch's choice.", "--threads", min=1)]
Gpus = Annotated[
    int,
    option(
        "GPUs that a cluster granted to this run: with more than one, as many processes train it, instead of "
        "training.processes.",
        "--gpus",
        min=0,
    ),
]
Nodes = Annotated[
    int, option("Machines to spread the processes over; more than one within a job of SLURM only.", "--nodes", min=1)
]
Splits = Annotated[Path, option("splits.parquet.", "--splits")]
Licensed = Annotated[Path, option("licensed.parquet.", "--licensed")]
Prompts = Annotated[Path, option("prompts.parquet.", "--prompts")]
ShardClips = Annotated[Path, option("clips/{shard}.parquet.", "--clips")]
AllClips = Annotated[list[Path], option("clips/{shard}.parquet; repeat for every shard.", "--clips")]
AllFingerprints = Annotated[
    list[Path], option("fingerprints/{shard}.parquet; repeat for every shard.", "--fingerprints")
]
DataSet = Annotated[Path, option("results/data/<version>, released, with prompts.parquet.", "--data")]
Preset = Annotated[str | None, option("A folder of workflow/presets that overlays config.yaml.", "--preset")]
Logger = Annotated[
    str | None,
    option("Where to watch the curve: tensorboard, wandb or trackio. Default: as ./config.yaml says.", "--logger"),
]
Project = Annotated[
    str | None, option("What wandb and trackio file it under. Default: its study by ./config.yaml.", "--project")
]
