"""What the numbers say and what they don't, in sentences computed from the numbers."""

from typing import Any

import pandas as pd

from ssmttm.numbers import (
    REFERENCE_NAMES,
    budget_name,
    listed,
    metric_name,
    plural,
    power_of_ten,
    score_text,
    significant,
)
from ssmttm.report.figures.curves import guessing
from ssmttm.report.scoreboard import REFERENCES, run_facts
from ssmttm.report.verdicts import level, told_apart

REFERENCE = "codec"
"""Findings compare with codec reconstructions: no model can do better than its codec."""


def study_sentence(runs: pd.DataFrame, corpus: dict[str, Any], prompts: int) -> str:
    """The study in one sentence."""
    variants = list(dict.fromkeys(runs["variant"]))
    budgets = [budget_name(k, a) for k, a in dict.fromkeys(zip(runs["budget_kind"], runs["budget"], strict=True))]
    train = next(s for s in corpus["splits"] if s["split"] == "train")
    sizes = runs.groupby("variant")["parameters"].nunique().max()
    return (
        f"{plural(len(variants), 'design')} ({listed(variants)}) trained in {plural(len(runs), 'run')}"
        f" at {plural(int(sizes), 'size')}, each under a budget of {' or '.join(budgets)},"
        f" on {significant(train['minutes'])} minutes of openly licensed music"
        f" ({plural(train['clips'], 'clip')} of {corpus['clip_seconds']:g} s),"
        f" with {plural(runs['seed'].nunique(), 'seed')},"
        f" and judged on {plural(prompts, 'held-out caption')}."
    )


def says(comparison: pd.DataFrame, differences: pd.DataFrame, codes: int) -> list[dict[str, Any]]:
    """What the numbers say, as headings with lines: the leaders per budget, then floor and ceiling.

    `comparison` is the rows of the main table: a metric has one embedder. `differences` are those
    between runs of one budget, `codes` the codes of a codebook.
    """
    runs, metrics = run_facts(comparison), list(dict.fromkeys(comparison["metric"]))
    found = []
    for (kind, amount), group in runs.groupby(["budget_kind", "budget"], sort=False):
        if len(group) > 1:
            same = differences[(differences["budget_kind"] == kind) & (differences["budget"] == amount)]
            lines = [_leader(comparison, group, metric, same) for metric in metrics]
            found.append({"heading": f"Under {budget_name(kind, amount)}", "lines": [*lines, _loss(group)]})
    bounds = [_guessing(runs, codes), *_captions(comparison, runs), *_noise(comparison, runs)]
    bounds += [line for metric in metrics for line in _training(comparison, runs, metric)]
    return [*found, {"heading": "Against floor and ceiling", "lines": [*bounds, *_ceiling(comparison)]}]


def _scores(comparison: pd.DataFrame, metric: str, reference: str = REFERENCE) -> pd.DataFrame:
    rows = comparison[(comparison["metric"] == metric) & (comparison["reference"] == reference)]
    return rows.set_index("system")


def _leader(comparison: pd.DataFrame, group: pd.DataFrame, metric: str, differences: pd.DataFrame) -> str:
    scores = _scores(comparison, metric)
    scores = scores.loc[[s for s in group["system"] if s in scores.index]]
    higher = scores["better"].iloc[0] == "higher"
    best = scores["value"].idxmax() if higher else scores["value"].idxmin()
    top = scores.loc[best]
    value, low, high = (score_text(metric, top[k]) for k in ("value", "low", "high"))
    sentence = f"{metric_name(metric)}: {best} is {'highest' if higher else 'lowest'} with {value} ({low} to {high}). "
    kind = [metric, REFERENCE, top["embedder"]]
    same = (differences[["metric", "reference", "embedder"]] == kind).all(axis=1)
    pairs = differences[same & differences["p_adjusted"].notna()]
    others = [s for s in scores.index if s != best]
    own = {row.b if row.a == best else row.a: row for row in pairs.itertuples() if best in (row.a, row.b)}
    if not set(others) <= set(own):
        return sentence + "Its lead was not tested."
    apart = [s for s in others if told_apart(own[s])]
    least = min(own[s].p_adjusted for s in others)
    below = level(pairs["confidence"].iloc[0])
    test = f"paired by caption, adjusted for {plural(len(pairs), 'pair')}"
    if not apart:
        return sentence + f"It is not told apart from any other run ({test}: least p {significant(least, 2)})."
    rest = [s for s in others if s not in apart]
    told = f"It is told apart from {listed(apart) if rest else 'every other run'} ({test}: p below {below:g})"
    return sentence + told + (f", not from {listed(rest)}." if rest else ".")


def _loss(group: pd.DataFrame) -> str:
    ordered = group.sort_values("test_loss")
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    return (
        f"Loss on {_test_clips(group)}: from {significant(best['test_loss'])} ({best['system']})"
        f" to {significant(worst['test_loss'])} ({worst['system']}) nats per token."
    )


def _test_clips(runs: pd.DataFrame) -> str:
    """`all 105 test clips`."""
    return f"all {' or '.join(f'{n:,.0f}' for n in sorted(set(runs['test_clips'])))} test clips"


def _guessing(runs: pd.DataFrame, codes: int) -> str:
    """Is the loss below that of knowing nothing?"""
    guess = guessing(codes)
    said = []
    for column, clips in (("final_validation_loss", "validation"), ("test_loss", "test")):
        loss = runs[column].astype(float)
        below = int((loss < guess).sum())
        count = {0: "no run is", len(loss): "every run is"}.get(below, f"{below} of {plural(len(loss), 'run')} are")
        said.append(f"on {clips} clips {count} below it ({significant(loss.min())} to {significant(loss.max())})")
    return (
        f"Guessing among the {codes:,} codes of a codebook costs {significant(guess)} nats per token: at the end of "
        f"training, {' and '.join(said)}."
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
    return [f"{len(following)} of {plural(len(scores), 'run')} have {meaning} (about {chance}): {listed(following)}."]


def _noise(comparison: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    scores = _scores(comparison, "frechet")
    if "noise" not in scores.index:
        return []
    floor = scores.loc["noise"]
    worse = list(scores.loc[runs["system"]].query("value >= @floor.low").index)
    if worse:
        return [f"By Fréchet distance {listed(worse)} can’t be told from noise or lies beyond it."]
    return [f"Every run’s Fréchet distance lies below that of noise ({significant(floor['value'])})."]


def _training(comparison: pd.DataFrame, runs: pd.DataFrame, metric: str) -> list[str]:
    """Do models beat real music against one reference only? Then that score is about more than music."""
    beaten, told = {}, {}
    for reference in REFERENCES:
        scores = _scores(comparison, metric, reference)
        if "training" not in scores.index:
            return []
        models, music = scores["value"].reindex(runs["system"]).dropna(), scores.loc["training"]
        better = models > music["value"] if music["better"] == "higher" else models < music["value"]
        beaten[reference] = set(models.index[better])
        low, high = (score_text(metric, models.agg(end)) for end in ("min", "max"))
        told[reference] = f"{low} to {high} against {score_text(metric, music['value'])}"
    found = []
    for one, other in (REFERENCES, REFERENCES[::-1]):
        turned = [s for s in runs["system"] if s in beaten[one] - beaten[other]]
        if turned:
            every = len(turned) == len(runs)
            who = "every run beats" if every else f"{len(turned)} of {plural(len(runs), 'run')} beat"
            found.append(
                f"{metric_name(metric)}: {who} training clips through the codec, which are real music, when"
                f" compared with {REFERENCE_NAMES[one]} ({told[one]}), but not when compared with"
                f" {REFERENCE_NAMES[other]} ({told[other]}): this score is not about music alone."
            )
    return found


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


def says_not(comparison: pd.DataFrame, corpus: dict[str, Any], embedders: list[str]) -> list[str]:
    """What the numbers don't say."""
    runs = run_facts(comparison)
    train = next(s for s in corpus["splits"] if s["split"] == "train")
    clips = int(runs["n"].min())
    seeds = runs["seed"].nunique()
    found = []
    if seeds == 1:
        found.append(
            "One seed per run: the intervals cover which captions were drawn, not how a run would differ under "
            "another seed. A ranking needs several."
        )
    found.append(
        f"{plural(clips, 'caption')} and {significant(train['minutes'])} minutes of training music from"
        f" {plural(train['artists'], 'artist')}: the results hold for this corpus and size. They don’t"
        " show how the designs rank with more music or more parameters."
    )
    found += _equal_steps(runs)
    found.append(
        "The Fréchet distance grows as clips get fewer. Its values here are comparable with one another, not with "
        "published ones, which come from other embeddings and more clips."
    )
    if embedders == ["musicnn"]:
        found.append(
            "One tagger, musicnn, helped to write the captions and gives the embeddings and posteriors behind "
            "every score: what it doesn’t hear, no score here sees. It flatters real clips’ text–audio score."
        )
    found.append(
        "No listening test was made, and no score here stands for human judgment. The players below let you listen."
    )
    return found


def _equal_steps(runs: pd.DataFrame) -> list[str]:
    found = []
    for amount, group in runs[runs["budget_kind"] == "iterations"].groupby("budget"):
        low, high = group["flops_spent"].min(), group["flops_spent"].max()
        if high > 1.05 * low:
            found.append(
                f"Equal iterations are not equal compute: runs of {budget_name('iterations', amount)} spent"
                f" {power_of_ten(low)} to {power_of_ten(high)} FLOPs."
            )
    return found
