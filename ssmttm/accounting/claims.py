"""The paper's "9 % of the FLOPs, 2 % of the data" of MusicGen-small, by three ways of counting.

arXiv 2601.14786 states both shares and not how they were counted. FLOPs are counted by this
project's own formulas and by two published conventions: 6 × parameters × tokens (Kaplan et al. 2020,
arXiv 2001.08361; Hoffmann et al. 2022, arXiv 2203.15556), and layer by layer with all attention
scores (appendix F of the latter), which has no term for a state-space scan.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from ssmttm.accounting.musicgen import PROJECTION, SMALL, SMALL_PARAMETERS, SMALL_TRAINING, forward
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.numbers import power_of_ten

CLAIMS = {"flops": 0.09, "data": 0.02}
"""What the paper states, to one digit: a share agrees that rounds to it."""

OWN = "own count"
MUSICGEN = "MusicGen-small"
NOMINAL = 300e6
"""Parameters by MusicGen-small's name; 24 layers of 12 d² are 302 million, without cross-attention."""

BOTH = "own count, both stages"

PAPERS_REFINERS = ((1_235_500_000, 114_000), (1_235_600_000, 112_000))
"""Parameters and optimizer steps of the two U-Nets of DiscoDiff, the paper's second stage, as it was published."""

PAPERS_CROPS = 256 * 2320
"""Frames of one of their optimizer steps."""

NOT_COUNTED = {
    "the paper’s second stage": "Two diffusion U-Nets of 1.24 billion parameters each, which the paper’s 9 % leave out."
    " By 6 × parameters × frames they would have taken"
    f" {power_of_ten(sum(6.0 * count * steps * PAPERS_CROPS for count, steps in PAPERS_REFINERS))} FLOPs, more than"
    " MusicGen-small in all; that is an upper bound, since a U-Net’s deeper layers see fewer frames."
    " In their place this project trains one refiner, which is counted in both stages.",
    "text encoder, codec and data": "The frozen text encoder and codec, the captioning model and the voice separation"
    " run forward only, once per clip or caption, and are part of neither side’s training.",
}


@dataclass(frozen=True)
class Side:
    """A model and its training."""

    name: str
    parameters: int
    clips: int
    """Clips seen in training: steps times batch."""
    hours: float
    """Hours of music in the training set."""
    steps: int
    """Audio steps of one clip's sequence."""
    forward: float
    """FLOPs over one clip and its caption, as the project counts its own models."""
    scan: float = 0.0
    """Of them those of state-space scans and their convolutions."""
    later: float = 0.0
    """FLOPs of scores for later frames, which published conventions count and causal kernels leave out."""
    refiner: "CountedRefiner | None" = None
    """What completes its codes, if it makes those of level 1 alone."""

    @property
    def flops(self) -> float:
        """Of the whole training of the language model, by the project's own count."""
        return TRAINING_FACTOR * self.clips * self.forward


def musicgen_small(caption_tokens: int) -> Side:
    """MusicGen-small as it was published, with captions of so many tokens."""
    clips, frames = SMALL_TRAINING.steps * SMALL_TRAINING.batch, SMALL_TRAINING.frames
    counted, steps = forward(SMALL, frames, caption_tokens), frames + SMALL.codebooks - 1
    flops = counted.total + caption_tokens * PROJECTION
    return Side(MUSICGEN, SMALL_PARAMETERS, clips, SMALL_TRAINING.hours, steps, flops, later=counted.later)


class Share(TypedDict):
    """The share of MusicGen-small's FLOPs or data that a design takes, by one way of counting."""

    design: str
    quantity: str
    """data or flops."""
    counting: str
    meaning: str
    """A sentence."""
    ours: float
    theirs: float
    unit: str
    ratio: float
    claim: float
    agrees: bool
    own: bool
    """Counted by the models' own `flops`, as budgets are spent."""


class ClaimSettings(TypedDict):
    """Which designs are counted."""

    preset: str
    size: str
    budget: str
    variants: list[str]
    hours: float
    """Of training music."""
    refiner: str | None
    """The second stage of all of them; None if they have none."""


class CountedRefiner(TypedDict):
    """A second stage and its training, as they were counted."""

    refiner: str
    parameters: int
    optimizer_steps: int
    batch: int
    flops: float


class CountedDesign(TypedDict):
    """A design and its training, as they were counted."""

    design: str
    size: str
    layers: int
    parameters: int
    optimizer_steps: int
    batch: int
    clips: int
    seconds: float
    frames: int
    text_tokens: int
    flops: float


class ClaimCounts(TypedDict):
    """What claims.json says."""

    spec: ClaimSettings
    claims: dict[str, float]
    reference: dict[str, str | float]
    """MusicGen-small."""
    designs: list[CountedDesign]
    refiner: CountedRefiner | None
    rows: list[Share]
    not_counted: dict[str, str]
    """Reasons, by name."""


def shares(ours: Side, theirs: Side) -> list[Share]:
    """The shares of `theirs` that `ours` takes, this project's own count of the FLOPs first."""
    return [
        {
            "design": ours.name,
            "quantity": quantity,
            "counting": counting,
            "meaning": meaning,
            "ours": a,
            "theirs": b,
            "unit": unit,
            "ratio": a / b,
            "claim": CLAIMS[quantity],
            "agrees": agrees(a / b, CLAIMS[quantity]),
            "own": counting == OWN,
        }
        for quantity, counting, meaning, a, b, unit in (*_flops(ours, theirs), *_data(ours, theirs))
    ]


def agrees(ratio: float, claim: float) -> bool:
    """Does `ratio` round to the claim, which is stated in whole per cent?"""
    return round(100 * ratio) == round(100 * claim)


_Count = tuple[str, str, str, float, float, str]
"""Quantity, counting, meaning, ours, theirs, unit."""


def _flops(ours: Side, theirs: Side) -> Iterator[_Count]:
    own = "3 × the forward pass: products with weights, scores of earlier frames, scans in chunks, the caption."
    yield "flops", OWN, own, ours.flops, theirs.flops, "FLOP"
    if ours.refiner is not None:
        both = f"As the own count, with the refiner’s {ours.refiner['parameters']:,} parameters and their training."
        yield "flops", BOTH, both, ours.flops + ours.refiner["flops"], theirs.flops, "FLOP"
    a, b = (TRAINING_FACTOR * side.clips * (side.forward - side.scan + side.later) for side in (ours, theirs))
    layers = "As the own count, with attention scores for all pairs, and without scans and their convolutions."
    yield "flops", "layer by layer", layers, a, b, "FLOP"
    for name, parameters in (("parameters", theirs.parameters), (f"{NOMINAL / 1e6:.0f} M", NOMINAL)):
        meaning = f"6 × {ours.parameters:,} or, for {theirs.name}, {parameters:,.0f} parameters × audio steps seen."
        a, b = 6 * ours.parameters * ours.clips * ours.steps, 6 * parameters * theirs.clips * theirs.steps
        yield "flops", f"6 × {name} × tokens", meaning, a, b, "FLOP"


def _data(ours: Side, theirs: Side) -> Iterator[_Count]:
    yield "data", "hours", "Hours of music in the training set.", ours.hours, theirs.hours, "h"
    clips = "Clips seen in training, repeats included: optimizer steps times batch."
    yield "data", "clips seen", clips, ours.clips, theirs.clips, "clips"
    tokens = "Audio steps seen in training, repeats included."
    yield "data", "tokens seen", tokens, ours.clips * ours.steps, theirs.clips * theirs.steps, "steps"
