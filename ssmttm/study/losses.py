"""The tables of losses on held-out clips: each system's, and pairs of designs that a question asks for.

A loss is the negative log-likelihood in nats per code of level 1, which every system predicts. Means, intervals and
p-values are over tracks within artists, and over seeds where there are several (`ssmttm.statistics.clustered`); a pair
is taken clip by clip and seed by seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ssmttm.questions import QUESTIONS, Design, Pair, check_seeds, pairs, twins
from ssmttm.statistics.clustered import Estimate, estimate
from ssmttm.statistics.paired import holm
from ssmttm.study.frames import frame_of
from ssmttm.study.likelihoods import Likelihoods, Replicated, Split, replicated
from ssmttm.study.trained import Trained
from ssmttm.study_rows import Loss, LossPair

BIGRAM = "bigram"
"""The trivial system that every run has to beat."""


def losses(runs: Sequence[Trained], trivial: Sequence[str], held: Likelihoods, confidence: float) -> pd.DataFrame:
    """The table `losses`: a row per system and split, runs first, both in their order."""
    rows = []
    for split in held.splits:
        for trained in runs:
            model, run = trained.manifest, trained.run
            row = _row(run.system, "run", held, split, confidence)
            rows.append(
                replace(
                    row,
                    variant=model["spec"]["variant"]["name"],
                    mixer=run.mixer,
                    feedforward=run.feedforward,
                    conditioning=run.conditioning,
                    size=run.size,
                    stages=run.stages,
                    seed=run.seed,
                    budget_kind=run.budget_kind,
                    budget=run.budget,
                    flops=model["flops_spent"],
                    steps=model["steps"],
                    seconds=model["seconds"],
                )
            )
        rows += [_row(name, "trivial", held, split, confidence) for name in trivial]
    return frame_of(rows, "losses")


def _row(system: str, kind: str, held: Likelihoods, split: Split, confidence: float) -> Loss:
    """What the likelihoods alone say."""
    own = held.of(system, split)
    assert own is not None  # checked when they were read
    whole = estimate(split.means(own), confidence)
    levels = int(held.by_system[system]["levels"].iloc[0])
    every = held.of(system, split, "own")
    gains: dict[str, Any] = {}
    against = {"other_gain": held.of(system, split, "first_other"), "null_gain": held.of(system, split, "first_null")}
    if BIGRAM in held.by_system and system != BIGRAM:
        against["over_bigram"] = held.of(BIGRAM, split)
    for name, values in against.items():
        if values is not None:
            found = estimate(split.means(values - own), confidence)
            gains |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    return Loss(
        system=system,
        kind=kind,  # type: ignore[arg-type]
        split=split.name,
        loss=whole.mean,
        low=whole.low,
        high=whole.high,
        clips=len(split.clip_ids),
        tracks=len(set(split.tracks)),
        artists=len(set(split.artists)),
        levels=levels if levels > 1 else None,
        all_levels=split.means(every).mean if levels > 1 and every is not None else None,
        **gains,
    )


def loss_pairs(runs: Sequence[Trained], held: Likelihoods, confidence: float, where: str = "the study") -> pd.DataFrame:
    """The table `loss_pairs`: the pairs of each question, and `twins`; of each split by itself.

    `adjusted` is Holm's, over the pairs of one question of one size, under one budget, on one split.
    Pairs without a seed in common have no row, nor has any on a split of a single track. UserError for other seeds in
    a pair of the question `mixer`.
    """
    by_design = {one.design: one for one in replicated(runs)}
    asked = pairs(by_design)
    check_seeds(asked, {design: set(one.runs) for design, one in by_design.items()}, where)
    rows: list[LossPair] = []
    for split in held.splits:
        for question in QUESTIONS:
            rows += _adjusted(
                _of_question([p for p in asked if p.question == question], by_design, held, split, confidence),
                confidence,
            )
        rows += _adjusted(_of_twins(asked, by_design, held, split, confidence), confidence)
    return frame_of(rows, "loss_pairs")


def shared_seeds(*designs: Replicated) -> list[int]:
    """Seeds that all of them were trained with."""
    return sorted(set.intersection(*(set(one.runs) for one in designs)))


def _of_question(
    asked: Sequence[Pair], designs: Mapping[Design, Replicated], held: Likelihoods, split: Split, confidence: float
) -> Iterator[LossPair]:
    for pair in asked:
        a, b = designs[pair.a], designs[pair.b]
        seeds = shared_seeds(a, b)
        if seeds:
            difference = b.losses(held, split, seeds) - a.losses(held, split, seeds)
            yield from _pair(pair.question, pair, difference, split, confidence)


def _of_twins(
    asked: Sequence[Pair], designs: Mapping[Design, Replicated], held: Likelihoods, split: Split, confidence: float
) -> Iterator[LossPair]:
    """What a Transformer gives up with its size, less what its state-space twin does."""
    for one, other in twins(asked):
        four = [designs[design] for design in (other.b, other.a, one.b, one.a)]
        seeds = shared_seeds(*four)
        if seeds:
            less, more, small, large = (design.losses(held, split, seeds) for design in four)
            named = Pair("size", replace(one.b, name=one.a.name), replace(other.b, name=other.a.name))
            yield from _pair("twins", named, (less - more) - (small - large), split, confidence)


def _pair(question: str, pair: Pair, difference: np.ndarray, split: Split, confidence: float) -> Iterator[LossPair]:
    """A row from differences `[seeds, clips]`; none where there is one cluster only."""
    found: Estimate = estimate(split.means(difference), confidence)
    if found.low is None or found.high is None or found.p_value is None:
        return
    smaller = pair.a if pair.a.scale < pair.b.scale else pair.b
    yield LossPair(
        question=question,
        a=pair.a.name,
        b=pair.b.name,
        size=smaller.size,
        budget_kind=pair.a.budget[0],
        budget=pair.a.budget[1],
        split=split.name,
        seeds=found.seeds,
        difference=found.mean,
        low=found.low,
        high=found.high,
        p=found.p_value,
        adjusted=found.p_value,
        verdict="not told apart",
    )


def _adjusted(rows: Iterator[LossPair], confidence: float) -> Iterator[LossPair]:
    """The rows of one question with Holm's p-values, by size and budget, and the verdicts that follow."""
    found = list(rows)
    families: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(found):
        families.setdefault((row.size, row.budget_kind, row.budget), []).append(number)
    for family in families.values():
        for number, p in zip(family, holm([found[i].p for i in family]), strict=True):
            better = "a is better" if found[number].difference > 0 else "b is better"
            verdict = better if p < 1 - confidence else "not told apart"
            found[number] = replace(found[number], adjusted=float(p), verdict=verdict)  # type: ignore[arg-type]
    yield from found
