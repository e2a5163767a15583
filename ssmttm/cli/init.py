"""The command that begins a study of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Preset
from ssmttm.given import check_writable

app = typer.Typer()


@app.command()
def init(
    out: Annotated[Path, typer.Argument(help="The new folder.", metavar="FOLDER")],
    preset: Preset = None,
) -> None:
    """Make a folder for a study: Snakefile, config, run table and profiles, with the rules of the installed package."""
    from ssmttm.stages import init

    check_writable(out, "FOLDER", folder=True)
    init.run(out, preset)
