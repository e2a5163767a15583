"""Scores that others published, read from `published.tsv`, as rows that can be drawn beside a study's own.

They are not comparable with a study's scores unless embedder, captions and clip length are the
same, and rows keep what is known of that. The file says where its points are from.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.study.frames import frame_of
from ssmttm.study_rows import Better, CheckpointScore, Kind

FILE = Path(__file__).with_suffix(".tsv")

PAPER = "arXiv 2601.14786, figure scores_vertical_2stage"
CARD = "model card of facebook/musicgen-small and its larger siblings"

SOURCES = {
    "figure": {
        "source": PAPER,
        "how": "read off a figure by its pixels; embedder, direction of the KL divergence and the Transformer's size, "
        "and so its FLOPs, are inferred",
    },
    "card": {"source": CARD, "how": "rounded as printed"},
}
"""What the file's column source stands for."""

BATCH = 128
"""Clips per optimizer step of the paper."""


@dataclass(frozen=True, kw_only=True)
class PublishedScore(Kind):
    """A published score; no interval of any is known."""

    system: str
    variant: str | None
    """None for systems that are no design of the paper."""
    steps: int | None
    """None for final models whose card names none."""
    value: float
    error: float
    """Of reading or rounding."""
    better: Better
    source: str
    how: str


_FILE = ["system", "variant", "embedder", "metric", "steps", "value", "error", "better", "source"]


def published(path: Path = FILE) -> list[PublishedScore]:
    """Every published point; all are of captions of MusicCaps.

    Raises UserError, with the line, for a file that isn't a table of them.
    """
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    (_, head), *rows = [(n, line.split("\t")) for n, line in lines if line and not line.startswith("#")] or [(1, [])]
    if head != _FILE:
        raise UserError(f"{path}: the columns are {', '.join(head)}; they must be {', '.join(_FILE)}")
    scores: dict[tuple[str, ...], PublishedScore] = {}
    for number, cells in rows:
        score = _score(f"{path}, line {number}", cells)
        key = tuple(cells[:5])
        if key in scores:
            raise UserError(f"{path}, line {number}: {' '.join(filter(None, key))} is there twice; take one out")
        scores[key] = score
    return list(scores.values())


def _score(where: str, cells: list[str]) -> PublishedScore:
    """One row of the file; raises UserError if a cell is missing or isn't what its column holds."""
    row = dict(zip(_FILE, cells))
    if len(cells) != len(_FILE):
        raise UserError(f"{where}: {len(cells)} cells; there must be {len(_FILE)}, with tabs between them")
    if missing := [name for name in _FILE if not row[name] and name not in ("variant", "steps")]:
        raise UserError(f"{where}: {', '.join(missing)} is empty; only variant and steps may be")
    better = row["better"]
    if better not in ("lower", "higher") or row["source"] not in SOURCES:
        raise UserError(f"{where}: better must be lower or higher, and source {' or '.join(SOURCES)}")
    try:
        value, error = float(row["value"]), float(row["error"])
        steps = int(row["steps"]) if row["steps"] else None
    except ValueError as fault:
        raise UserError(f"{where}: value, error and steps must be numbers: {fault}") from None
    if not (math.isfinite(value) and 0 <= error < math.inf):
        raise UserError(f"{where}: value must be finite, and error at least 0")
    return PublishedScore(
        system=row["system"],
        variant=row["variant"] or None,
        embedder=row["embedder"],
        metric=row["metric"],
        reference="originals",
        steps=steps,
        value=value,
        error=error,
        better="lower" if better == "lower" else "higher",
        **SOURCES[row["source"]],
    )


class DesignCosts(TypedDict):
    """What a design costs, as `ssmttm.accounting.design.Description` has it."""

    parameters: int
    training_flops: float
    tokens_per_step: int


def paper_progress(costs: Mapping[str, DesignCosts]) -> pd.DataFrame:
    """The paper's points in the shape of the table `progress`.

    `costs` are of each design (prefix-simba, cross-transformer) at the paper's size and batch of 128 clips, as
    `ssmttm.accounting.claims_of_designs.paper_costs` counts them. FLOPs are this project's count of the language
    model alone. Hours, seeds and intervals aren't published.
    """
    rows = []
    for point in published():
        cost, steps = costs.get(point.variant or ""), point.steps
        if cost is None or steps is None or point.source != PAPER:
            continue
        last = 400_000 if point.variant == "cross-transformer" else 100_000
        rows.append(
            CheckpointScore(
                **{name: value for name, value in vars(point).items() if name not in ("system", "steps")},
                run=point.system,
                size="paper",
                budget_kind="iterations",
                budget=last,
                parameters=cost["parameters"],
                checkpoint="final" if steps == last else f"{steps / last:g}",
                steps=steps,
                clips_seen=steps * BATCH,
                tokens=steps * cost["tokens_per_step"],
                flops=steps * cost["training_flops"],
            )
        )
    return frame_of(rows, "progress")
