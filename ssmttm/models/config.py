"""What a language model is made of, as one immutable record."""

from dataclasses import dataclass
from typing import Protocol

from ssmttm.settings import RunSpec


class Shape(Protocol):
    """What parts of a block are sized by, in a language model or in a refiner."""

    @property
    def d_model(self) -> int:
        """Width between blocks."""

    @property
    def d_state(self) -> int:
        """Numbers of state per channel of a state-space mixer."""

    @property
    def d_conv(self) -> int:
        """Frames of its convolution."""

    @property
    def expand(self) -> int:
        """Its inner width over `d_model`."""

    @property
    def head_dim(self) -> int:
        """Channels of its heads."""

    @property
    def chunk(self) -> int:
        """Frames per block of its scan; speed only."""

    @property
    def attention_heads(self) -> int:
        """Heads of attention."""

    @property
    def feedforward_factor(self) -> int:
        """Hidden width of feed-forward layers over `d_model`."""

    @property
    def dropout(self) -> float:
        """Share of activations that is dropped in training."""


@dataclass(frozen=True)
class ModelConfig:
    """Everything that determines the architecture and its parameter count."""

    mixer: str  # file of ssmttm.models.mixers, except in attention_layers
    feedforward: str  # none, gelu, swiglu
    conditioning: str  # prefix, cross
    layers: int
    d_model: int
    d_state: int
    d_conv: int
    expand: int
    head_dim: int
    chunk: int
    attention_heads: int
    feedforward_factor: int
    dropout: float
    final_norm: bool
    codebooks: int
    codebook_size: int
    text_width: int
    attention_layers: tuple[int, ...] = ()  # layers, from 1, whose mixer is attention
    positions: str = "sinusoidal"  # added to inputs; or rotary: of self-attention's queries and keys
    qk_norm: bool = False  # norm of queries and keys, of self- and cross-attention

    def __post_init__(self) -> None:
        """What JSON gives back as a list is a tuple again."""
        object.__setattr__(self, "attention_layers", tuple(self.attention_layers))

    @classmethod
    def from_spec(cls, spec: RunSpec, text_width: int) -> "ModelConfig":
        """From a run's spec (`ssmttm.spec.run_spec`) and the width of the text encoder."""
        variant = spec["variant"]
        return cls(
            mixer=variant["mixer"],
            feedforward=variant["feedforward"],
            conditioning=variant["conditioning"],
            attention_layers=tuple(variant["attention_layers"]),
            **spec["model"],
            codebook_size=spec["data"]["codec"]["codebook_size"],
            text_width=text_width,
        )

    def mixer_of(self, layer: int) -> str:
        """The mixer of layer `layer`, counted from 1."""
        return "attention" if layer in self.attention_layers else self.mixer
