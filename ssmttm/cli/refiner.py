"""Commands about second stages."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Device, Gpus, Logger, Nodes, Project, SharedCache, new_folder, option
from ssmttm.given import granted, refiner_logger, refiner_settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def second_stages() -> None:
    """Second stages, which complete a language model's codes of level 1."""


@app.command()
def train(
    name: Annotated[str, option("The refiner's name in the config's `refiners`.")],
    data: Annotated[Path, option("results/data/<version>, released.")],
    out: Annotated[Path, new_folder("Folder for model.safetensors, curve.parquet, manifest.json.")],
    spec: Annotated[str | None, option("The refiner's spec as JSON. Default: from ./config.yaml.")] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, option("CPU threads of all processes of a machine. Default: training.threads for each.", min=1)
    ] = None,
    gpus: Gpus = 0,
    nodes: Nodes = 1,
    logger: Logger = None,
    project: Project = None,
    cache: SharedCache = None,
) -> None:
    """Train one refiner under its budget; interrupted, it resumes from out/state."""
    from ssmttm.stages import refiner

    settings = refiner_settings(name, spec)
    watched, machines = refiner_logger(name, spec, logger, project), granted(gpus, nodes)
    refiner.run(name, settings, data, out, device, threads, watched, machines, cache)
