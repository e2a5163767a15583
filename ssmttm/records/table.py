"""The table of records, as Markdown, and its place on a page."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.files import write_text
from ssmttm.numbers import power_of_ten
from ssmttm.records.entry import Entry, Record
from ssmttm.records.tracks import TRACKS
from ssmttm.wording import listed, one_line

NONE = "No entries yet."
_PLACE = re.compile(r"(?<=<!-- records -->\n).*?(?=<!-- /records -->)", re.DOTALL)
_HEAD = ("track", "rank", "name", "loss, nats per code", "parameters", "FLOPs", "minutes", "machine", "date")


def table(records: Sequence[Record]) -> str:
    """All records as a Markdown table, each track's last, which is its best, first; a sentence without any.

    Minutes are those of one training by the clock, the mean over seeds; FLOPs those of the run that took the most.
    """
    if not records:
        return NONE
    rows = []
    for track in sorted({record.entry["track"] for record in records}, key=_order):
        own = sorted((r for r in records if r.entry["track"] == track), key=lambda r: -r.number)
        rows += [_cells(record.entry, rank) for rank, record in enumerate(own, start=1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (_HEAD, ["---"] * len(_HEAD), *rows))


def write_into(page: Path, text: str) -> None:
    """Put the table between the page's two HTML comments; UserError where it has none."""
    try:
        whole = page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{page}: can't be read: {error}") from error
    if not _PLACE.search(whole):
        raise UserError(f"{page}: has no place for the table: a line <!-- records --> and a line <!-- /records -->")
    write_text(page, _PLACE.sub(lambda _: f"{text}\n", whole))


def shown_on(page: str) -> str | None:
    """The table that stands on a page, by the page's text; None where it has no place for one."""
    found = _PLACE.search(page)
    return found and found[0].strip()


def _order(track: str) -> tuple[int, str]:
    return TRACKS.index(track) if track in TRACKS else len(TRACKS), track


def _cells(entry: Entry, rank: int) -> list[str]:
    runs = entry["runs"]
    minutes = sum(run["seconds"] for run in runs) / len(runs) / 60
    machines = dict.fromkeys(f"{run['machine']['cpu']}, {run['machine']['cores']} cores" for run in runs)
    return [
        entry["track"],
        str(rank),
        entry["name"],
        f"{entry['loss']:.4f} [{entry['low']:.4f}, {entry['high']:.4f}]",
        f"{entry['parameters']:,}",
        power_of_ten(max(run["flops"] for run in runs)),
        f"{minutes:.1f}",
        html.escape(one_line(listed(list(machines)), 120)).replace("|", "&#124;"),
        entry["date"],
    ]
