"""The main comparison table as the page shows it: one block per budget, each score with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ssmttm.choices import TRAINED_ON
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
from ssmttm.report.cells import Cell, number
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import SystemScore
from ssmttm.wording import counted

MAIN = ("frechet", "kl", "clap", "text_audio")
"""The metrics of the main table, those of them that were computed."""

REFERENCE = "codec"
"""What the page compares with where it shows one reference: no model can do better than its codec."""

REFERENCES = (REFERENCE, "originals")

REACH = 2.5
"""A baseline is on the axis up to this multiple of the runs' largest upper bound."""

TRIVIAL = ("zero by construction", "one by construction")
"""Mark the warning that a score compares audio with itself."""

TRAINING_COPIES = "these are training clips through the codec: the share of true copies that this search finds"

_BOUNDED = ("text_audio", "clap")
"""Metrics with a largest and a least value, so that no baseline is far off."""
Scores = dict[tuple[str, str], SystemScore]
"""A system's scores by metric and reference."""


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
class ScoreCell:
    """A score of the main table against one reference; positions on its axis in per cent."""

    reference: str
    value: float
    text: str
    interval: str
    left: float
    width: float
    at: float
    beyond: bool
    """Whether it lies outside of the axis."""
    trivial: bool
    """Whether it compares the reference with itself."""
    marks: list[str]


@dataclass(frozen=True)
class ScoreRow:
    """A system of the main table: for each column its scores, one per reference."""

    system: str
    name: str
    note: str
    color: str
    cells: list[list[ScoreCell]]
    costs: list[Cell]


@dataclass(frozen=True)
class Block:
    """The systems under one budget: its runs, then every other system."""

    name: str
    runs: list[ScoreRow]
    others: list[ScoreRow]
    notes: dict[str, str]
    """Warnings below the table, with the letter that marks each in the cells."""
    test_clips: str


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


def main_rows(comparison: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """The rows of the main table: in them, a metric has one embedder."""
    wanted = {(c.metric, c.embedder) for c in columns}
    pairs = zip(comparison["metric"], comparison["embedder"], strict=True)
    return comparison[[pair in wanted for pair in pairs]]


def main_part(frame: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """The rows of the main table's scores, in its order, against codec reconstructions."""
    order = {(c.metric, c.embedder): i for i, c in enumerate(columns)}
    pairs = zip(frame["metric"], frame["embedder"], strict=True)
    ranks = pd.Series([order.get(pair, -1) for pair in pairs], index=frame.index, dtype=int)
    rows = frame.loc[ranks[ranks >= 0].sort_values(kind="stable").index]
    return rows[rows["reference"] == REFERENCE]


def cautions(score: SystemScore) -> list[str]:
    """The warnings of a score, and what one says of training clips whose copies are sought among training clips."""
    own = [TRAINING_COPIES] if score.system in TRAINED_ON and score.metric == "training_copies" else []
    return own + [warning for warning in score.warnings.split("; ") if warning]


def is_trivial(score: SystemScore) -> bool:
    """Whether the score compares the reference with itself."""
    return any(mark in score.warnings for mark in TRIVIAL)


def scales(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[float, float]]:
    """The axis of each metric's interval bars, per reference.

    It holds every run. A baseline far beyond them would press them together, so it is left out
    of the axis and marked on the page.
    """
    found = {}
    for (metric, reference), part in rows.groupby(["metric", "reference"]):
        models = part[part["kind"] == "run"]
        near = part if metric in _BOUNDED else part[part["high"] <= REACH * max(models["high"].max(), 0.0)]
        high = max(float(models["high"].max()), float(near["high"].max()) if len(near) else 0.0)
        low = min(float(models["low"].min()), float(near["low"].min()) if len(near) else 0.0, 0.0)
        margin = 0.04 * (high - low) or 1.0
        found[metric, reference] = (low - margin * (low < 0), high + margin)
    return found


def run_rows(comparison: pd.DataFrame) -> pd.DataFrame:
    """One row per run of the study, in the order of the run table."""
    return comparison[comparison["kind"] == "run"].drop_duplicates("system").reset_index(drop=True)


def runs_by_budget(comparison: pd.DataFrame) -> list[tuple[tuple[str, float], list[SystemScore]]]:
    """Kind and amount of each budget, with one row for each of its runs."""
    groups = run_rows(comparison).groupby(["budget_kind", "budget"], sort=False)
    return [(budget, rows_of(runs, SystemScore)) for budget, runs in groups]


def blocks(
    comparison: pd.DataFrame, columns: list[Column], colors: dict[str, int], origins: Mapping[str, str]
) -> list[Block]:
    """One block per budget, with everything formatted.

    `origins` says of the external systems where they come from.
    """
    table = main_rows(comparison, columns)
    axes, scores = scales(table), _scores(table)
    others = [name for name, own in scores.items() if next(iter(own.values())).kind != "run"]
    mixed = run_rows(comparison)["codebooks"].nunique() > 1
    found = []
    for (kind, amount), runs in runs_by_budget(comparison):
        notes: dict[str, str] = {}
        own, rest = [], []
        for run in runs:
            note, color = f"width {run.d_model}, {run.layers} layers, seed {run.seed}", f"c{colors[str(run.variant)]}"
            cells = _cells(scores.get(run.system, {}), columns, axes, notes)
            own.append(ScoreRow(run.system, str(run.variant), note, color, cells, _costs(run, mixed)))
        for name in others:
            title, note = BASELINE_NAMES.get(name, (name, ""))
            cells, first = _cells(scores[name], columns, axes, notes), next(iter(scores[name].values()))
            rest.append(ScoreRow(name, title, origins.get(name, note), "cn", cells, _costs(first)))
        found.append(Block(budget_name(kind, amount), own, rest, notes, test_clips(runs)))
    return found


def test_clips(runs: list[SystemScore]) -> str:
    """`all 105 test clips`."""
    return f"all {' or '.join(f'{n:,.0f}' for n in sorted({run.test_clips or 0 for run in runs}))} test clips"


def _scores(table: pd.DataFrame) -> dict[str, Scores]:
    found: dict[str, Scores] = {}
    for score in rows_of(table, SystemScore):
        found.setdefault(score.system, {})[score.metric, score.reference] = score
    return found


def _cells(
    scores: Scores, columns: list[Column], axes: dict[tuple[str, str], tuple[float, float]], notes: dict[str, str]
) -> list[list[ScoreCell]]:
    """For each column the cells of the references; a score that a system does not have is left out."""
    keys = [[(column.metric, r) for r in REFERENCES if (column.metric, r) in scores] for column in columns]
    return [[_cell(scores[key], axes[key], notes) for key in row] for row in keys]


def _cell(score: SystemScore, axis: tuple[float, float], notes: dict[str, str]) -> ScoreCell:
    def at(value: float) -> float:
        share = (value - axis[0]) / (axis[1] - axis[0])
        return round(100 * min(max(share, 0.0), 1.0), 2)

    low, high = (score.value if end is None else end for end in (score.low, score.high))
    trivial = is_trivial(score)
    return ScoreCell(
        reference=score.reference,
        value=score.value,
        text=score_text(score.metric, score.value),
        interval=f"{score_text(score.metric, low)} to {score_text(score.metric, high)}",
        left=at(low),
        width=max(round(at(high) - at(low), 2), 1.0),
        at=at(score.value),
        beyond=low > axis[1] or high < axis[0],
        trivial=trivial,
        marks=[] if trivial else [notes.setdefault(text, _letter(len(notes))) for text in cautions(score)],
    )


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26) * (1 + number // 26)


def _costs(row: SystemScore, mixed: bool = False) -> list[Cell]:
    """Test loss, parameters, FLOPs and time, as far as they are known.

    `mixed`: of how many codebooks a loss is, since runs that stand side by side have different numbers.
    """
    over = counted(row.codebooks, "codebook") if mixed and row.codebooks else ""
    return [
        number(row.test_loss, significant, over),
        number(row.parameters, millions),
        number(row.flops_spent, power_of_ten),
        number(row.seconds, clock),
    ]
