"""Where unlike things stand together in one table or figure: sentences computed from the rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ssmttm.numbers import audio_words, listed, metric_name, plural, power_of_ten
from ssmttm.report.inputs import Study
from ssmttm.report.scoreboard import run_facts
from ssmttm.report.sections.every_score import audio_text
from ssmttm.report.sections.foreign import Foreign, stated

PREFIX = "published:"
"""Runs with this prefix, or with a `source`, are points that others published, not runs of this study."""

_NAMED = 4
"""More systems than these are counted, not named."""

EVEN = 1.2
"""Runs of one design and size whose FLOPs a second differ by a greater factor were slowed by something else."""


def warnings(study: Study, given: Mapping[str, Foreign]) -> list[dict[str, str]]:
    """What differs between systems that the page shows side by side, and what follows from it.

    `given` are the systems from outside.
    """
    table = study["comparison"]
    return [
        *_audio(table, given),
        *_counts(table),
        *_backends(table),
        *_confidence(table),
        *_external(list(given.values())),
        *_published(study["progress"]),
        *_machines(study.summary["runs"]),
        *_speeds(run_facts(table), study.summary["runs"]),
    ]


def _systems(names: list[str]) -> str:
    return listed(names) if len(names) <= _NAMED else f"{listed(names[:2])} and {len(names) - 2} others"


def _groups(table: pd.DataFrame, labels: list[Any]) -> dict[Any, list[str]]:
    """Systems by label, the commonest label first."""
    found: dict[Any, list[str]] = {}
    for system, label in zip(table["system"], labels, strict=True):
        systems = found.setdefault(label, [])
        if system not in systems:
            systems.append(system)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _apart(groups: dict[Any, list[str]]) -> str:
    """`10 s, mono (12 systems) but 30 s, stereo (musicgen)`."""
    (usual, many), *others = groups.items()
    told = [f"{usual} ({plural(len(many), 'system')})"]
    return ", but ".join([*told, *(f"{label} ({_systems(systems)})" for label, systems in others)])


def _audio(table: pd.DataFrame, given: Mapping[str, Foreign]) -> list[dict[str, str]]:
    rows = table.drop_duplicates(["system", "clip_s", "sample_rate", "channels"])
    groups = _groups(rows, [_label(r, given.get(r.system)) for r in rows.itertuples()])
    if len(groups) < 2:
        return []
    text = f"The clips differ between systems: {_apart(groups)}."
    if given:
        text += " Of systems from outside these are the files as they were, before resampling and mixing."
    return [{"what": "Audio", "text": f"{text} Length, bandwidth and channels move every score by themselves."}]


def _label(row: Any, given: Foreign | None) -> str:
    """The clips of a row; of a system from outside with the sample rates and channels that its files had."""
    if given is None:
        return audio_text(row)
    return audio_words(row.clip_s, given.sample_rates or [row.sample_rate], given.channels or [row.channels])


def _counts(table: pd.DataFrame) -> list[dict[str, str]]:
    found = []
    for (metric, embedder), rows in table.groupby(["metric", "embedder"], sort=False):
        groups = _groups(rows, [f"{n} clips" for n in rows["n"]])
        if len(groups) > 1:
            found.append((_apart(groups), f"{metric_name(metric)} ({embedder})"))
    texts: dict[str, list[str]] = {}
    for apart, score in found:
        texts.setdefault(apart, []).append(score)
    return [
        {
            "what": "Number of clips",
            "text": f"{listed(scores)}: {apart}. Scores of sets depend on how many clips there are.",
        }
        for apart, scores in texts.items()
    ]


def _backends(table: pd.DataFrame) -> list[dict[str, str]]:
    found = []
    for (metric, embedder), rows in table.groupby(["metric", "embedder"], sort=False):
        groups = _groups(rows, list(rows["backend"]))
        if len(groups) > 1:
            text = f"{metric_name(metric)} ({embedder}) comes from different weights: {_apart(groups)}."
            found.append({"what": "Embedder", "text": f"{text} Don’t compare them."})
    return found


def _confidence(table: pd.DataFrame) -> list[dict[str, str]]:
    levels = sorted(set(table["confidence"].dropna()))
    if len(levels) < 2:
        return []
    told = listed([f"{100 * level:g} %" for level in levels])
    return [{"what": "Intervals", "text": f"Intervals of different confidence stand together: {told}."}]


def _external(given: list[Foreign]) -> list[dict[str, str]]:
    if not given:
        return []
    told = [f"{one.name}: {one.origin}; stated of its training: {stated(one)}." for one in given]
    closing = "That is not checked here, and this study’s captions may be of music that they were trained on."
    return [{"what": "Systems from outside", "text": " ".join([*told, closing])}]


def is_published(progress: pd.DataFrame) -> pd.Series:
    """Which rows of progress.parquet others published."""
    found = progress["run"].astype("string").str.startswith(PREFIX).fillna(False).astype(bool)
    return found | progress["source"].notna() if "source" in progress else found


_LABELS = {"note": "", "source": "Source: ", "how": ""}


def _published(progress: pd.DataFrame) -> list[dict[str, str]]:
    points = progress[is_published(progress)]
    if not len(points):
        return []
    names = list(dict.fromkeys(run.removeprefix(PREFIX).strip() for run in points["run"]))
    notes = [(label, points[c].dropna()) for c, label in _LABELS.items() if c in points]
    told = list(dict.fromkeys(label + str(n).rstrip(".") for label, column in notes for n in column if n))
    text = (
        f"{_systems(names)}: {plural(len(points), 'published value')} beside this study’s own, from other music, "
        "other captions and another pipeline. Compare shapes, not heights."
    )
    return [{"what": "Published points", "text": " ".join([text, *(f"{n[0].upper()}{n[1:]}." for n in told)])}]


def _machine(manifest: dict[str, Any]) -> str:
    return f"{manifest['device']} ({manifest['machine']['cpu']})"


def _machines(runs: dict[str, Any]) -> list[dict[str, str]]:
    """Runs on different machines: their seconds and device-hours are not one scale."""
    devices: dict[str, list[str]] = {}
    for name, run in runs.items():
        devices.setdefault(_machine(run["manifest"]), []).append(name)
    if len(devices) < 2:
        return []
    ordered = dict(sorted(devices.items(), key=lambda item: -len(item[1])))
    return [{"what": "Machines", "text": f"Runs were trained on {_apart(ordered)}. Don’t compare their times."}]


def _speeds(runs: pd.DataFrame, told: dict[str, Any]) -> list[dict[str, str]]:
    """Runs of one design and size on one machine that were not equally fast."""
    speeds = runs.assign(
        speed=runs["flops_spent"] / runs["seconds"],
        machine=[_machine(told[system]["manifest"]) for system in runs["system"]],
    )
    found = []
    for (variant, size, _), group in speeds.groupby(["variant", "size", "machine"], sort=False):
        low, high = group["speed"].min(), group["speed"].max()
        if high > EVEN * low:
            found.append(f"{variant} at size {size}: {power_of_ten(low)} to {power_of_ten(high)} FLOP/s")
    if not found:
        return []
    text = (
        f"Runs of one design and size were not equally fast ({'; '.join(found)}). Seconds and device-hours are by the "
        "clock and include what other jobs took of the machine meanwhile: don’t compare designs by them."
    )
    return [{"what": "Times", "text": text}]
