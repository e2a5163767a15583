"""The command line: one subcommand per stage, a file per subject. Imports lazily; holds no logic."""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ssmttm import __version__, cluster, plugins
from ssmttm.cli import archive, data, disk, evaluate, init, listen, model, plugin, record, refiner, train, tune, vocoder
from ssmttm.errors import UserError
from ssmttm.threads import wait_asleep

app = typer.Typer(
    name="ssmttm",
    help="Data, training and evaluation of state-space text-to-music models, one stage per command.\n\n"
    "The workflow (snakemake --cores all results/report.html) calls these commands; each can be run by hand. "
    "Settings come from --spec (JSON, or a file of it) or, without it, from config.yaml in this folder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 110},
)
for subject in (init, data, train, evaluate):
    app.add_typer(subject.app)
app.add_typer(archive.app, name="archive")
app.add_typer(listen.app, name="listen")
app.add_typer(model.app, name="model")
app.add_typer(plugin.app, name="plugin")
app.add_typer(record.app, name="record")
app.add_typer(refiner.app, name="refiner")
app.add_typer(tune.app, name="tune")
app.add_typer(vocoder.app, name="vocoder")


def _version(asked: bool) -> None:
    if asked:
        print(f"ssmttm {__version__}")
        raise typer.Exit()


@app.callback()
def program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command; bad input ends with one message and exit status 2."""
    wait_asleep()
    try:
        if (unseen := cluster.unseen_gpu(os.environ)) is not None:
            print(f"ssmttm: {unseen}", file=sys.stderr)
        if "SLURM_JOB_ID" in os.environ:
            cluster.check_clock(Path())
        app()
    except UserError as error:
        print(f"ssmttm: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if (full := disk.full_disk(error)) is not None:
            print(f"ssmttm: {full}", file=sys.stderr)
            sys.exit(2)
        if (culprit := plugins.blamed(error)) is None:
            raise
        traceback.print_exception(error)
        print(f"ssmttm: this came out of the {culprit}; {plugins.remedy(culprit)}", file=sys.stderr)
        sys.exit(1)
