"""One stage against two: scores against the sampler's steps and the time that generating takes."""

from collections.abc import Iterable

from ssmttm.choices import FINAL
from ssmttm.numbers import REFERENCE_NAMES, metric_name, score_text, significant
from ssmttm.report.figures.chart import NEUTRAL, Axis, Chart, Figure, Level, Selector, Series, rounded
from ssmttm.report.figures.published import by_kind, levels_near, ordered
from ssmttm.report.scoreboard import columns, main_part
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import StageScore, SystemScore

AXES = {
    "sampler_steps": "Sampler steps",
    "generation_seconds": "Seconds to generate a second of audio",
}


def two_stages(study: Study, colors: dict[str, int]) -> Figure:
    """A chart for each score of the page's table and axis; without any where the study has no run of two stages."""
    systems = by_kind(score for score in rows_of(study["comparison"], SystemScore) if score.kind != "run")
    finished = study["stages"][study["stages"]["checkpoint"] == FINAL]
    groups = by_kind(rows_of(main_part(finished, columns(study["comparison"], study.embedders)), StageScore))
    charts: dict[str, list[Chart]] = {}
    scores, references, axes = {}, {}, {}
    for kind in ordered(list(groups), study.embedders, published=False):
        embedder, metric, reference = kind
        levels, far = levels_near(groups[kind], systems.get(kind, []))
        for axis, title in AXES.items():
            points = [point for point in groups[kind] if getattr(point, axis) is not None]
            if not points:
                continue
            scores[f"{embedder}/{metric}"] = f"{metric_name(metric)} ({embedder})"
            references[reference], axes[axis] = REFERENCE_NAMES[reference], title
            charts[f"{embedder}/{metric}|{reference}|{axis}"] = [
                Chart(
                    f"{metric_name(metric)} against {title[0].lower() + title[1:]}",
                    Axis(title, log=True),
                    Axis(f"{metric_name(metric)} ({embedder})"),
                    _series(points, axis, colors),
                    levels=[*levels, *(_single_stages(groups[kind]) if axis == "sampler_steps" else [])],
                    note=_note(points, axis, far),
                )
            ]
    selectors = [
        Selector("score", "Score", scores),
        Selector("reference", "Compared with", references),
        Selector("axis", "Against", {axis: title for axis, title in AXES.items() if axis in axes}),
    ]
    return Figure("two-stages", charts, study["stages"], selectors if charts else [])


def _series(points: Iterable[StageScore], axis: str, colors: dict[str, int]) -> list[Series]:
    """A line for each design and budget, which joins a refiner's numbers of steps."""
    lines: dict[tuple[str, str, float], list[StageScore]] = {}
    for point in points:
        lines.setdefault((point.family, point.size, point.budget), []).append(point)
    found = []
    for (name, _, _), line in lines.items():
        line.sort(key=lambda point: getattr(point, axis))
        x, y, low, high = (rounded(getattr(p, column) for p in line) for column in (axis, "value", "low", "high"))
        bounded = None not in low and None not in high
        color = colors.get(line[0].variant, NEUTRAL)
        dash, symbol = ("dash", "square") if line[0].stages == 1 else ("solid", "circle")
        text = [_text(point, axis) for point in line]
        found.append(Series(name, color, x, y, low if bounded else None, high if bounded else None, text, dash, symbol))
    return found


def _text(point: StageScore, axis: str) -> str:
    """`first-simba + unet (8 steps): 41.2 at 0.18`."""
    return f"{point.variant}: {score_text(point.metric, point.value)} at {significant(getattr(point, axis))}"


def _single_stages(points: Iterable[StageScore]) -> list[Level]:
    """Finished designs of one stage, which take no sampler steps, as levels."""
    return [Level(p.variant, p.value) for p in points if p.stages == 1]


def _note(points: list[StageScore], axis: str, far: list[str]) -> str:
    parts = [f"{points[0].better.capitalize()} is better."]
    if far:
        parts.append(f"Beyond the scale: {', '.join(far)}.")
    if axis == "generation_seconds":
        parts.append("Seconds by the clock, without loading: other jobs’ load is in them.")
    return " ".join(parts)
