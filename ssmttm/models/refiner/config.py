"""What a refiner is made of, as one immutable record."""

from dataclasses import dataclass

from ssmttm.settings import RefinerSpec


@dataclass(frozen=True)
class RefinerConfig:
    """Everything that determines the architecture and its parameter count."""

    backbone: str  # file of ssmttm.models.refiner.backbones
    objective: str  # file of ssmttm.models.refiner.objectives
    levels: int  # K: levels 2 to K are refined
    d_model: int
    layers: int
    d_state: int
    d_conv: int
    expand: int
    head_dim: int
    chunk: int
    attention_heads: int
    feedforward_factor: int
    dropout: float
    jitter: float  # standard deviation of the noise on level 1 in training, over that of level 1
    window: int  # frames of a training crop, and of a window of sampling
    overlap: int  # frames that a window shares with the one before
    codebook_size: int
    text_width: int
    given: int  # channels C1 of level 1's latents
    refined: int  # channels C2 of those of levels 2 to K

    @classmethod
    def from_spec(cls, spec: RefinerSpec, text_width: int, given: int, refined: int) -> "RefinerConfig":
        """From a refiner's spec, and the widths of text encoder and latents; ValueError for sizes that don't fit."""
        config = cls(
            **spec["refiner"],
            codebook_size=spec["data"]["codec"]["codebook_size"],
            text_width=text_width,
            given=given,
            refined=refined,
        )
        if config.levels < 2:
            raise ValueError(f"levels is {config.levels}: level 1 is given, so a refiner needs 2 or more")
        if not 0 <= config.overlap < config.window:
            raise ValueError(f"overlap {config.overlap} must be 0 or more, and less than window {config.window}")
        return config
