"""Commands about plug-ins of other packages: list them, and test what they bring."""

import sys
from typing import Annotated

import typer

from ssmttm.cli.options import option

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def plugins() -> None:
    """Mixers, metrics, embedders, codecs, sources and text encoders of other installed packages."""


@app.command(name="list")
def listed() -> None:
    """List what other packages bring, by kind, with the package and what keeps one from being used."""
    from ssmttm.stages import plugin

    print(plugin.listing())


@app.command()
def test(
    names: Annotated[
        list[str] | None, typer.Argument(help="Of plug-ins, or KIND:NAME, also ours. Default: all of other packages.")
    ] = None,
    settings: Annotated[
        str | None,
        option(
            "Settings to load them with, as JSON: of a codec or text encoder keys of data.codec or data.text, of an "
            "embedder its entry of evaluation.models, of a source its block. Default: EXAMPLE in the plug-in's module."
        ),
    ] = None,
) -> None:
    """Run the tests of the contract that each plug-in keeps to; exit status 1 if one is broken."""
    from ssmttm.stages import plugin

    text, whole = plugin.tested(names or [], settings)
    print(text)
    sys.exit(not whole)
