"""Where unlike things stand together in one table or figure: sentences computed from the rows."""

from typing import Any

import pandas as pd

from ssmttm.reporting.every_score import audio_text
from ssmttm.reporting.inputs import Study
from ssmttm.reporting.numbers import listed, metric_name, plural

PREFIX = "published:"
"""Runs with this prefix, or with a `source`, are points that others published, not runs of this study."""

_NAMED = 4
"""More systems than these are counted, not named."""


def warnings(study: Study) -> list[dict[str, str]]:
    """What differs between systems that the page shows side by side, and what follows from it."""
    table = study["comparison"]
    return [
        *_audio(table),
        *_counts(table),
        *_backends(table),
        *_confidence(table),
        *_external(table),
        *_published(study["progress"]),
        *_machines(study.summary["runs"]),
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


def _audio(table: pd.DataFrame) -> list[dict[str, str]]:
    rows = table.drop_duplicates(["system", "clip_s", "sample_rate", "channels"])
    groups = _groups(rows, [audio_text(r) for r in rows.itertuples()])
    if len(groups) < 2:
        return []
    text = f"The clips differ between systems: {_apart(groups)}."
    return [{"what": "Audio", "text": f"{text} Length, bandwidth and channels move every score by themselves."}]


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


def _external(table: pd.DataFrame) -> list[dict[str, str]]:
    systems = list(dict.fromkeys(table.loc[table["kind"] == "external", "system"]))
    if not systems:
        return []
    text = (
        f"{_systems(systems)}: the audio was given from outside. Its training data, compute and choice of clips are "
        "not checked here; costs beside it are others’ statements."
    )
    return [{"what": "External systems", "text": text}]


def is_published(progress: pd.DataFrame) -> pd.Series:
    """Which rows of progress.parquet others published."""
    found = progress["run"].astype("string").str.startswith(PREFIX).fillna(False).astype(bool)
    return found | progress["source"].notna() if "source" in progress else found


def _published(progress: pd.DataFrame) -> list[dict[str, str]]:
    points = progress[is_published(progress)]
    if not len(points):
        return []
    names = list(dict.fromkeys(run.removeprefix(PREFIX).strip() for run in points["run"]))
    notes = [points[c].dropna() for c in ("note", "source", "how") if c in points]
    told = list(dict.fromkeys(str(n).rstrip(".") for column in notes for n in column if n))
    text = (
        f"{_systems(names)}: {plural(len(points), 'published value')} beside this study’s own, from other music, "
        "other captions and another pipeline. Compare shapes, not heights."
    )
    return [{"what": "Published points", "text": " ".join([text, *(f"{n[0].upper()}{n[1:]}." for n in told)])}]


def _machines(runs: dict[str, Any]) -> list[dict[str, str]]:
    """Runs on different machines: their seconds and device-hours are not one scale."""
    devices: dict[str, list[str]] = {}
    for name, run in runs.items():
        manifest = run["manifest"]
        devices.setdefault(f"{manifest['device']} ({manifest['machine']['cpu']})", []).append(name)
    if len(devices) < 2:
        return []
    ordered = dict(sorted(devices.items(), key=lambda item: -len(item[1])))
    return [{"what": "Machines", "text": f"Runs were trained on {_apart(ordered)}. Don’t compare their times."}]
