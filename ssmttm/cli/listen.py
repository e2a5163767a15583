"""Commands of listening tests: build one, serve it, score its answers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import writable_file, writable_folder

app = typer.Typer(help="Blinded listening tests of a study's systems.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def build(
    study: Annotated[Path, typer.Option(help="results/studies/{study}, finished.")],
    out: Annotated[
        Path,
        typer.Option(callback=writable_folder, help="The new public folder: a page and its audio, with opaque names."),
    ],
    key: Annotated[
        Path | None,
        typer.Option(
            callback=writable_file, help="The secret file that says which clip is whose. Default: OUT.key.json."
        ),
    ] = None,
    systems: Annotated[
        list[str] | None,
        typer.Option(help="Systems, by comma or repeated. Default: all but the baselines, and real music (originals)."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(help="Pairs A:B to compare, by comma or repeated. Default: every two that are no baselines."),
    ] = None,
    captions: Annotated[int, typer.Option(min=1, help="How many captions; drawn by --seed.")] = 8,
    tests: Annotated[str, typer.Option(help="mos (ratings), preference (pairs), or both.")] = "mos,preference",
    ratings: Annotated[int, typer.Option(min=1, help="Clips that one participant rates, besides three checks.")] = 20,
    comparisons: Annotated[int, typer.Option(min=1, help="Pairs that one participant compares, besides checks.")] = 12,
    heard: Annotated[float, typer.Option(help="Share of a clip to hear before it can be answered.")] = 0.8,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Cut clips to this length. Default: the shortest of each caption.")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Listening test",
    data: Annotated[
        Path | None, typer.Option(help="Data set of the study's real music, whose licenses count. Default: its own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws captions and sheets; names are secret all the same.")] = 1,
) -> None:
    """Write a blinded listening test as a static page, and its key beside it."""
    from ssmttm.stages import listen

    asked = {"tests": tuple(_listed([tests])), "ratings": ratings, "comparisons": comparisons, "heard": heard}
    asked["title"] = title
    print(listen.build(study, out, key, _listed(systems), _listed(pairs), captions, seconds, seed, data=data, **asked))


def _listed(values: list[str] | None) -> list[str]:
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="The public folder of a listening test.")],
    answers: Annotated[
        Path, typer.Option(callback=writable_folder, help="Folder for the answers, one file per participant.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the local network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
) -> None:
    """Serve a listening test and save the answers that its page sends."""
    from ssmttm.stages import listen

    listen.serve(folder, answers, host, port, lambda line: print(line, file=sys.stderr, flush=True))


@app.command()
def score(
    answers: Annotated[list[Path], typer.Argument(help="Files of answers, or folders of them.")],
    key: Annotated[Path, typer.Option(help="The key that `listen build` wrote.")],
    out: Annotated[
        Path | None,
        typer.Option(callback=writable_file, help="NAME.json to write; NAME.mos.csv and so on go beside it."),
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 1,
) -> None:
    """Mean opinion scores, preferences and agreement, of participants who passed the checks."""
    from ssmttm.listening.scoring import Settings
    from ssmttm.stages import listen

    print(listen.score(answers, key, out, Settings(resamples, confidence, seed)))
