"""A refiner: codes of level 1 as clean channels and a caption in, what levels 2 to K stand for out."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm import plugins
from ssmttm.models.conditioning import CaptionCondition
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import number_sites
from ssmttm.models.refiner.adaptive import TimeEmbedding
from ssmttm.models.refiner.backbone import build_backbone
from ssmttm.models.refiner.config import RefinerConfig

_LEAST = 1e-3
"""Variances are taken for at least this share of the largest."""

Draws = dict[str, Tensor]
"""Random numbers of some training examples, one row for each, by what they are for."""


class Clips(NamedTuple):
    """Training examples."""

    clean: Tensor
    """`[batch, frames, C1]`, what the codes of level 1 stand for, normalized."""
    rest: Tensor
    """`[batch, frames, C2]`, what those of levels 2 to K stand for, normalized."""
    codes: Tensor
    """`[batch, K - 1, frames]`, these codes."""
    text: Tensor
    """`[batch, tokens, text_width]`, caption token embeddings."""
    text_mask: Tensor
    """`[batch, tokens]`, False at padding and dropped words."""


class Refiner(nn.Module, ABC):
    """What all refiners have in common: normalization, caption, time, a convolution of neighbors and the backbone."""

    first_mean: Tensor
    first_whitening: Tensor
    """`[C1, C1]`; turns latents of level 1, less their mean, into channels of variance 1 without correlation."""
    rest_mean: Tensor
    rest_scale: Tensor
    """`[]`, root of the mean variance of the channels of levels 2 to K."""
    coloring: Tensor
    """`[C2, C2]`; turns white noise into noise with the covariance of normalized latents of levels 2 to K."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("first_mean", torch.zeros(config.given))
        self.register_buffer("first_whitening", torch.eye(config.given))
        self.register_buffer("rest_mean", torch.zeros(config.refined))
        self.register_buffer("rest_scale", torch.ones(()))
        self.register_buffer("coloring", torch.eye(config.refined))
        self.caption = CaptionCondition(config.text_width, config.d_model)
        self.pooled = nn.Linear(config.d_model, config.d_model)
        self.time = TimeEmbedding(config.d_model)
        self.local = nn.Conv1d(config.d_model, config.d_model, 3, padding=1)
        self.backbone = build_backbone(config)
        self.final_norm = nn.LayerNorm(config.d_model)

    def set_statistics(self, first: tuple[Tensor, Tensor], rest: tuple[Tensor, Tensor]) -> None:
        """Normalize by mean `[C1]` and `[C2]` and covariance `[C1, C1]` and `[C2, C2]` of the training data's latents.

        Level 1 is whitened: inputs that go together would be learned from at many times the learning rate. The levels
        above it keep their shape, and get noise of the same shape: it then hides loud and faint channels alike, and
        what is left to learn is what mean and covariance don't say.
        """
        self.first_mean.copy_(first[0])
        self.first_whitening.copy_(_roots(first[1])[1])
        self.rest_mean.copy_(rest[0])
        scale = rest[1].diagonal().mean().sqrt().clamp(min=1e-6)
        self.rest_scale.copy_(scale)
        self.coloring.copy_(_roots(rest[1] / scale**2)[0])

    def clean(self, first: Tensor) -> Tensor:
        """Latents of level 1 `[batch, frames, C1]`, normalized: a new tensor."""
        with torch.autocast(first.device.type, enabled=False):
            return (first - self.first_mean) @ self.first_whitening

    def normalized(self, rest: Tensor) -> Tensor:
        """Latents of levels 2 to K `[batch, frames, C2]`, normalized: a new tensor."""
        return (rest - self.rest_mean) / self.rest_scale

    def restored(self, x: Tensor) -> Tensor:
        """The inverse of `normalized`."""
        return x * self.rest_scale + self.rest_mean

    def colored(self, noise: Tensor) -> Tensor:
        """White noise `[batch, frames, C2]` as noise of the shape of normalized latents."""
        with torch.autocast(noise.device.type, enabled=False):
            return noise.to(self.coloring.dtype) @ self.coloring

    def hidden(self, x: Tensor, time: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """The backbone's output `[batch, frames, d_model]` for inputs of that shape, at times `[batch]`, 0 to 1."""
        context, mask = self.caption(text, text_mask)
        weights = mask.to(context.dtype)[..., None]
        pooled = (context * weights).sum(1) / weights.sum(1)
        vector = F.silu(self.time(time) + self.pooled(pooled))
        x = x + self.local(x.transpose(1, 2)).transpose(1, 2)
        return self.final_norm(self.backbone(x, vector, context, mask))

    def forward(self, clips: Clips, draws: Draws) -> Tensor:
        """The loss `[1]`, a mean over the clips; `draws` stacks what `draw` returned for each."""
        return self.losses(clips.clean + self.config.jitter * draws["jitter"].to(clips.clean.dtype), clips, draws)

    def draw(self, frames: int, generator: torch.Generator, place: float) -> Draws:
        """The random numbers of one training example of `frames` frames.

        `place`, 0 to 1, says which: low where little is hidden from the refiner, high where much is.
        """
        jitter = torch.randn(frames, self.config.given, generator=generator)
        return {"jitter": jitter, "place": torch.tensor(place), **self._draw(frames, generator)}

    @abstractmethod
    def _draw(self, frames: int, generator: torch.Generator) -> Draws:
        """What the objective draws besides."""

    @abstractmethod
    def losses(self, clean: Tensor, clips: Clips, draws: Draws) -> Tensor:
        """The loss `[1]`, given the normalized, perhaps jittered latents of level 1."""

    @abstractmethod
    def flops(self, frames: int, tokens: int) -> Cost:
        """FLOPs of one pass over `frames` frames with `tokens` caption tokens, padding included."""

    def loss_flops(self, frames: int) -> Cost:
        """What making a training example costs besides, over `frames` frames."""
        return Cost()

    def _inner_flops(self, frames: int, tokens: int) -> Cost:
        around = Cost(weights=2 * self.pooled.weight.numel() + 2 * frames * self.local.weight.numel())
        return self.caption.flops(tokens) + around + self.time.flops() + self.backbone.flops(frames, tokens)

    def parameters_by_group(self) -> dict[str, int]:
        """Parameter counts by group; they add up to the whole."""
        groups: dict[str, int] = {}
        for name, parameter in self.named_parameters():
            group = name.split(".")[0]
            groups[group] = groups.get(group, 0) + parameter.numel()
        return groups


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetric root of a covariance, which is unique, and its inverse."""
    values, vectors = torch.linalg.eigh(covariance.double())
    roots = values.clamp(min=_LEAST * float(values.max()) or 1.0).sqrt()
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T


def build_refiner(config: RefinerConfig) -> Refiner:
    """Class `Model` of the objective's file that `config` names."""
    package = "ssmttm.models.refiner.objectives"
    refiner: Refiner = plugins.load(package, config.objective, "objective", "refiner.objective").Model(config)
    number_sites(refiner)
    return refiner
