"""Commands about trained models as files: export one, put one on the Hugging Face Hub."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import new_folder, option
from ssmttm.config import generation_settings
from ssmttm.given import check_section, parse_spec

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def models() -> None:
    """Trained models to carry elsewhere."""


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A trained run, such as results/runs/prefix-simba-base-flops-1.")],
    out: Annotated[Path, new_folder("The new folder: weights, codec, model card, credits.")],
    data: Annotated[
        Path | None, option("The data set that it was trained on. Default: results/data/<version> beside the runs.")
    ] = None,
    study: Annotated[Path | None, option("results/studies/{study}, whose scores the card then has.")] = None,
    precision: Annotated[str, option("Of the weights: fp32, or fp16, which halves the files.")] = "fp32",
    spec: Annotated[
        str | None,
        option(
            "The config's `generation` section as JSON, which generating with the folder then takes. Default: as for "
            "ssmttm generate."
        ),
    ] = None,
) -> None:
    """Write a trained run as a folder that stands by itself: `ssmttm generate` needs nothing else of the project."""
    from ssmttm.stages import model

    settings = check_section("generation", parse_spec(spec)) if spec else generation_settings()
    model.run(settings, run, out, data, study, precision)


@app.command()
def push(
    folder: Annotated[Path, typer.Argument(help="A folder of ssmttm model export.")],
    repository: Annotated[str, typer.Argument(help="On the Hugging Face Hub: user/name.")],
    private: Annotated[bool, option("For your account alone.", "--private")] = False,
) -> None:
    """Put an exported model, with its card and credits, into a repository of the Hugging Face Hub."""
    from ssmttm.stages import push

    push.model(folder, repository, private)
