"""What MusicGen cost to train: operations counted from its shape, and the published facts of the small model.

Copet et al. 2023 (arXiv 2306.05284) and audiocraft's configuration: 1,000,000 steps of 192 clips of
30 s at 50 frames a second, 20,000 hours of licensed music.
"""

from typing import NamedTuple

from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.kernels.attention import pairs


class Shape(NamedTuple):
    """A MusicGen decoder."""

    layers: int
    width: int
    hidden: int
    """Of the feed-forward."""
    codebooks: int
    codes: int
    """Per codebook."""


class Training(NamedTuple):
    """How one was trained."""

    steps: int
    batch: int
    frames: int
    """Per clip."""
    hours: float


SMALL = Shape(layers=24, width=1024, hidden=4096, codebooks=4, codes=2048)
SMALL_TRAINING = Training(steps=1_000_000, batch=192, frames=1500, hours=20_000.0)
SMALL_PARAMETERS = 420_371_456
"""Of decoder and caption projection: what was trained."""

PROJECTION = 2 * 768 * SMALL.width
"""FLOPs of the projection of one caption token from T5-base, which is no part of the decoder."""


class Forward(NamedTuple):
    """FLOPs of one forward pass over one clip; a multiply-add counts as two."""

    weights: float
    """Products with parameters: self-attention, queries and output of cross-attention, feed-forward, heads."""
    scores: float
    """Of self-attention, for each step and those before it, as causal kernels compute them."""
    caption: float
    """Keys and values of cross-attention, and its scores, for the caption's tokens."""

    later: float = 0.0
    """Scores of later steps, which published conventions count and kernels leave out; no part of the total."""

    @property
    def total(self) -> float:
        """All that is computed."""
        return self.weights + self.scores + self.caption


def forward(shape: Shape, frames: int, caption_tokens: int = 0) -> Forward:
    """FLOPs of the decoder over `frames` in the delay pattern: frames + codebooks - 1 steps.

    As this project counts its own models: scores for causal pairs, cross-attention's keys and values
    once per caption token; norms, activations, softmax, text encoder and codec not at all.
    """
    steps, d = frames + shape.codebooks - 1, shape.width
    layer = 2 * (6 * d * d + 2 * d * shape.hidden)
    heads = 2 * shape.codebooks * d * shape.codes
    return Forward(
        weights=float(steps * (shape.layers * layer + heads)),
        scores=float(shape.layers * 4 * pairs(steps) * d),
        caption=float(shape.layers * caption_tokens * (4 * d * d + 4 * steps * d)),
        later=float(shape.layers * 4 * (steps**2 - pairs(steps)) * d),
    )


def training_flops(shape: Shape, training: Training, caption_tokens: int = 0) -> float:
    """FLOPs of a whole training: three forward passes per clip."""
    clips = training.steps * training.batch
    return TRAINING_FACTOR * clips * forward(shape, training.frames, caption_tokens).total
