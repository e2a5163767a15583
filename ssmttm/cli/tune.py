"""Commands that find learning rates."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Device, SharedCache, new_file, option
from ssmttm.given import check_rates_spec, parse_spec, run_settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def tuning() -> None:
    """Learning rates: trials of a design, and the table of the best ones."""


@app.command()
def trial(
    name: Annotated[str, option("What it is called in messages; without --spec, a run of the run table.")],
    data: Annotated[Path, option("results/data/<version>, released.")],
    out: Annotated[Path, new_file("The JSON file of its result. Beside it, its folder is kept until it is finished.")],
    spec: Annotated[str | None, option("The run's spec as JSON. Default: from ./config.yaml.")] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, option("CPU threads of all processes of a machine. Default: training.threads for each.", min=1)
    ] = None,
    cache: SharedCache = None,
) -> None:
    """Train a run and keep its loss on held-out tracks of training artists; interrupted, it resumes."""
    from ssmttm.stages import tune

    tune.trial(name, run_settings(name, spec), data, out, device, threads, cache)


@app.command()
def rates(
    results: Annotated[Path, option("The folder with the results of the trials.")],
    out: Annotated[Path, new_file("The table: a .tsv file.")],
    spec: Annotated[
        str | None, option("The designs and their trials, as the workflow plans them, and its command: JSON.")
    ] = None,
) -> None:
    """Write the table of the best learning rates."""
    from ssmttm.stages import tune

    tune.rates(check_rates_spec(parse_spec(spec or "{}")), results, out)
