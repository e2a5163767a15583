"""Every row of the comparison, each linked to its line of the CSV, and the backend of every number."""

from collections.abc import Iterable
from functools import partial

from ssmttm.numbers import REFERENCE_NAMES, budget_name, metric_name, score_text, significant
from ssmttm.report.cells import Cell, Row, Table, audio_words, interval, number, system_name, text
from ssmttm.report.scoreboard import MAIN, cautions
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import SystemScore

HEADER_LINES = 1


def every_score(study: Study, href: str) -> Table:
    """Main metrics and embedders first, otherwise as in the CSV, whose address is `href`."""
    scores = list(enumerate(rows_of(study["comparison"], SystemScore), 1 + HEADER_LINES))
    metrics, embedders = _metrics(score.metric for _, score in scores), study.embedders
    scores.sort(key=lambda s: (metrics.index(s[1].metric), embedders.index(s[1].embedder), s[1].reference, s[0]))
    return Table([_row(line, score, href) for line, score in scores], "every", "comparison.csv", header=1)


def _row(line: int, score: SystemScore, href: str) -> Row:
    form = partial(score_text, score.metric)
    name = score.system if score.kind == "run" else system_name(score.system)
    bounds = interval(score.low, score.high, form) or "no interval"
    return {
        "Row": Cell(str(line), line, number=True, href=f"{href}#row={line}"),
        "System": text(name, "external" if score.kind == "external" else ""),
        "Budget": text(budget_name(score.budget_kind, score.budget) if score.budget_kind and score.budget else "–"),
        "Score": text(metric_name(score.metric), f"{score.better} is better"),
        "Embedder": text(score.embedder),
        "Compared with": text(REFERENCE_NAMES[score.reference]),
        "Value": number(score.value, form, bounds, fit_text(score)),
        "Clips": Cell(str(score.n), number=True),
        "Windows": Cell("–" if score.windows is None else str(score.windows), number=True),
        "Audio": text(audio_text(score)),
        "Warnings": Cell("", subs=tuple(cautions(score)), style="warnings"),
    }


def _metrics(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*MAIN, *names]))


def audio_text(score: SystemScore) -> str:
    """Length, sample rate and channels of the clips behind a score: `10 s, 24 kHz, mono`."""
    return audio_words(score.clip_s, *([] if v is None else [v] for v in (score.sample_rate, score.channels)))


def fit_text(score: SystemScore) -> str:
    """The fit behind an extrapolated distance: `fit a + b/n: b = 1,234, R² = 0.987`; empty for other scores."""
    if score.slope is None or score.r_squared is None:
        return ""
    return f"fit a + b/n: b = {significant(score.slope)}, R² = {significant(score.r_squared)}"


def backends(study: Study) -> Table:
    """For each metric and embedder, what computed it, its definition and its interval."""
    keys = ["metric", "embedder", "backend", "definition", "interval", "better"]
    groups = study["comparison"].groupby(keys, sort=False)["system"].nunique().reset_index()
    metrics = _metrics(groups["metric"])
    rows = [
        {"Score": Cell(metric_name(r.metric), key=r.metric), "Embedder": text(r.embedder),
         "Backend": Cell(r.backend, style="mono"), "Systems": Cell(str(r.system), number=True),
         "Definition": Cell(f"{r.definition}. {r.better.capitalize()} is better.", style="wide"),
         "Interval": Cell(r.interval, style="wide")}
        for r in sorted(groups.itertuples(), key=lambda r: metrics.index(r.metric))
    ]  # fmt: skip
    return Table(rows)
