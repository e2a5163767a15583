"""The three answers as the page leads with them: a verdict, a number, and what both rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

from ssmttm.numbers import budget_name, minus, significant
from ssmttm.study.answers import TEST, Answer, Claim, Effect, Loser, Verdict, answers, leaders, losers, significance
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import Loss
from ssmttm.wording import counted

STYLES: dict[Verdict, str] = {
    "holds": "yes",
    "does not hold": "no",
    "not told apart here": "open",
    "not asked here": "none",
}
"""How a verdict looks."""

CLAIMS: dict[Claim, str] = {
    "compute": "A state-space model learns more than a Transformer from the same computation",
    "stages": "Two stages learn more than one from the same computation",
    "size": "At a quarter of the size, a state-space model gives up less than a Transformer",
}

NAMED = 3
"""More runs that lose to the bigram are counted, not named."""


@dataclass(frozen=True)
class Line:
    """A difference in the figure: which designs, and its place on the common axis in per cent."""

    claim: str
    label: str
    note: str
    text: str
    style: str
    left: float
    width: float
    at: float


@dataclass(frozen=True)
class Card:
    """An answer: its words are in the template, by `answer.claim`."""

    answer: Answer
    big: str
    """The one number."""
    unit: str
    style: str

    @property
    def claim(self) -> str:
        """What is claimed."""
        return CLAIMS[self.answer.claim]

    @property
    def line(self) -> str:
        """The answer without the page: claim, verdict, effect with its interval, p-value and seeds."""
        effect = self.answer.effect
        if effect is None:
            return f"{self.claim}: {self.answer.verdict}."
        said = f"{effect.a} against {effect.b}: {nats(effect.value)} nats, {self.interval}; {self.p}; {self.under}"
        return f"{self.claim}: {self.answer.verdict} ({said})."

    @property
    def effect(self) -> Effect:
        """Where runs asked for it."""
        if self.answer.effect is None:
            raise ValueError(f"no runs ask about {self.answer.claim}")
        return self.answer.effect

    @property
    def interval(self) -> str:
        """`0.12 to 0.31`."""
        return f"{nats(self.effect.low)} to {nats(self.effect.high)}"

    @property
    def p(self) -> str:
        """`p < 0.001`."""
        return p_text(self.effect.p)

    @property
    def under(self) -> str:
        """The budget and the seeds."""
        effect, parts = self.effect, []
        if effect.budget_kind is not None and effect.budget is not None:
            parts.append(budget_name(effect.budget_kind, effect.budget))
        return ", ".join([*parts, counted(effect.seeds, "seed")])

    @property
    def bound(self) -> bool:
        """Whether `answer.times` is only the least that it can be."""
        return self.answer.times is not None and self.answer.times.note.startswith("at least")

    @property
    def given_up(self) -> str:
        """What each design gives up with its size: `a 0.12, b 0.40`."""
        return ", ".join(f"{part.a} {nats(part.value)}" for part in self.answer.parts)


class Answers:
    """What the top of the page says of one study."""

    def __init__(self, study: Study) -> None:
        found = answers(study)
        self.level = significance(study.summary["evaluation"]["confidence"])
        self.cards = [_card(answer) for answer in found]
        self.lines = lines(found, self.level)
        self.zero = _zero(found)
        self.leaders = leaders(study)
        self.losers = losers(study)
        rows = [row for row in rows_of(study["losses"], Loss) if row.split == TEST]
        self.measured = bool(rows)
        self.tracks, self.artists = (max((getattr(r, k) for r in rows), default=0) for k in ("tracks", "artists"))
        rates = {spec["training"]["learning_rate"] for spec in study.specs.values()}
        self.one_rate = rates.pop() if len(rates) == 1 and len(study.specs) > 1 else None
        self.bigram = next((row.loss for row in rows if row.system == "bigram"), None)

    @property
    def flagged(self) -> str:
        """The runs that lose to the bigram, worst first: `a (by 0.31 nats) and 2 more`."""
        named = [_behind(loser) for loser in self.losers[:NAMED]]
        more = len(self.losers) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")


def nats(value: float) -> str:
    """A difference of losses with two decimals: below these there is nothing to see."""
    return minus(f"{value:.2f}")


def p_text(p: float) -> str:
    """`p = 0.03`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {significant(p, 2)}"


def _behind(loser: Loser) -> str:
    return f"{loser.system} (by {nats(loser.behind)} nats)"


def _card(answer: Answer) -> Card:
    """The big number: how many times fewer FLOPs, where the verdict rests on that, or else nats."""
    effect, times, style = answer.effect, answer.times, STYLES[answer.verdict]
    if effect is None:
        return Card(answer, "", "", style)
    if times is not None and times.times is not None and answer.verdict == "holds":
        sign = "≥ " if times.note.startswith("at least") else ""
        return Card(answer, f"{sign}{significant(times.times, 2)}×", "fewer FLOPs", style)
    words = {"size": ("less given up", "more given up")}.get(answer.claim, ("lower loss", "higher loss"))
    unit = f"nats {words[0] if effect.value >= 0 else words[1]}"
    return Card(answer, nats(abs(effect.value)), unit, style)


def lines(found: Sequence[Answer], level: float) -> list[Line]:
    """The differences of all answers on one axis, in the order of the claims."""
    effects = [(answer, effect) for answer in found for effect in _drawn(answer)]
    if not effects:
        return []
    low, high = _axis(found)

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    return [
        Line(
            claim=answer.claim,
            label=f"{effect.a} against {effect.b}",
            note=_note(answer, effect),
            text=f"{nats(effect.value)} ({nats(effect.low)} to {nats(effect.high)})",
            style=STYLES[effect.verdict(level)],
            left=at(effect.low),
            width=max(round(at(effect.high) - at(effect.low), 2), 0.6),
            at=at(effect.value),
        )
        for answer, effect in effects
    ]


def _drawn(answer: Answer) -> list[Effect]:
    """The effect of the verdict, and the others under its budget."""
    first = answer.effect
    if first is None:
        return []
    return [first, *(e for e in answer.others if e.under == first.under)]


def _axis(found: Sequence[Answer]) -> tuple[float, float]:
    """From the least end to the greatest, with zero in it."""
    ends = [end for answer in found for e in _drawn(answer) for end in (e.low, e.high)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _zero(found: Sequence[Answer]) -> float:
    low, high = _axis(found)
    return round(-100 * low / (high - low), 2)


def _note(answer: Answer, effect: Effect) -> str:
    """What the difference is of, and the budget."""
    parts = ["given up from base to quarter"] if answer.claim == "size" else []
    if effect.budget_kind is not None and effect.budget is not None:
        parts.append(budget_name(effect.budget_kind, effect.budget))
    return ", ".join(parts)
