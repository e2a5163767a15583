"""Quality against cost: scores at checkpoints against steps, FLOPs, hours and clips, with fits."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ssmttm.numbers import COST_NAMES, REFERENCE_NAMES, budget_name, cost_text, known, metric_name, score_text
from ssmttm.report.cells import system_name
from ssmttm.report.figures.chart import Choice, Figure, axis, chart, dash_of, plain, series
from ssmttm.report.inputs import Study
from ssmttm.report.scoreboard import MAIN, cautions, is_trivial, run_facts
from ssmttm.report.unlike import PREFIX, is_published

SYMBOLS = {"iterations": "circle", "flops": "square", "gpu_hours": "triangle"}
"""The symbol of a point, by the kind of its run's budget."""

NEUTRAL = -1
"""The color of what is no design of this study."""

FAR = 1.0
"""A baseline is drawn up to this multiple of the points' range beyond them."""

NEAR = 0.02
"""Levels nearer than this share of the scale get one line with all their names."""

Row = dict[str, Any]


def quality(study: Study, colors: dict[str, int]) -> Figure:
    """One chart for each score, reference and cost that the study's checkpoints have."""
    dashes = dash_of(run_facts(study["comparison"]))
    fits = _by(study["fit_curves"], "embedder", "metric", "reference", "cost")
    others = study["comparison"][study["comparison"]["kind"] != "run"]
    systems = _by(others, "embedder", "metric", "reference")
    charts: dict[str, list[dict[str, Any]]] = {}
    scores, references, costs = {}, {}, {}
    for (embedder, metric, reference), rows in _groups(study):
        told = f"{embedder}/{metric}"
        scores[told] = f"{metric_name(metric)} ({embedder})"
        references[reference] = REFERENCE_NAMES[reference]
        levels, far = _levels(rows, systems.get((embedder, metric, reference), []))
        for cost, name in COST_NAMES.items():
            drawn = [row for row in rows if known(row[cost])]
            if not drawn:
                continue
            costs[cost] = name
            lines, bands = _fits(fits.get((embedder, metric, reference, cost), []), colors)
            values = [row[cost] for row in drawn]
            x = axis(name, log=min(values) > 0 and max(values) > 4 * min(values))
            charts[f"{told}|{reference}|{cost}"] = [
                chart(
                    f"{metric_name(metric)} against {name[0].lower() + name[1:]}",
                    x,
                    axis(scores[told]),
                    [*_runs(drawn, cost, colors, dashes), *lines],
                    bands=bands,
                    levels=levels,
                    note=_remark(drawn, cost, far),
                )
            ]
    chosen = {c: name for c, name in COST_NAMES.items() if c in costs}
    choices = [
        Choice("score", "Score", scores),
        Choice("reference", "Compared with", references),
        Choice("cost", "Against", chosen),
    ]
    return Figure("quality", charts, study["progress"], choices if charts else [])


def _remark(rows: list[Row], cost: str, far: list[str]) -> str:
    """What stands above a chart: which way is better, and what a reader of its points must know."""
    told = [f"{rows[0]['better'].capitalize()} is better."]
    if far:
        told.append(f"Beyond the scale: {', '.join(far)}.")
    if cost == "gpu_hours":
        told.append("Hours by the clock: other jobs’ load is in them.")
    published = [row for row in rows if row["published"]]
    errors = [row["error"] for row in published if known(row.get("error"))]
    if errors:
        told.append(f"Published values: reading error ±{max(errors):g}, no intervals known.")
    if len(published) == len(rows):
        told.append("Published values only: no checkpoint of this study has this score.")
    return " ".join(told)


def _by(frame: pd.DataFrame, *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    """The rows of a table, grouped; in the table's order."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in frame.to_dict("records"):
        found.setdefault(tuple(row[k] for k in keys), []).append(row)
    return found


def _groups(study: Study) -> Iterator[tuple[tuple[str, str, str], list[Row]]]:
    """Rows by embedder, metric and reference, main ones first."""
    progress = study["progress"]
    progress = progress.assign(published=is_published(progress))
    groups = _by(progress, "embedder", "metric", "reference")
    metrics = [*MAIN, *(m for _, m, _ in groups if m not in MAIN)]
    embedders = [*study.embedders, *(e for e, _, _ in groups if e not in study.embedders)]
    references = list(REFERENCE_NAMES)
    if progress["published"].any():  # theirs are against originals: what is shown first has both
        references.sort(key=lambda reference: reference != "originals")
    order = sorted(groups, key=lambda k: (metrics.index(k[1]), embedders.index(k[0]), references.index(k[2])))
    for key in order:
        yield key, groups[key]


def _runs(rows: list[Row], cost: str, colors: dict[str, int], dashes: dict[str, str]) -> list[dict[str, Any]]:
    """A series for each run, then one for each that others published."""
    by_run: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda r: r[cost]):
        by_run.setdefault(row["run"], []).append(row)
    drawn, published = [], []
    for run, points in sorted(by_run.items(), key=lambda item: rows.index(item[1][0])):
        first = points[0]
        color = colors.get(first["variant"], NEUTRAL)
        data = {"x": [p[cost] for p in points], "y": [p["value"] for p in points]}
        data["text"] = [_told(p, cost) for p in points]
        if first["published"]:
            name = f"published: {run.removeprefix(PREFIX).strip()}"
            published.append(series(name, color, dash="dot", symbol="diamond", **data))
        else:
            symbol = SYMBOLS.get(first["budget_kind"], "circle")
            if all(known(p["low"]) for p in points):
                data |= {k: [p[k] for p in points] for k in ("low", "high")}
            drawn.append(series(run, color, dash=dashes.get(run, "solid"), symbol=symbol, **data))
    return [*drawn, *published]


def _told(row: Row, cost: str) -> str:
    """`0.5 of 180 iterations: 41.2 at 90`."""
    where = f"{row['checkpoint']} of {budget_name(row['budget_kind'], row['budget'])}: " if known(row["budget"]) else ""
    return f"{where}{score_text(row['metric'], row['value'])} at {cost_text(cost, row[cost])}"


def _fits(rows: list[Row], colors: dict[str, int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Fitted curves over the range of their points, and the intervals around them."""
    lines, bands = [], []
    for variant in dict.fromkeys(row["variant"] for row in rows):
        points = sorted((row for row in rows if row["variant"] == variant), key=lambda row: row["at"])
        color = colors.get(variant, NEUTRAL)
        x = [p["at"] for p in points]
        style = {"points": False, "dash": "dashdot", "opacity": 0.8}
        lines.append(series(f"fit: {variant}", color, x, [p["value"] for p in points], **style))
        bands.append({"color": color, "x": plain(x), **{k: plain(p[k] for p in points) for k in ("low", "high")}})
    return lines, bands


def _levels(rows: list[Row], systems: list[Row]) -> tuple[list[dict[str, Any]], list[str]]:
    """Systems that were not trained here, as horizontal lines; those far off are named instead."""
    values = [row["value"] for row in rows]
    low, high = min(values), max(values)
    room = FAR * max(high - low, 0.05 * max(abs(high), abs(low)))
    levels: list[dict[str, Any]] = []
    far = []
    for row in systems:
        if is_trivial(cautions(row["system"], row["metric"], row["warnings"])):
            continue
        name = system_name(row["system"])
        near = [level for level in levels if abs(level["y"] - row["value"]) < NEAR * (high - low + 2 * room)]
        if near:
            near[0]["name"] += f", {name}"
        elif low - room <= row["value"] <= high + room:
            levels.append({"name": name, "y": float(row["value"])})
        else:
            far.append(f"{name} ({score_text(row['metric'], row['value'])})")
    return levels, far
