"""Commands of records: make one of trained runs, check one, print the table of all."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Device, Threads, new_file, option

app = typer.Typer(help="Records to beat: docs/records.md.", no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[Path, option("results/data/<version>: the default study's data set, released.", "--data")]
Records = Annotated[Path, option("The folder of all records.", "--records")]


@app.command()
def make(
    runs: Annotated[list[Path], typer.Argument(help="Folders of trained runs that differ in the seed alone.")],
    name: Annotated[str, option("What the entry is called in the table.")],
    track: Annotated[str, option("laptop, quarter or free.")],
    data: Data,
    out: Annotated[Path, new_file("The file to write: records/TRACK-NUMBER-NAME.json, with the track's next number.")],
    records: Records = Path("records"),
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Write the entry of a design's runs, if it counts: nothing is written otherwise."""
    from ssmttm.stages import record

    print(record.make(runs, name, track, data, records, out, device, threads))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A record, such as records/laptop-0001-NAME.json.")],
    data: Data,
    runs: Annotated[Path, option("The folder that has the folders of its runs.")] = Path("results/runs"),
    records: Records = Path("records"),
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Compute anew from the models what a record says, and refuse one that doesn't count."""
    from ssmttm.stages import record

    print(record.check(file, data, runs, records, device, threads))


@app.command()
def table(
    records: Records = Path("records"),
    into: Annotated[Path | None, option("Also write it to this page, between its marks: README.md.", "--into")] = None,
) -> None:
    """Print the table of all records as Markdown."""
    from ssmttm.stages import record

    print(record.show(records, into))
