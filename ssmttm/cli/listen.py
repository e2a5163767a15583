"""Commands of listening tests: build one, serve it, score its answers."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import new_file, new_folder, option

app = typer.Typer(help="Blinded listening tests of a study's systems.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def build(
    study: Annotated[Path, option("results/studies/{study}, finished.")],
    out: Annotated[Path, new_folder("The new public folder: a page and its audio, with opaque names.")],
    key: Annotated[
        Path | None, new_file("The secret file that says which clip is whose. Default: OUT.key.json.")
    ] = None,
    systems: Annotated[
        list[str] | None,
        option("Systems, by comma or repeated. Default: all but the baselines, and real music (originals)."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        option("Pairs A:B to compare, by comma or repeated. Default: every two that are no baselines."),
    ] = None,
    captions: Annotated[int, option("How many captions; drawn by --seed.", min=1)] = 8,
    tests: Annotated[str, option("mos (ratings), preference (pairs), or both.")] = "mos,preference",
    ratings: Annotated[int, option("Clips that one participant rates, besides three checks.", min=1)] = 20,
    comparisons: Annotated[int, option("Pairs that one participant compares, besides checks.", min=1)] = 12,
    heard: Annotated[float, option("Share of a clip to hear before it can be answered.")] = 0.8,
    seconds: Annotated[
        float | None, option("Cut clips to this length. Default: the shortest of each caption.", min=0.5)
    ] = None,
    title: Annotated[str, option("Title of the page.")] = "Listening test",
    data: Annotated[
        Path | None, option("Data set of the study's real music, whose licenses count. Default: its own.")
    ] = None,
    seed: Annotated[int, option("Draws captions and sheets; names are secret all the same.", min=0)] = 1,
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
    answers: Annotated[Path, new_folder("Folder for the answers, one file per participant.")],
    host: Annotated[str, option("Address to listen on; 0.0.0.0 for the local network.")] = "127.0.0.1",
    port: Annotated[int, option("0 takes a free one.", min=0, max=65535)] = 8765,
) -> None:
    """Serve a listening test and save the answers that its page sends."""
    from ssmttm.stages import listen

    listen.serve(folder, answers, host, port, lambda line: print(line, file=sys.stderr, flush=True))


@app.command()
def score(
    answers: Annotated[list[Path], typer.Argument(help="Files of answers, or folders of them.")],
    key: Annotated[Path, option("The key that `listen build` wrote.")],
    out: Annotated[Path | None, new_file("NAME.json to write; NAME.mos.csv and so on go beside it.")] = None,
    resamples: Annotated[int, option("Bootstrap resamples.", min=100)] = 2000,
    confidence: Annotated[float, option("Of the intervals.")] = 0.95,
    seed: Annotated[int, option("Of the bootstrap.", min=0)] = 1,
) -> None:
    """Mean opinion scores, preferences and agreement, of participants who passed the checks."""
    from ssmttm.listening.scoring import Settings
    from ssmttm.stages import listen

    print(listen.score(answers, key, out, Settings(resamples, confidence, seed)))
