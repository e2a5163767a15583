"""Scores that others published, against what they cost, with this study's finished runs beside them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ssmttm.choices import FINAL
from ssmttm.numbers import COST_NAMES, REFERENCE_NAMES, budget_name, cost_text, metric_name, score_text
from ssmttm.report.cells import system_name
from ssmttm.report.figures.chart import NEUTRAL, Axis, Chart, Figure, Level, Selector, Series, dash_of, rounded
from ssmttm.report.scoreboard import MAIN, is_trivial, run_rows
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import CheckpointScore, Kind, StageScore, SystemScore

SYMBOLS = {"iterations": "circle", "flops": "square", "gpu_hours": "triangle"}
"""The symbol of a point, by the kind of its run's budget."""

FAR = 1.0
"""A baseline is drawn up to this multiple of the points' range beyond them."""

NEAR = 0.02
"""Levels nearer than this share of the scale get one line with all their names."""

Scored = TypeVar("Scored", bound=Kind)


def published(study: Study, colors: dict[str, int]) -> Figure:
    """One chart for each score and cost that published points have; without any where nothing was published.

    Of this study's runs it has the finished ones: in the middle of a run its learning rate has not fallen yet.
    """
    dashes = dash_of(run_rows(study["comparison"]))
    comparison = rows_of(study["comparison"], SystemScore)
    systems = by_kind(score for score in comparison if score.kind != "run")
    points = [row for row in rows_of(study["progress"], CheckpointScore) if row.source or row.checkpoint == FINAL]
    groups = {kind: rows for kind, rows in by_kind(points).items() if any(row.source for row in rows)}
    charts: dict[str, list[Chart]] = {}
    scores, references, costs = {}, {}, {}
    for kind in ordered(list(groups), study.embedders, any(p.source for points in groups.values() for p in points)):
        embedder, metric, reference = kind
        levels, far = levels_near(groups[kind], systems.get(kind, []))
        for cost, name in COST_NAMES.items():
            points = [point for point in groups[kind] if getattr(point, cost) is not None]
            if not points:
                continue
            scores[f"{embedder}/{metric}"] = f"{metric_name(metric)} ({embedder})"
            references[reference], costs[cost] = REFERENCE_NAMES[reference], name
            spent = [getattr(point, cost) for point in points]
            charts[f"{embedder}/{metric}|{reference}|{cost}"] = [
                Chart(
                    f"{metric_name(metric)} against {name[0].lower() + name[1:]}",
                    Axis(name, log=min(spent) > 0 and max(spent) > 4 * min(spent)),
                    Axis(f"{metric_name(metric)} ({embedder})"),
                    _runs(points, cost, colors, dashes),
                    levels=levels,
                    note=_note(points, cost, far),
                )
            ]
    selectors = [
        Selector("score", "Score", scores),
        Selector("reference", "Compared with", references),
        Selector("cost", "Against", {cost: name for cost, name in COST_NAMES.items() if cost in costs}),
    ]
    return Figure("published", charts, study["progress"], selectors if charts else [])


def by_kind(rows: Iterable[Scored]) -> dict[tuple[str, str, str], list[Scored]]:
    """Rows by embedder, metric and reference; in the table's order."""
    found: dict[tuple[str, str, str], list[Scored]] = {}
    for row in rows:
        found.setdefault((row.embedder, row.metric, row.reference), []).append(row)
    return found


def ordered(kinds: list[tuple[str, str, str]], embedders: list[str], published: bool) -> list[tuple[str, str, str]]:
    """Main metrics and embedders first; with published scores those against originals, which have both, first."""
    metrics = [*MAIN, *(metric for _, metric, _ in kinds if metric not in MAIN)]
    embedders = [*embedders, *(embedder for embedder, _, _ in kinds if embedder not in embedders)]
    references = sorted(REFERENCE_NAMES, key=lambda reference: published and reference != "originals")
    return sorted(kinds, key=lambda k: (metrics.index(k[1]), embedders.index(k[0]), references.index(k[2])))


def _note(points: list[CheckpointScore], cost: str, far: list[str]) -> str:
    """What stands above a chart: which way is better, and what a reader of its points must know."""
    parts = [f"{points[0].better.capitalize()} is better."]
    if far:
        parts.append(f"Beyond the scale: {', '.join(far)}.")
    if cost == "gpu_hours":
        parts.append("Hours by the clock: other jobs’ load is in them.")
    theirs = [point for point in points if point.source]
    errors = [point.error for point in theirs if point.error is not None]
    if errors:
        parts.append(f"Published values: reading error ±{max(errors):g}, no intervals known.")
    if len(theirs) == len(points):
        parts.append("Published values only: no run of this study has this score.")
    return " ".join(parts)


def _runs(points: list[CheckpointScore], cost: str, colors: dict[str, int], dashes: dict[str, str]) -> list[Series]:
    """A series for each run, then one for each that others published."""
    by_run: dict[str, list[CheckpointScore]] = {}
    for point in points:
        by_run.setdefault(point.run, []).append(point)
    own, theirs = [], []
    for run, group in by_run.items():
        group.sort(key=lambda point: getattr(point, cost))
        first = group[0]
        color = colors.get(str(first.variant), NEUTRAL)
        x, y = rounded(getattr(p, cost) for p in group), rounded(p.value for p in group)
        text = [_point_text(p, cost) for p in group]
        if first.source:
            name = f"published: {run}"
            theirs.append(Series(name, color, x, y, text=text, dash="dot", symbol="diamond"))
            continue
        bounded = all(p.low is not None for p in group)
        low, high = (rounded(p.low for p in group), rounded(p.high for p in group)) if bounded else (None, None)
        symbol = SYMBOLS.get(first.budget_kind, "circle")
        own.append(Series(run, color, x, y, low, high, text, dashes.get(run, "solid"), symbol))
    return [*own, *theirs]


def _point_text(point: CheckpointScore, cost: str) -> str:
    """`0.5 of 180 iterations: 41.2 at 90`."""
    score, spent = score_text(point.metric, point.value), cost_text(cost, getattr(point, cost))
    return f"{point.checkpoint} of {budget_name(point.budget_kind, point.budget)}: {score} at {spent}"


def levels_near(
    points: Sequence[CheckpointScore | StageScore], systems: list[SystemScore]
) -> tuple[list[Level], list[str]]:
    """Systems that were not trained here, as horizontal lines; those far off are named instead."""
    values = [point.value for point in points]
    low, high = min(values), max(values)
    room = FAR * max(high - low, 0.05 * max(abs(high), abs(low)))
    levels: list[Level] = []
    far = []
    for score in systems:
        if is_trivial(score):
            continue
        name = system_name(score.system)
        near = [level for level in levels if abs(level.y - score.value) < NEAR * (high - low + 2 * room)]
        if near:
            near[0].name += f", {name}"
        elif low - room <= score.value <= high + room:
            levels.append(Level(name, score.value))
        else:
            far.append(f"{name} ({score_text(score.metric, score.value)})")
    return levels, far
