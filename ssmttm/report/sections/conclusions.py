"""What the numbers say and what they don't, in sentences computed from the numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ssmttm.numbers import REFERENCE_NAMES, budget_name, metric_name, power_of_ten, score_text, significant
from ssmttm.report.figures.curves import guessing
from ssmttm.report.scoreboard import REFERENCE, REFERENCES, run_rows, runs_by_budget, test_clips
from ssmttm.report.verdicts import is_significant, level
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import Difference, SystemScore
from ssmttm.wording import counted, listed


@dataclass(frozen=True)
class Conclusions:
    """What the numbers say under one heading."""

    heading: str
    sentences: list[str]


def conclusions(comparison: pd.DataFrame, differences: pd.DataFrame, codes: int) -> list[Conclusions]:
    """What the numbers say: the leaders per budget, then floor and ceiling.

    `comparison` is the rows of the main table: a metric has one embedder. `differences` are those
    between runs of one budget, `codes` the codes of a codebook.
    """
    runs, metrics = run_rows(comparison), list(dict.fromkeys(comparison["metric"]))
    found = []
    for (kind, amount), group in runs_by_budget(comparison):
        if len(group) > 1:
            same = differences[(differences["budget_kind"] == kind) & (differences["budget"] == amount)]
            leaders = [_leader(comparison, [run.system for run in group], metric, same) for metric in metrics]
            found.append(Conclusions(f"Under {budget_name(kind, amount)}", [*leaders, *_losses(group)]))
    bounds = [_guessing(runs, codes), *_captions(comparison, runs), *_noise(comparison, runs)]
    bounds += [line for metric in metrics for line in _training(comparison, runs, metric)]
    return [*found, Conclusions("Against floor and ceiling", [*bounds, *_ceiling(comparison)])]


def _scores(comparison: pd.DataFrame, metric: str, reference: str = REFERENCE) -> pd.DataFrame:
    rows = comparison[(comparison["metric"] == metric) & (comparison["reference"] == reference)]
    return rows.set_index("system")


def _leader(comparison: pd.DataFrame, systems: list[str], metric: str, differences: pd.DataFrame) -> str:
    scores = _scores(comparison, metric)
    scores = scores.loc[[s for s in systems if s in scores.index]]
    higher = scores["better"].iloc[0] == "higher"
    best = scores["value"].idxmax() if higher else scores["value"].idxmin()
    top = scores.loc[best]
    value, low, high = (score_text(metric, top[k]) for k in ("value", "low", "high"))
    sentence = f"{metric_name(metric)}: {best} is {'highest' if higher else 'lowest'} with {value} ({low} to {high}). "
    kind = [metric, REFERENCE, top["embedder"]]
    same = (differences[["metric", "reference", "embedder"]] == kind).all(axis=1)
    pairs = rows_of(differences[same & differences["p_adjusted"].notna()], Difference)
    others = [s for s in scores.index if s != best]
    own = {pair.b if pair.a == best else pair.a: pair for pair in pairs if best in (pair.a, pair.b)}
    if not set(others) <= set(own):
        return sentence + "Its lead was not tested."
    beaten = [s for s in others if is_significant(own[s])]
    test = f"paired by caption, adjusted for {counted(len(pairs), 'pair')}"
    if not beaten:
        least = min(own[s].p_adjusted or 0.0 for s in others)
        who = "the other runs" if len(others) > 1 else others[0]
        return f"{sentence}Its lead over {who} is not significant ({test}: least p {significant(least, 2)})."
    rest = [s for s in others if s not in beaten]
    who = f"{listed(beaten)} is significant" if rest else "every other run is significant"
    ending = f", that over {listed(rest)} is not." if rest else "."
    return f"{sentence}Its lead over {who} ({test}: p below {level(pairs[0].confidence):g}){ending}"


def _losses(runs: list[SystemScore]) -> list[str]:
    """A sentence for each number of codebooks: a mean over more of them is another loss."""
    numbers = sorted({run.codebooks or 0 for run in runs})
    groups = {number: [run for run in runs if (run.codebooks or 0) == number] for number in numbers}
    return [_loss(group, f" over {counted(n, 'codebook')}" if len(groups) > 1 else "") for n, group in groups.items()]


def _loss(runs: list[SystemScore], over: str) -> str:
    ordered = sorted(runs, key=lambda run: run.test_loss or 0.0)
    ends = [f"{significant(run.test_loss or 0.0)} ({run.system})" for run in (ordered[0], ordered[-1])]
    return f"Loss on {test_clips(runs)}{over}: from {' to '.join(dict.fromkeys(ends))} nats per token."


def _guessing(runs: pd.DataFrame, codes: int) -> str:
    """Is the loss below that of knowing nothing?"""
    guess = guessing(codes)
    parts = []
    for column, clips in (("final_validation_loss", "validation"), ("test_loss", "test")):
        loss = runs[column].astype(float)
        below = int((loss < guess).sum())
        count = {0: "no run is", len(loss): "every run is"}.get(below, f"{below} of {counted(len(loss), 'run')} are")
        parts.append(f"on {clips} clips {count} below it ({significant(loss.min())} to {significant(loss.max())})")
    return (
        f"Guessing among the {codes:,} codes of a codebook costs {significant(guess)} nats per token: at the end of "
        f"training, {' and '.join(parts)}."
    )


def _captions(comparison: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """Does anything follow its caption? Audio that ignores captions scores about zero."""
    if "text_audio" not in set(comparison["metric"]):
        return []
    scores = _scores(comparison, "text_audio").loc[runs["system"]]
    following = list(scores.index[scores["low"] > 0])
    meaning = "an interval of the text–audio score that lies above zero, the value of audio that ignores its caption"
    chance = f"{significant(50 * (1 - scores['confidence'].iloc[0]), 2)} % of runs would by chance"
    if not following:
        return [f"No run has {meaning}: none measurably follows its captions."]
    if len(following) == len(scores):
        return [f"Every run has {meaning} (about {chance})."]
    return [f"{len(following)} of {counted(len(scores), 'run')} have {meaning} (about {chance}): {listed(following)}."]


def _noise(comparison: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    scores = _scores(comparison, "frechet")
    if "noise" not in scores.index:
        return []
    floor = scores.loc["noise"]
    worse = list(scores.loc[runs["system"]].query("value >= @floor.low").index)
    if worse:
        be, lie = ("is", "lies") if len(worse) == 1 else ("are", "lie")
        return [f"By Fréchet distance {listed(worse)} {be} no better than noise, or {lie} beyond it."]
    return [f"Every run’s Fréchet distance lies below that of noise ({significant(floor['value'])})."]


def _training(comparison: pd.DataFrame, runs: pd.DataFrame, metric: str) -> Iterator[str]:
    """Do models beat real music against one reference only? Then that score is about more than music."""
    beating, spans = {}, {}
    for reference in REFERENCES:
        scores = _scores(comparison, metric, reference)
        if "training_codec" not in scores.index:
            return
        models, music = scores["value"].reindex(runs["system"]).dropna(), scores.loc["training_codec"]
        better = models > music["value"] if music["better"] == "higher" else models < music["value"]
        beating[reference] = set(models.index[better])
        low, high = (score_text(metric, models.agg(end)) for end in ("min", "max"))
        spans[reference] = f"{low} to {high} against {score_text(metric, music['value'])}"
    for one, other in (REFERENCES, REFERENCES[::-1]):
        only = [s for s in runs["system"] if s in beating[one] - beating[other]]
        if only:
            who = "every run beats" if len(only) == len(runs) else f"{len(only)} of {counted(len(runs), 'run')} beat"
            yield (
                f"{metric_name(metric)}: {who} training clips through the codec, which are real music, when"
                f" compared with {REFERENCE_NAMES[one]} ({spans[one]}), but not when compared with"
                f" {REFERENCE_NAMES[other]} ({spans[other]}): this score is not about music alone."
            )


def _ceiling(comparison: pd.DataFrame) -> list[str]:
    scores = _scores(comparison, "frechet", "originals")
    if "codec" not in scores.index:
        return []
    loss = scores.loc["codec"]
    return [
        f"The codec alone moves real clips by a Fréchet distance of {significant(loss['value'])}"
        f" ({significant(loss['low'])} to {significant(loss['high'])}) from the originals; a model’s distance to the"
        " originals includes that loss."
    ]


def unequal_compute(comparison: pd.DataFrame) -> Iterator[str]:
    """Budgets of iterations whose runs spent different FLOPs: `120 iterations spent 1.00×10¹² to 2.00×10¹²`."""
    for (kind, amount), runs in runs_by_budget(comparison):
        spent = [run.flops_spent or 0.0 for run in runs]
        if kind == "iterations" and max(spent) > 1.05 * min(spent):
            yield f"{budget_name(kind, amount)} spent {power_of_ten(min(spent))} to {power_of_ten(max(spent))}"
