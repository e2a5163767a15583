"""Scaling down: scores against parameters at equal iterations and at equal FLOPs."""

from typing import Any

import pandas as pd

from ssmttm.numbers import millions
from ssmttm.report.figures.chart import Choice, Figure, axis, chart, series
from ssmttm.report.scoreboard import Column, run_facts

BASES = {"iterations": "Equal iterations", "flops": "Equal FLOPs"}
REFERENCE = "codec"


def scaling_down(
    comparison: pd.DataFrame, scaling: pd.DataFrame, shown: list[Column], colors: dict[str, int]
) -> Figure:
    """A chart of the test loss and one of each column's metric, for each basis of comparison there is."""
    runs = run_facts(comparison)
    found, tables = {}, []
    for basis in BASES:
        rows = scaling[(scaling["basis"] == basis) & (scaling["reference"] == REFERENCE)]
        sizes = rows.groupby("variant")["parameters"].nunique()
        scaled = list(sizes.index[sizes > 1])
        if not scaled:
            continue
        rows = rows[rows["variant"].isin(scaled)]
        ticks = _ticks(list(rows["parameters"]))
        charts = _loss(runs[runs["variant"].isin(scaled) & (runs["budget_kind"] == basis)], ticks, colors)
        charts += [c for c in (_chart(rows, column, ticks, colors) for column in shown) if c["series"]]
        found[basis] = charts
        tables.append(rows)
    options = {basis: BASES[basis] for basis in found}
    table = pd.concat(tables, ignore_index=True) if tables else scaling.iloc[:0]
    return Figure("scaling-down", found, table, [Choice("basis", "Compared at", options)] if found else [])


def _loss(runs: pd.DataFrame, ticks: list[tuple[float, str]], colors: dict[str, int]) -> list[dict[str, Any]]:
    """Test loss against size; with several seeds or budgets, a line for each."""
    drawn = []
    for (variant, _, _), group in runs.groupby(["variant", "budget", "seed"], sort=False):
        if group["parameters"].nunique() > 1:
            ordered = group.sort_values("parameters")
            text = [f"{s} · {millions(p)}" for s, p in zip(ordered["system"], ordered["parameters"], strict=True)]
            drawn.append(series(variant, colors[variant], ordered["parameters"], ordered["test_loss"], text=text))
    x = axis("Parameters", log=True, ticks=ticks)
    return [chart("Test loss", x, axis("nats per token"), drawn, note="Lower is better.")] if drawn else []


def _chart(
    rows: pd.DataFrame, column: Column, ticks: list[tuple[float, str]], colors: dict[str, int]
) -> dict[str, Any]:
    wanted = rows[(rows["metric"] == column.metric) & (rows["embedder"] == column.embedder)]
    drawn = []
    for (variant, _), group in wanted.groupby(["variant", "budget"], sort=False):
        ordered = group.sort_values("parameters")
        told = zip(ordered["size"], ordered["parameters"], ordered["seeds"], strict=True)
        text = [f"{variant}, {size}, {millions(p)} · seeds: {seeds}" for size, p, seeds in told]
        bounds = {"low": ordered["low"], "high": ordered["high"], "text": text}
        drawn.append(series(variant, colors[variant], ordered["parameters"], ordered["value"], **bounds))
    x = axis("Parameters", log=True, ticks=ticks)
    note = f"{column.embedder}. {column.better.capitalize()} is better."
    return chart(column.name, x, axis(column.name), drawn, note=note)


def _ticks(sizes: list[int]) -> list[tuple[float, str]]:
    """The sizes themselves as ticks of a logarithmic axis, less those too near the one before."""
    ticks: list[tuple[float, str]] = []
    for size in sorted(set(sizes)):
        if not ticks or size > 1.25 * ticks[-1][0]:
            ticks.append((float(size), millions(size)))
    return ticks
