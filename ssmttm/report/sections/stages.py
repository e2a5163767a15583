"""One stage against two under one budget: what each stage cost, how fast it generates, and whether it is better."""

from functools import partial

from ssmttm.choices import FINAL
from ssmttm.numbers import budget_name, metric_name, millions, power_of_ten, score_text, significant
from ssmttm.report.cells import Cell, Row, Table, count, interval, kind, number, part_of, score, text
from ssmttm.report.scoreboard import Column, main_part
from ssmttm.study.answers import significance
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import StageScore
from ssmttm.wording import listed


class Stages:
    """What the page says of a study with runs of two stages; `there` is False for one without any."""

    def __init__(self, study: Study, columns: list[Column]) -> None:
        finished = study["stages"][study["stages"]["checkpoint"] == FINAL]
        rows = rows_of(main_part(finished, columns), StageScore)
        designs = {(row.variant, row.size, row.budget): row for row in rows}
        self.there = bool(rows)
        self.costs = Table([_costs(row) for row in designs.values()], "stage-costs")
        self.scores = part_of(study, "stages", [_scores(row) for row in rows])
        self.sentences = [line for column in columns for line in _verdicts(rows, column)]
        levels = max((row.levels for row in rows), default=0)
        self.levels = levels
        self.refined = "level 2" if levels == 2 else f"levels 2 to {levels}"


def _costs(row: StageScore) -> Row:
    """What a design cost, in all and in its second stage."""
    return {
        "Design": text(row.variant, f"size {row.size}"),
        "Stages": count(row.stages),
        "Levels": count(row.levels),
        "Budget": text(budget_name(row.budget_kind, row.budget)),
        "Seeds": count(row.seeds),
        "Parameters": number(
            row.parameters, millions, _part(row.refiner_parameters, millions(row.refiner_parameters or 0))
        ),
        "Training FLOPs": number(
            row.flops, power_of_ten, _part(row.refiner_flops, power_of_ten(row.refiner_flops or 0.0))
        ),
        "Sampler": text(row.sampler or "–", f"{row.sampler_steps} steps" if row.sampler_steps else ""),
        "Seconds for a second": number(
            row.generation_seconds, significant, interval(row.generation_low, row.generation_high, significant)
        ),
    }


def _part(there: float | None, amount: str) -> str:
    return "" if there is None else f"{amount} of them the refiner’s"


def _scores(row: StageScore) -> Row:
    form = partial(score_text, row.metric)
    ends = interval(row.difference_low, row.difference_high, form)
    return {
        "Score": kind(row),
        "Design": text(row.variant),
        "Budget": text(budget_name(row.budget_kind, row.budget)),
        "Value": score(row, row.value, row.low, row.high),
        "Less the single stage": number(row.difference, form, ends),
        "Adjusted p": number(row.p_adjusted, significant),
        "Verdict": Cell(verdict(row) if verdict(row) in ("better", "worse") else "–"),
    }


def verdict(row: StageScore) -> str:
    """Whether a design is better than the single stage under its budget, by the adjusted p-value."""
    if row.against is None:
        return "–"
    if row.p_adjusted is None or row.difference is None:
        return "not tested"
    if row.p_adjusted >= significance(row.confidence):
        return "no significant difference"
    return "better" if (row.difference > 0) == (row.better == "higher") else "worse"


def _verdicts(rows: list[StageScore], column: Column) -> list[str]:
    """For each single stage, which designs of two stages are better than it, worse, or neither, by one score."""
    tested: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in rows:
        if (row.metric, row.embedder) == (column.metric, column.embedder) and row.stages == 2 and row.against:
            whole = "of the language model" if row.budget_kind == "iterations" else "in all"
            budget = f"{budget_name(row.budget_kind, row.budget)} {whole}"
            tested.setdefault((row.against, budget), {}).setdefault(verdict(row), []).append(row.variant)
    sentences = []
    for (against, budget), found in tested.items():
        said = "; ".join(_judged(against, how, designs) for how, designs in found.items())
        sentences.append(f"{metric_name(column.metric)}, {budget}: {said}.")
    return sentences


def _judged(against: str, how: str, designs: list[str]) -> str:
    be = "is" if len(designs) == 1 else "are"
    if how in ("better", "worse"):
        return f"{listed(designs)} {be} {how} than {against} in one stage"
    if how == "not tested":
        return f"{listed(designs)} {be} not tested against {against}, since the score has no interval"
    return f"{listed(designs)} {be} not shown to differ from {against} in one stage"
