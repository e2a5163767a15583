"""How each score is defined, and what computed it."""

from ssmttm.numbers import metric_name
from ssmttm.report.cells import Cell, Table, text
from ssmttm.report.scoreboard import MAIN
from ssmttm.study.folder import Study


def backends(study: Study) -> Table:
    """For each metric of the page's table and embedder its backend, definition and interval; others are in the CSV."""
    keys = ["metric", "embedder", "backend", "definition", "interval", "better"]
    groups = study["comparison"].groupby(keys, sort=False)["system"].nunique().reset_index()
    shown = [row for row in groups.itertuples() if row.metric in MAIN]
    rows = [
        {"Score": Cell(metric_name(r.metric), key=r.metric), "Embedder": text(r.embedder),
         "Backend": Cell(r.backend, style="mono"),
         "Definition": Cell(f"{r.definition}. {r.better.capitalize()} is better.", style="wide"),
         "Interval": Cell(r.interval, style="wide")}
        for r in sorted(shown, key=lambda r: MAIN.index(r.metric))
    ]  # fmt: skip
    return Table(rows, "backends", "comparison.csv", len(groups) - len(rows))
