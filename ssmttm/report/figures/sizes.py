"""Scaling down: scores against parameters at equal iterations and at equal FLOPs."""

import pandas as pd

from ssmttm.numbers import millions
from ssmttm.report.figures.chart import Axis, Chart, Figure, Selector, Series, rounded
from ssmttm.report.scoreboard import REFERENCE, Column, columns, run_rows
from ssmttm.study.folder import Study

BASES = {"iterations": "Equal iterations", "flops": "Equal FLOPs"}


def scaling_down(study: Study, colors: dict[str, int]) -> Figure:
    """A chart of the test loss and one of each main metric, for each basis of comparison there is."""
    runs, points = run_rows(study["comparison"]), study["scaling"]
    charts: dict[str, list[Chart]] = {}
    tables = []
    for basis in BASES:
        rows = points[(points["basis"] == basis) & (points["reference"] == REFERENCE)]
        sizes = rows.groupby("variant")["parameters"].nunique()
        scaled = list(sizes.index[sizes > 1])
        if not scaled:
            continue
        rows = rows[rows["variant"].isin(scaled)]
        x = Axis("Parameters", log=True, ticks=_ticks(list(rows["parameters"])))
        losses = _losses(runs[runs["variant"].isin(scaled) & (runs["budget_kind"] == basis)], colors)
        loss = Chart("Test loss", x, Axis("nats per token"), losses, note="Lower is better.")
        scores = [_chart(rows, column, x, colors) for column in columns(study["comparison"], study.embedders)]
        charts[basis] = [chart for chart in (loss, *scores) if chart.series]
        tables.append(rows)
    table = pd.concat(tables, ignore_index=True) if tables else points.iloc[:0]
    selector = Selector("basis", "Compared at", {basis: BASES[basis] for basis in charts})
    return Figure("scaling-down", charts, table, [selector] if charts else [])


def _losses(runs: pd.DataFrame, colors: dict[str, int]) -> list[Series]:
    """Test loss against size; with several seeds or budgets, a line for each."""
    found = []
    for (variant, _, _), group in runs.groupby(["variant", "budget", "seed"], sort=False):
        if group["parameters"].nunique() > 1:
            group = group.sort_values("parameters")
            text = [f"{r.system} · {millions(r.parameters)}" for r in group.itertuples()]
            x, y = rounded(group["parameters"]), rounded(group["test_loss"])
            found.append(Series(variant, colors[variant], x, y, text=text))
    return found


def _chart(rows: pd.DataFrame, column: Column, axis: Axis, colors: dict[str, int]) -> Chart:
    rows = rows[(rows["metric"] == column.metric) & (rows["embedder"] == column.embedder)]
    found = []
    for (variant, _), group in rows.groupby(["variant", "budget"], sort=False):
        group = group.sort_values("parameters")
        text = [f"{variant}, {r.size}, {millions(r.parameters)} · seeds: {r.seeds}" for r in group.itertuples()]
        x, y, low, high = (rounded(group[name]) for name in ("parameters", "value", "low", "high"))
        found.append(Series(variant, colors[variant], x, y, low, high, text))
    note = f"{column.embedder}. {column.better.capitalize()} is better."
    return Chart(column.name, axis, Axis(column.name), found, note=note)


def _ticks(sizes: list[int]) -> list[tuple[float, str]]:
    """The sizes themselves as ticks of a logarithmic axis, less those too near the one before."""
    ticks: list[tuple[float, str]] = []
    for size in sorted(set(sizes)):
        if not ticks or size > 1.25 * ticks[-1][0]:
            ticks.append((float(size), millions(size)))
    return ticks
