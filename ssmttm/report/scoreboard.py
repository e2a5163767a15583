"""The page's table: a row for each design under each budget, over its seeds, with loss, gains, scores and costs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean

import pandas as pd

from ssmttm.numbers import (
    BASELINE_NAMES,
    budget_name,
    clock,
    metric_name,
    millions,
    power_of_ten,
    score_text,
    significant,
)
from ssmttm.report.cells import Cell, interval, number
from ssmttm.study.answers import TEST, significance
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of, twins
from ssmttm.study_rows import Loss, LossPair, SystemScore
from ssmttm.wording import counted, listed

MAIN = ("frechet", "kl", "clap", "text_audio")
"""The metrics of the main table, those of them that were computed."""

REFERENCE = "codec"
"""What the page compares with where it shows one reference: no model can do better than its codec."""

REACH = 2.5
"""A baseline is on the axis up to this multiple of the runs' largest upper bound."""

TRIVIAL = ("zero by construction", "one by construction")
"""Mark the warning that a score compares audio with itself."""

_BOUNDED = ("text_audio", "clap")
"""Metrics with a largest and a least value, so that no baseline is far off."""


@dataclass(frozen=True)
class Column:
    """One score of the main table: a metric by the first embedder that has it."""

    metric: str
    embedder: str
    better: str

    @property
    def name(self) -> str:
        """The metric's name on the page."""
        return metric_name(self.metric)


@dataclass(frozen=True)
class Bar:
    """A number with its interval on the axis of its column; positions in per cent."""

    value: float
    text: str
    interval: str = ""
    left: float = 0.0
    width: float = 0.0
    at: float = 0.0
    beyond: bool = False
    """Whether it lies outside of the axis."""
    marks: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()


@dataclass(frozen=True)
class BoardRow:
    """A design under a budget, over its seeds, or a system of which there is one."""

    name: str
    note: str
    color: str
    loss: Bar | None
    verdict: str
    """Which designs it is better or worse than, by the tests that the study's questions ask for."""
    gain: Cell
    over_bigram: Cell
    scores: list[Bar | None]
    costs: list[Cell]
    systems: list[str]
    """The runs behind it."""


@dataclass(frozen=True)
class Group:
    """Rows under one heading: the runs of a budget, or what they are compared with."""

    name: str
    rows: list[BoardRow]
    trained: bool


@dataclass(frozen=True)
class Board:
    """The table."""

    columns: list[Column]
    blind: list[bool]
    """Of each column, whether the score does not rank real clips above the bigram's audio."""
    groups: list[Group]
    notes: dict[str, str]
    """Warnings below the table, with the letter that marks each in the cells."""
    clips: str
    """What the losses are of."""


def columns(comparison: pd.DataFrame, embedders: list[str]) -> list[Column]:
    """The columns of the main table, by the first of `embedders` that each metric has."""
    found = []
    for metric in MAIN:
        rows = comparison[comparison["metric"] == metric]
        for embedder in embedders:
            if (rows["embedder"] == embedder).any():
                found.append(Column(metric, embedder, rows["better"].iloc[0]))
                break
    return found


def main_part(frame: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """The rows of the main table's scores, in its order: against codec reconstructions, where there are any."""
    order = {(c.metric, c.embedder): i for i, c in enumerate(columns)}
    pairs = zip(frame["metric"], frame["embedder"], strict=True)
    ranks = pd.Series([order.get(pair, -1) for pair in pairs], index=frame.index, dtype=int)
    rows = frame.loc[ranks[ranks >= 0].sort_values(kind="stable").index]
    shown = REFERENCE if (rows["reference"] == REFERENCE).any() else "originals"
    return rows[rows["reference"] == shown]


def is_trivial(score: SystemScore) -> bool:
    """Whether the score compares the reference with itself."""
    return any(mark in score.warnings for mark in TRIVIAL)


def run_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """One row per run of the study, in the order of the run table."""
    return comparison[comparison["kind"] == "run"].drop_duplicates("system").reset_index(drop=True)


def runs_by_budget(comparison: pd.DataFrame) -> list[tuple[tuple[str, float], list[SystemScore]]]:
    """Kind and amount of each budget, with one row for each of its runs."""
    groups = run_rows(comparison).groupby(["budget_kind", "budget"], sort=False)
    return [(budget, rows_of(runs, SystemScore)) for budget, runs in groups]


def board(study: Study, colors: dict[str, int], origins: Mapping[str, str]) -> Board:
    """The table of a study; `origins` says of the external systems where they come from.

    Numbers of a row are means over its runs' seeds, and so are the ends of its intervals, which are then rather too
    wide: seeds answer the same clips.
    """
    return _Maker(study, colors, origins).board


class _Maker:
    """What the rows of one table have in common: scores, losses and the axes of their columns."""

    def __init__(self, study: Study, colors: dict[str, int], origins: Mapping[str, str]) -> None:
        table = study["comparison"]
        self._colors, self._origins, self._notes = colors, origins, dict[str, str]()
        self._columns = columns(table, study.embedders)
        self._scores = _by_system(main_part(table, self._columns))
        self._first = {row.system: row for row in rows_of(table.drop_duplicates("system"), SystemScore)}
        losses = rows_of(study["losses"], Loss)
        self._losses = {row.system: row for row in losses if row.split == TEST}
        self._known = {row.system: row.loss for row in losses if row.split == "known"}
        self._pairs = [pair for pair in rows_of(study["loss_pairs"], LossPair) if pair.split == TEST]
        self._level = significance(study.summary["evaluation"]["confidence"])
        self._alone = set(twins(run_rows(table)))
        self._mixed = run_rows(table)["codebooks"].nunique() > 1 and not self._losses
        self._axes = [self._axis(column) for column in self._columns]
        ends = [end for row in self._losses.values() for end in (row.low, row.high, row.loss) if end is not None]
        self._loss_axis = _room(min(ends), max(ends)) if ends else (0.0, 1.0)
        self.board = self._board(table)

    def _board(self, table: pd.DataFrame) -> Board:
        groups = []
        for (kind, amount), runs in runs_by_budget(table):
            rows = [self._design(group) for group in self._designs(runs)]
            groups.append(Group(budget_name(kind, amount), _ordered(rows), True))
        trivial = [row.system for row in self._losses.values() if row.kind == "trivial"]
        scored = [name for name, row in self._first.items() if row.kind != "run"]
        rows = [self._other(name) for name in dict.fromkeys([*trivial, *scored])]
        groups.append(Group("For comparison", _ordered(rows), False))
        blind = [any(own[c].ranks_real is False for own in self._scores.values() if c in own) for c in self._columns]
        return Board(self._columns, blind, [g for g in groups if g.rows], self._notes, self._clips())

    def _clips(self) -> str:
        rows = list(self._losses.values())
        if not rows:
            runs = [row for row in self._first.values() if row.kind == "run"]
            return f"all {' or '.join(f'{n:,.0f}' for n in sorted({run.test_clips or 0 for run in runs}))} test clips"
        row = rows[0]
        tracks, artists = counted(row.tracks, "track"), counted(row.artists, "artist")
        return f"{counted(row.clips, 'clip')}, {tracks}, {artists}"

    def _designs(self, runs: Iterable[SystemScore]) -> list[list[SystemScore]]:
        """Runs that only their seeds set apart; those that overrides do stand alone."""
        found: dict[tuple[object, ...], list[SystemScore]] = {}
        for run in runs:
            alone = run.system if run.system in self._alone else ""
            found.setdefault((run.variant, run.size, alone), []).append(run)
        return list(found.values())

    def _design(self, runs: list[SystemScore]) -> BoardRow:
        first, systems = runs[0], [run.system for run in runs]
        name = first.system if first.system in self._alone else str(first.variant)
        return BoardRow(
            name=name,
            note=f"size {first.size}, {counted(len(runs), 'seed')}",
            color=f"c{self._colors[str(first.variant)]}",
            loss=self._loss(systems),
            verdict=self._verdict(name, first),
            gain=self._gain(systems, "other_gain"),
            over_bigram=self._gain(systems, "over_bigram"),
            scores=[self._score(systems, i) for i in range(len(self._columns))],
            costs=_costs(runs),
            systems=systems,
        )

    def _other(self, name: str) -> BoardRow:
        title, note = BASELINE_NAMES.get(name, (name, ""))
        scores = [self._score([name], i) for i in range(len(self._columns))]
        first, gain = self._first.get(name), self._gain([name], "over_bigram")
        costs = _costs([first] if first else [])
        note = self._origins.get(name, note)
        return BoardRow(title, note, "cn", self._loss([name]), "", _nothing(), gain, scores, costs, [name])

    def _loss(self, systems: Sequence[str]) -> Bar | None:
        """Of the test split; without the table of losses, that of the manifests, which has no interval."""
        rows = [self._losses[system] for system in systems if system in self._losses]
        if not rows:
            stated = [self._first[s] for s in systems if s in self._first and self._first[s].test_loss is not None]
            if not stated:
                return None
            over = (counted(stated[0].codebooks or 0, "codebook"),) if self._mixed else ()
            value = fmean(row.test_loss or 0.0 for row in stated)
            return Bar(value, significant(value), beyond=True, subs=over)
        known = [self._known[system] for system in systems if system in self._known]
        values = [row.loss for row in rows]
        spread = f"seeds {significant(min(values))} to {significant(max(values))}" if len(rows) > 1 else ""
        heard = f"known artists {significant(fmean(known))}" if known else ""
        value = fmean(values)
        ends = _mean_ends([(row.low, row.high) for row in rows])
        bar = _bar(value, *ends, self._loss_axis, significant)
        return replace(bar, subs=tuple(filter(None, (spread, heard))))

    def _verdict(self, name: str, run: SystemScore) -> str:
        """Only what is told apart: a pair that isn't, or that nobody asked for, adds no words."""
        better: list[str] = []
        worse: list[str] = []
        for pair in self._pairs:
            same = (pair.budget_kind, pair.budget) == (run.budget_kind, run.budget)
            if pair.question in ("size", "twins") or not same or pair.size != run.size:
                continue
            if name not in (pair.a, pair.b) or pair.adjusted >= self._level:
                continue
            ahead = (pair.difference > 0) == (name == pair.a)
            (better if ahead else worse).append(pair.b if name == pair.a else pair.a)
        said = [f"better than {listed(sorted(set(better)))}"] if better else []
        return "; ".join(said + ([f"worse than {listed(sorted(set(worse)))}"] if worse else []))

    def _gain(self, systems: Sequence[str], name: str) -> Cell:
        """A difference of losses, over seeds."""
        rows = [self._losses[s] for s in systems if s in self._losses and getattr(self._losses[s], name) is not None]
        if not rows:
            return _nothing()
        low, high = _mean_ends([(getattr(row, f"{name}_low"), getattr(row, f"{name}_high")) for row in rows])
        return number(fmean(getattr(row, name) for row in rows), nats, interval(low, high, nats))

    def _score(self, systems: Sequence[str], at: int) -> Bar | None:
        column, axis = self._columns[at], self._axes[at]
        rows = [self._scores[s][column] for s in systems if s in self._scores and column in self._scores[s]]
        if not rows:
            return None
        form = partial(score_text, column.metric)
        value = fmean(row.value for row in rows)
        if is_trivial(rows[0]):
            return Bar(value, form(value), beyond=True, subs=("the reference’s own audio",))
        bar = _bar(value, *_mean_ends([(row.low, row.high) for row in rows]), axis, form)
        said = dict.fromkeys(text for row in rows for text in row.warnings.split("; ") if text)
        marks = tuple(self._notes.setdefault(text, _letter(len(self._notes))) for text in said)
        return replace(bar, marks=marks)

    def _axis(self, column: Column) -> tuple[float, float]:
        """Of the column's bars: it holds every run, and what is not far beyond them."""
        rows = [own[column] for own in self._scores.values() if column in own]
        ends = [(*_ends(row), row.kind == "run") for row in rows]
        limit = REACH * max([0.0, *(high for _, high, trained in ends if trained)])
        near = [(low, high) for low, high, trained in ends if trained or column.metric in _BOUNDED or high <= limit]
        return _room(min([0.0, *(low for low, _ in near)]), max([0.0, *(high for _, high in near)]))


def _ends(score: SystemScore) -> tuple[float, float]:
    low, high = (score.value if end is None else end for end in (score.low, score.high))
    return low, high


def nats(value: float) -> str:
    """A difference of losses, with its sign: `+0.12`."""
    return f"{value:+.2f}".replace("-", "−").replace("+0.00", "0.00").replace("−0.00", "0.00")


def _nothing() -> Cell:
    return Cell("–", number=True)


def _by_system(table: pd.DataFrame) -> dict[str, dict[Column, SystemScore]]:
    found: dict[str, dict[Column, SystemScore]] = {}
    for score in rows_of(table, SystemScore):
        found.setdefault(score.system, {})[Column(score.metric, score.embedder, score.better)] = score
    return found


def _ordered(rows: list[BoardRow]) -> list[BoardRow]:
    """The least loss first, those without one last."""
    return sorted(rows, key=lambda row: row.loss.value if row.loss else float("inf"))


def _mean_ends(ends: Sequence[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """Mean lower and upper ends; None where one is missing."""
    lows, highs = ([pair[i] for pair in ends] for i in (0, 1))
    if None in lows or None in highs:
        return None, None
    return fmean(low for low in lows if low is not None), fmean(high for high in highs if high is not None)


def _room(low: float, high: float) -> tuple[float, float]:
    margin = 0.04 * (high - low) or 1.0
    return low - margin * (low != 0), high + margin


def _bar(
    value: float, low: float | None, high: float | None, axis: tuple[float, float], form: Callable[[float], str]
) -> Bar:
    def at(place: float) -> float:
        return round(100 * min(max((place - axis[0]) / (axis[1] - axis[0]), 0.0), 1.0), 2)

    start, end = (value if low is None else low), (value if high is None else high)
    return Bar(
        value,
        form(value),
        interval(low, high, form),
        left=at(start),
        width=max(round(at(end) - at(start), 2), 1.0),
        at=at(value),
        beyond=start > axis[1] or end < axis[0],
    )


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26) * (1 + number // 26)


def _costs(rows: Sequence[SystemScore]) -> list[Cell]:
    """Parameters, FLOPs and below them the time of runs, as far as they are known: means over seeds."""
    parameters, flops, seconds = (_mean(rows, name) for name in ("parameters", "flops_spent", "seconds"))
    return [number(parameters, millions), number(flops, power_of_ten, "" if seconds is None else clock(seconds))]


def _mean(rows: Sequence[SystemScore], name: str) -> float | None:
    values = [getattr(row, name) for row in rows if getattr(row, name) is not None]
    return fmean(values) if values else None
