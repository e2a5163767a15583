"""Which designs a study's questions set against each other. No torch: a run table is checked by it before training."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Literal

from ssmttm.errors import UserError

Question = Literal["mixer", "layers", "conditioning", "stages", "size"]

QUESTIONS: dict[Question, str] = {
    "mixer": "a state-space model against a Transformer, with the same conditioning and the same other layers",
    "layers": "a state-space model against a Transformer of other feed-forward layers, with the same conditioning",
    "conditioning": "captions as a prefix against captions by cross-attention, with the same layers",
    "stages": "two stages against one, with the same layers, under the same budget in all",
    "size": "the larger size of a design against a smaller one",
}
ATTENTION = "attention"
"""The mixer of a Transformer; every other one is a state-space model's."""


@dataclass(frozen=True)
class Design:
    """What a run is, less its seed."""

    name: str
    """Of its variant, or of the run where settings outside of the run table set it apart."""
    mixer: str
    feedforward: str
    conditioning: str
    hybrid: bool
    """Whether some layers have another mixer: then it is neither of two mixers."""
    size: str
    scale: float
    """What orders sizes: the more, the larger."""
    budget: tuple[str, float]
    """Kind and amount, of all stages together."""
    stages: int
    ablation: bool = False
    """Whether settings outside of the run table set it apart from the design of its variant."""

    @property
    def layers(self) -> tuple[str, str, str, bool]:
        """What its blocks are made of."""
        return self.mixer, self.feedforward, self.conditioning, self.hybrid

    @property
    def place(self) -> tuple[str, tuple[str, float], int]:
        """What designs of one size have in common where they are compared."""
        return self.size, self.budget, self.stages


@dataclass(frozen=True)
class Pair:
    """Design `a` against design `b`."""

    question: Question
    a: Design
    b: Design


def pairs(designs: Iterable[Design]) -> list[Pair]:
    """All pairs that a question asks for, question by question, in the order of `designs`.

    `a` is the state-space model (`mixer`, `layers`), the prefix (`conditioning`), the one of two stages, or the larger
    size.
    """
    found = list(dict.fromkeys(designs))
    return [
        *(Pair("mixer", *pair) for pair in permutations(found, 2) if _mixer(*pair) and _alike(*pair)),
        *(Pair("layers", *pair) for pair in permutations(found, 2) if _mixer(*pair) and not _alike(*pair)),
        *(Pair("conditioning", *pair) for pair in permutations(found, 2) if _conditioning(*pair)),
        *(Pair("stages", *pair) for pair in permutations(found, 2) if _stages(*pair)),
        *(Pair("size", *pair) for pair in permutations(found, 2) if _size(*pair)),
    ]


def _mixer(a: Design, b: Design) -> bool:
    pure = not (a.hybrid or b.hybrid)
    return pure and a.place == b.place and a.mixer != ATTENTION == b.mixer and a.conditioning == b.conditioning


def _alike(a: Design, b: Design) -> bool:
    return a.feedforward == b.feedforward


def _conditioning(a: Design, b: Design) -> bool:
    same = (a.mixer, a.feedforward, a.hybrid) == (b.mixer, b.feedforward, b.hybrid)
    return same and a.place == b.place and (a.conditioning, b.conditioning) == ("prefix", "cross")


def _stages(a: Design, b: Design) -> bool:
    return a.layers == b.layers and a.size == b.size and a.budget == b.budget and (a.stages, b.stages) == (2, 1)


def _size(a: Design, b: Design) -> bool:
    same = a.name == b.name and a.layers == b.layers and (a.budget, a.stages) == (b.budget, b.stages)
    return same and a.scale > b.scale


def twins(found: Sequence[Pair]) -> list[tuple[Pair, Pair]]:
    """Pairs of `size`, of a state-space model and of a Transformer, that are conditioned alike and shrink alike."""
    sizes = [pair for pair in found if pair.question == "size"]
    alike = [(one, other) for one, other in combinations(sizes, 2) if _twins(one, other)]
    return [(one, other) if other.a.mixer == ATTENTION else (other, one) for one, other in alike]


def _twins(one: Pair, other: Pair) -> bool:
    mixers = (one.a.mixer == ATTENTION) != (other.a.mixer == ATTENTION) and not (one.a.hybrid or other.a.hybrid)
    return (
        mixers
        and one.a.conditioning == other.a.conditioning
        and (one.a.place, one.b.place) == (other.a.place, other.b.place)
    )


def check_seeds(asked: Iterable[Pair], seeds: dict[Design, set[int]], where: str) -> None:
    """Refuse pairs of the question `mixer`, which the headline is of, whose designs have other seeds: UserError.

    Ablations are compared over the seeds that they have in common with others.
    """
    for pair in asked:
        one, other = seeds[pair.a], seeds[pair.b]
        headline = pair.question == "mixer" and not (pair.a.ablation or pair.b.ablation)
        if headline and one != other:
            kind, amount = pair.a.budget
            raise UserError(
                f"{where}: {pair.a.name} has seeds {_text(one)} and {pair.b.name} has seeds {_text(other)} (size "
                f"{pair.a.size}, {kind} {amount:g}), but they are compared seed by seed; give both the same"
            )


def _text(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
