"""What a study answers to the three claims of the paper: a verdict each, with its effect, interval and p-value.

The claims are that with the same computation a state-space model learns text-to-music better than a Transformer, that
two stages learn better than one, and that a model of a quarter of the size gives up less than its Transformer twin.
Effects are differences of loss on new artists' clips, positive where the claim is right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ssmttm.questions import ATTENTION
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import Efficiency, Loss, LossPair, SystemScore

Claim = Literal["compute", "stages", "size"]
Verdict = Literal["holds", "does not hold", "not told apart here", "not asked here"]

TEST = "test"
"""The split that verdicts are about: artists whom no model has heard."""


@dataclass(frozen=True)
class Effect:
    """A difference in nats per token that is positive where it speaks for its claim."""

    a: str
    b: str
    """The designs; the claim is made for `a`."""
    value: float
    low: float
    high: float
    p: float
    """Adjusted for all pairs of the same question, size and budget."""
    seeds: int
    budget_kind: str | None = None
    budget: float | None = None
    size: str | None = None

    @property
    def under(self) -> tuple[str | None, float | None]:
        """Kind and amount of the budget."""
        return self.budget_kind, self.budget

    def verdict(self, level: float) -> Verdict:
        """What it says of the claim where a p-value below `level` is no chance."""
        if self.p >= level:
            return "not told apart here"
        return "holds" if self.value > 0 else "does not hold"


@dataclass(frozen=True)
class Answer:
    """What a study says of a claim; `effect` is None where no runs ask for it."""

    claim: Claim
    verdict: Verdict
    effect: Effect | None = None
    others: list[Effect] = field(default_factory=list)
    """The same question asked of other designs, also of other layers, and under other budgets."""
    parts: list[Effect] = field(default_factory=list)
    """Of `size`: what each of both gives up, positive where it gives up something."""
    times: Efficiency | None = None
    """How many times fewer FLOPs `effect.a` needs to the loss of `effect.b`."""

    def unsettled(self, level: float) -> list[str]:
        """Further designs that `effect.a` was set against at the same size and budget, and isn't told apart from."""
        first = self.effect
        if first is None:
            return []
        same = [o for o in self.others if (o.a, o.size, o.under) == (first.a, first.size, first.under)]
        return [o.b for o in same if o.p >= level]


@dataclass(frozen=True)
class Loser:
    """A run whose loss is not below that of counted pairs of codes."""

    system: str
    loss: float
    behind: float
    """Nats per token by which it is above."""


def answers(study: Study) -> list[Answer]:
    """An answer to each claim, in the paper's order."""
    level = significance(study.summary["evaluation"]["confidence"])
    losses = [row for row in rows_of(study["losses"], Loss) if row.split == TEST]
    pairs = [row for row in rows_of(study["loss_pairs"], LossPair) if row.split == TEST]
    found = [row for row in rows_of(study["efficiency"], Efficiency) if row.split == TEST]
    return [
        _asked("compute", ("mixer", "layers"), pairs, losses, found, level),
        _asked("stages", ("stages",), pairs, losses, found, level),
        _sizes(pairs, level),
    ]


def significance(confidence: float) -> float:
    """A difference is one where its adjusted p-value is below this."""
    return round(1 - confidence, 12)


def losers(study: Study) -> list[Loser]:
    """The runs that do not beat the bigram on the test split, worst first; none where that was not measured."""
    rows = rows_of(study["losses"], Loss)
    runs = [row for row in rows if row.split == TEST and row.kind == "run"]
    found = [Loser(r.system, r.loss, -r.over_bigram) for r in runs if r.over_bigram is not None and r.over_bigram <= 0]
    return sorted(found, key=lambda loser: -loser.behind)


def leaders(study: Study) -> list[str]:
    """The run of a state-space model with the least loss on the test split, and the Transformer's, if there are any.

    Both have the same size and budget, where runs of both kinds do; budgets of FLOPs come first.
    """
    losses = {row.system: row.loss for row in rows_of(study["losses"], Loss) if row.split == TEST}
    runs: dict[str, SystemScore] = {}
    for row in rows_of(study["comparison"], SystemScore):
        if row.kind == "run":
            runs.setdefault(row.system, row)
    ordered = sorted(runs.values(), key=lambda run: losses.get(run.system, run.test_loss or math.inf))
    ordered.sort(key=lambda run: run.budget_kind != "flops")
    models = [run for run in ordered if run.mixer != ATTENTION]
    transformers = [run for run in ordered if run.mixer == ATTENTION]
    for model in models:
        for other in transformers:
            if (model.size, model.budget_kind, model.budget) == (other.size, other.budget_kind, other.budget):
                return [model.system, other.system]
    return [group[0].system for group in (models, transformers) if group]


def _budget(effect: Effect) -> tuple[bool, float]:
    """Budgets of FLOPs first, the greatest of them first."""
    return effect.budget_kind not in (None, "flops"), -(effect.budget or 0.0)


def _effect(pair: LossPair) -> Effect:
    return Effect(
        a=pair.a,
        b=pair.b,
        value=pair.difference,
        low=pair.low,
        high=pair.high,
        p=pair.adjusted,
        seeds=pair.seeds,
        budget_kind=pair.budget_kind,
        budget=pair.budget,
        size=pair.size,
    )


def _asked(
    claim: Claim,
    questions: Sequence[str],
    pairs: Sequence[LossPair],
    losses: Sequence[Loss],
    found: list[Efficiency],
    level: float,
) -> Answer:
    """By the first pair of the questions.

    The claim can't hold where another one under the same budget says the opposite. First are equal FLOPs, the larger
    size, layers that are alike but for what is asked, and captions as a prefix, as the paper's own design has them.
    """
    prefix = {row.variant for row in losses if row.conditioning == "prefix"}
    layers = {row.variant: row.feedforward for row in losses}
    smaller = {pair.size for pair in pairs if pair.question == "size"}
    effects = [_effect(pair) for pair in pairs if pair.question in questions]
    effects.sort(key=lambda e: (*_budget(e), e.size in smaller, layers.get(e.a) != layers.get(e.b), e.a not in prefix))
    if not effects:
        return Answer(claim, "not asked here")
    first, *others = effects
    verdict = first.verdict(level)
    if verdict == "holds" and any(o.verdict(level) == "does not hold" for o in others if o.under == first.under):
        verdict = "does not hold"
    same = (row for row in found if (row.a, row.b, row.size, row.unit) == (first.a, first.b, first.size, "flops"))
    return Answer(claim, verdict, first, others, times=next(same, None))


def _sizes(pairs: Sequence[LossPair], level: float) -> Answer:
    """What a Transformer gives up with its size, less what its state-space twin does; equal iterations first."""
    given_up = [_effect(pair) for pair in pairs if pair.question == "size"]
    effects = [_effect(pair) for pair in pairs if pair.question == "twins"]
    effects.sort(key=lambda e: (e.budget_kind != "iterations", -(e.budget or 0.0)))
    if not effects:
        return Answer("size", "not asked here", parts=given_up)
    first, *others = effects
    same = [e for e in given_up if (e.under, e.size) == (first.under, first.size)]
    parts = [e for name in (first.a, first.b) for e in same if e.a == name]
    return Answer("size", first.verdict(level), first, others, parts)
