"""The one form that tables of the page have: cells under headings, with the number behind each text."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ssmttm.numbers import BASELINE_NAMES, known, metric_name, score_text
from ssmttm.study.folder import Study
from ssmttm.study_rows import Kind, Score
from ssmttm.wording import listed


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it says, and how it looks."""

    text: str
    value: float | None = None
    """What it is sorted by; None is by its text."""
    number: bool = False
    """Whether its column is one of numbers."""
    subs: tuple[str, ...] = ()
    """Small lines below the text."""
    key: str = ""
    """An identifier below the text."""
    href: str = ""
    code: bool = False
    title: str = ""
    """What code says in full."""
    style: str = ""
    """Classes of the style sheet."""


Row = dict[str, Cell]
"""The cells of a row by their headings."""


@dataclass(frozen=True)
class Table:
    """A table of the page; its title, and what to look for in it, are in the template."""

    rows: list[Row]
    id: str = ""
    file: str = ""
    """Where the data are, relative to the study's folder."""
    left_out: int = 0
    """Rows that only the file has."""
    header: int = 0
    """The column that names the row."""
    highlighted: Collection[int] = ()
    """Rows that stand out."""
    empty: str = ""
    """Why there are no rows, where that is known from the data."""

    @property
    def label(self) -> str:
        """What the page calls the file."""
        return "CSV" if "/" in self.file else self.file


def text(value: object, *subs: str) -> Cell:
    """A cell of words."""
    return Cell(str(value), subs=tuple(filter(None, subs)))


def number(value: float | None, form: Callable[[float], str], *subs: str) -> Cell:
    """A cell that sorts by its number; a dash where there is none."""
    cell = Cell(form(float(value)), float(value)) if value is not None else Cell("–")
    return replace(cell, number=True, subs=tuple(filter(None, subs)))


def count(value: int | None) -> Cell:
    """A cell with a whole number."""
    return number(value, lambda v: f"{v:,.0f}")


def score(row: Kind, value: float, low: float | None, high: float | None) -> Cell:
    """A score of the row's metric with its interval below."""
    form = partial(score_text, row.metric)
    return number(value, form, interval(low, high, form))


def kind(row: Kind) -> Cell:
    """Metric with its embedder."""
    return text(metric_name(row.metric), row.embedder)


def interval(low: float | None, high: float | None, form: Callable[[float], str]) -> str:
    """`2 to 5`; nothing where an end is missing."""
    return f"{form(low)} to {form(high)}" if low is not None and high is not None else ""


def system_name(system: str) -> str:
    """The name of a system on the page."""
    return BASELINE_NAMES.get(system, (system, ""))[0]


def part_of(study: Study, name: str, rows: list[Row], empty: str = "") -> Table:
    """Table `name` of a study, of which the page lists some rows."""
    return Table(rows, name.replace("_", "-"), f"figures/{name}.csv", len(study[name]) - len(rows), empty=empty)


def audio_text(score: Score) -> str:
    """Length, sample rate and channels of the clips behind a score: `10 s, 24 kHz, mono`."""
    return audio_words(score.clip_s, *([] if v is None else [v] for v in (score.sample_rate, score.channels)))


def audio_words(seconds: float | None, sample_rates: Sequence[float], channels: Sequence[int]) -> str:
    """Length, sample rates in Hz and channels of clips, as far as they are known: `10 s, 24 kHz, mono`."""
    parts = [f"{seconds:g} s"] if known(seconds) else []
    if sample_rates:
        parts.append(f"{listed([f'{rate / 1000:g}' for rate in sample_rates])} kHz")
    if channels:
        parts.append(listed([{1: "mono", 2: "stereo"}.get(int(n), f"{n} channels") for n in channels]))
    return ", ".join(parts) or "not known"
