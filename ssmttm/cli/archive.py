"""Commands that keep a finished study: a small page, its tables, and a manifest that vouches for them."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Spec, new_folder, option
from ssmttm.given import stage_settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def archiving() -> None:
    """Finished studies to keep, as docs/studies has them: write one, or check one."""


@app.command()
def keep(
    study: Annotated[Path, option("results/studies/{study}.")],
    data: Annotated[Path, option("results/data/<version>.")],
    out: Annotated[Path, new_folder("The folder to write, such as docs/studies/{study}.")],
    command: Annotated[str, option("What made the study, such as 'make report'.")],
    hours: Annotated[float, option("How long that took by the clock.")],
    claims: Annotated[Path | None, option("claims.json, which `ssmttm claims` writes.")] = None,
    spec: Spec = None,
) -> None:
    """Keep a study: its page without real music, the tables behind its verdicts, its curves, and a manifest."""
    from ssmttm.stages import archive

    archive.run(stage_settings("report", spec), study, data, out, command, hours, claims)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The folder of a kept study.")],
) -> None:
    """Check that a kept study is whole: every file the one that its manifest was written for, and no other."""
    from ssmttm.stages import archive

    archive.verify(folder)
