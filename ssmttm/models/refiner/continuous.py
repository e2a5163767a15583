"""Refiners of continuous latents: the frames' noisy channels in, an estimate of the same shape out."""

from abc import abstractmethod

import torch
from torch import Tensor, nn

from ssmttm.models.cost import Cost
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Clips, Draws, Refiner


class ContinuousRefiner(Refiner):
    """Trained by the mean squared error of its estimate, over frames and channels.

    Channels are loud and faint as in the codec, and so are their errors. An estimate of 0 has a loss of about 1.
    """

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(config)
        self.stem = nn.Linear(config.given + config.refined, config.d_model)
        self.head = nn.Linear(config.d_model, config.refined)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def predict(self, noisy: Tensor, clean: Tensor, time: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """The estimate `[batch, frames, C2]`, normalized.

        Args:
            noisy: `[batch, frames, C2]`, normalized latents of levels 2 to K with noise.
            clean: `[batch, frames, C1]`, normalized latents of level 1.
            time: `[batch]`, 0 for no noise to 1 for noise alone.
            text: `[batch, tokens, text_width]`.
            text_mask: `[batch, tokens]`; a row of False is the null condition.
        """
        return self.head(self.hidden(self.stem(torch.cat([clean, noisy], -1)), time, text, text_mask))

    @abstractmethod
    def corrupt(self, x: Tensor, noise: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Noisy latents, time `[batch]` and the estimate's target, for latents, noise and uniform places `[batch]`."""

    def _draw(self, frames: int, generator: torch.Generator) -> Draws:
        return {"noise": torch.randn(frames, self.config.refined, generator=generator)}

    def losses(self, clean: Tensor, clips: Clips, draws: Draws) -> Tensor:
        """See `Refiner`."""
        noise = self.colored(draws["noise"].to(clips.rest.dtype))
        noisy, time, target = self.corrupt(clips.rest, noise, draws["place"])
        estimate = self.predict(noisy, clean, time, clips.text, clips.text_mask)
        return (estimate.to(target.dtype) - target).square().mean()[None]

    def loss_flops(self, frames: int) -> Cost:
        """See `Refiner`: coloring the noise."""
        return Cost(weights=2 * frames * self.coloring.numel())

    def flops(self, frames: int, tokens: int) -> Cost:
        """See `Refiner`."""
        around = Cost(weights=2 * frames * self.stem.weight.numel(), head=2 * frames * self.head.weight.numel())
        return around + self._inner_flops(frames, tokens)
