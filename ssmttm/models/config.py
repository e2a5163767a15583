"""What a language model is made of, as one immutable record."""

from dataclasses import dataclass

from ssmttm.settings import RunSpec


@dataclass(frozen=True)
class ModelConfig:
    """Everything that determines the architecture and its parameter count."""

    mixer: str  # file of ssmttm.models.mixers, except in attention_layers
    feedforward: str  # none, gelu
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
