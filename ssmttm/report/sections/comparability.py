"""Where the page puts side by side what is not comparable: sentences computed from the rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ssmttm.numbers import budget_name, metric_name, power_of_ten
from ssmttm.report.cells import audio_text, audio_words
from ssmttm.report.scoreboard import run_rows, runs_by_budget
from ssmttm.report.sections.external import ExternalSystem
from ssmttm.study.folder import RunManifest, RunSummary, Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import CheckpointScore, SystemScore
from ssmttm.wording import counted, listed

_NAMED = 4
"""More systems than these are counted, not named."""

EVEN = 1.2
"""Runs of one design and size whose FLOPs a second differ by a greater factor were slowed by something else."""


EQUAL = 1.05
"""Runs whose FLOPs differ by no greater factor spent the same."""


@dataclass(frozen=True)
class Caveat:
    """What differs, and what follows from it."""

    subject: str
    text: str


def caveats(study: Study, external: Mapping[str, ExternalSystem]) -> list[Caveat]:
    """What differs between systems that the page shows side by side, and what follows from it."""
    table, runs = study["comparison"], study.summary["runs"]
    return [
        *_compute(table),
        *_audio(table, external),
        *_counts(table),
        *_backends(table),
        *_confidence(table),
        *_external(list(external.values())),
        *_published(study["progress"]),
        *_machines(runs),
        *_speeds(run_rows(table), runs),
    ]


def _compute(table: pd.DataFrame) -> Iterator[Caveat]:
    """Budgets of iterations whose runs spent different FLOPs."""
    for (kind, amount), runs in runs_by_budget(table):
        spent = [run.flops_spent or 0.0 for run in runs]
        if kind == "iterations" and max(spent) > EQUAL * min(spent):
            span = f"{power_of_ten(min(spent))} to {power_of_ten(max(spent))}"
            yield Caveat("Compute", f"Under {budget_name(kind, amount)} runs spent {span} FLOPs, so it is not equal.")


def _systems(names: list[str]) -> str:
    return listed(names) if len(names) <= _NAMED else f"{listed(names[:2])} and {len(names) - 2} others"


def _groups(systems: list[str], labels: list[str]) -> dict[str, list[str]]:
    """Systems by label, the commonest label first."""
    found: dict[str, dict[str, None]] = {}
    for system, label in zip(systems, labels, strict=True):
        found.setdefault(label, {})[system] = None
    return dict(sorted(((label, list(names)) for label, names in found.items()), key=lambda item: -len(item[1])))


def _contrast(groups: dict[str, list[str]]) -> str:
    """`10 s, mono (12 systems) but 30 s, stereo (musicgen)`."""
    (usual, many), *others = groups.items()
    parts = [f"{label} ({_systems(systems)})" for label, systems in others]
    return ", but ".join([f"{usual} ({counted(len(many), 'system')})", *parts])


def _audio(table: pd.DataFrame, external: Mapping[str, ExternalSystem]) -> Iterator[Caveat]:
    rows = rows_of(table.drop_duplicates(["system", "clip_s", "sample_rate", "channels"]), SystemScore)
    groups = _groups([row.system for row in rows], [_label(row, external.get(row.system)) for row in rows])
    if len(groups) > 1:
        text = f"The clips differ between systems: {_contrast(groups)}."
        if external:
            text += " For external systems these are the files as they were, before resampling and mixing."
        yield Caveat("Audio", f"{text} Length, bandwidth and channels move every score by themselves.")


def _label(row: SystemScore, external: ExternalSystem | None) -> str:
    """The clips of a row; of an external system with the sample rates and channels that its files had."""
    if external is None:
        return audio_text(row)
    rates, channels = external.sample_rates or [row.sample_rate or 0], external.channels or [row.channels or 0]
    return audio_words(row.clip_s, rates, channels)


def _counts(table: pd.DataFrame) -> Iterator[Caveat]:
    scores: dict[str, list[str]] = {}
    for (metric, embedder), rows in table.groupby(["metric", "embedder"], sort=False):
        groups = _groups(list(rows["system"]), [f"{n} clips" for n in rows["n"]])
        if len(groups) > 1:
            scores.setdefault(_contrast(groups), []).append(f"{metric_name(metric)} ({embedder})")
    for contrast, names in scores.items():
        text = f"{listed(names)}: {contrast}. Scores of sets depend on how many clips there are."
        yield Caveat("Number of clips", text)


def _backends(table: pd.DataFrame) -> Iterator[Caveat]:
    for (metric, embedder), rows in table.groupby(["metric", "embedder"], sort=False):
        groups = _groups(list(rows["system"]), list(rows["backend"]))
        if len(groups) > 1:
            text = f"{metric_name(metric)} ({embedder}) comes from different weights: {_contrast(groups)}."
            yield Caveat("Embedder", f"{text} Don’t compare them.")


def _confidence(table: pd.DataFrame) -> Iterator[Caveat]:
    levels = sorted(set(table["confidence"].dropna()))
    if len(levels) > 1:
        named = listed([f"{100 * level:g} %" for level in levels])
        yield Caveat("Intervals", f"Not all intervals have the same confidence: {named}.")


def _external(systems: list[ExternalSystem]) -> Iterator[Caveat]:
    if systems:
        stated = [f"{s.name}: {s.origin}; stated of its training: {s.training}." for s in systems]
        closing = "That is not checked here, and they may have been trained on the music of this study’s captions."
        yield Caveat("External systems", " ".join([*stated, closing]))


def _published(progress: pd.DataFrame) -> Iterator[Caveat]:
    points = [point for point in rows_of(progress, CheckpointScore) if point.source]
    if points:
        names = list(dict.fromkeys(point.run for point in points))
        text = (
            f"{_systems(names)}: {counted(len(points), 'published value')} beside this study’s own, from other music, "
            "other captions and another pipeline. Compare shapes, not heights."
        )
        sources = [f"Source: {point.source}" for point in points] + [point.how or "" for point in points]
        notes = [f"{s[0].upper()}{s[1:].rstrip('.')}." for s in dict.fromkeys(sources) if s]
        yield Caveat("Published points", " ".join([text, *notes]))


def _machine(manifest: RunManifest) -> str:
    return f"{manifest['device']} ({manifest['machine']['cpu']})"


def _machines(runs: dict[str, RunSummary]) -> Iterator[Caveat]:
    """Runs on different machines: their seconds and device-hours are not one scale."""
    groups = _groups(list(runs), [_machine(run["manifest"]) for run in runs.values()])
    if len(groups) > 1:
        yield Caveat("Machines", f"Runs were trained on {_contrast(groups)}. Don’t compare their times.")


def _speeds(runs: pd.DataFrame, summaries: dict[str, RunSummary]) -> Iterator[Caveat]:
    """Runs of one design and size on one machine that were not equally fast."""
    machines = [_machine(summaries[system]["manifest"]) for system in runs["system"]]
    speeds = runs.assign(speed=runs["flops_spent"] / runs["seconds"], machine=machines)
    uneven = []
    for (variant, size, _), group in speeds.groupby(["variant", "size", "machine"], sort=False):
        low, high = group["speed"].min(), group["speed"].max()
        if high > EVEN * low:
            uneven.append(f"{variant} at size {size}: {power_of_ten(low)} to {power_of_ten(high)} FLOP/s")
    if uneven:
        text = (
            f"Runs of one design and size were not equally fast ({'; '.join(uneven)}). Seconds and device-hours are by "
            "the clock and include the load of other jobs on the machine: don’t compare designs by them."
        )
        yield Caveat("Times", text)
