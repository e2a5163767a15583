"""Masked prediction of codes, level by level (SoundStorm: Borsos et al. 2023, arXiv 2305.09636, section 3).

A training example has all codes of the levels below a random one, that level with some of its codes masked, and
nothing of those above; the refiner predicts the masked codes.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.cost import Cost
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Clips, Draws, Refiner


class Model(Refiner):
    """A refiner that predicts codes; level 0 here is the codec's level 2."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(config)
        count, size, width = config.levels - 1, config.codebook_size, config.d_model
        self.masked = size
        self.stem = nn.Linear(config.given, width)
        self.embeddings = cast(
            Sequence[nn.Embedding], nn.ModuleList(nn.Embedding(size + 1, width) for _ in range(count))
        )
        self.heads = nn.Parameter(torch.randn(count, size, width) / math.sqrt(width))

    def logits(self, codes: Tensor, level: Tensor, clean: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Logits `[batch, frames, codebook_size]` of the codes of one level in each row.

        Args:
            codes: `[batch, K - 1, frames]`; of the row's own level some or all may be `masked`, and what is above it
                is not looked at.
            level: `[batch]`, 0 to K - 2.
            clean: `[batch, frames, C1]`, normalized latents of level 1.
            text: `[batch, tokens, text_width]`.
            text_mask: `[batch, tokens]`; a row of False is the null condition.
        """
        x = self.stem(clean)
        for k, embed in enumerate(self.embeddings):
            x = x + embed(codes[:, k]) * (level >= k)[:, None, None]
        y = self.hidden(x, level.to(x.dtype) / len(self.embeddings), text, text_mask)
        return y @ self.heads[level].transpose(1, 2)

    def _draw(self, frames: int, generator: torch.Generator) -> Draws:
        level = torch.randint(self.config.levels - 1, (), generator=generator)
        return {"level": level, "order": torch.rand(frames, generator=generator)}

    def losses(self, clean: Tensor, clips: Clips, draws: Draws) -> Tensor:
        """See `Refiner`: cross-entropy in nats per masked code, as many as the cosine of the place says."""
        level, order = draws["level"], draws["order"]
        rows = torch.arange(len(level), device=level.device)
        share = torch.sin(draws["place"] * math.pi / 2)[:, None]
        hidden = (order < share) | (order <= order.amin(1, keepdim=True))
        own = clips.codes[rows, level]
        codes = clips.codes.clone()
        codes[rows, level] = own.masked_fill(hidden, self.masked)
        logits = self.logits(codes, level, clean, clips.text, clips.text_mask)
        losses = F.cross_entropy(logits.flatten(0, 1).float(), own.flatten(), reduction="none").view(own.shape)
        return ((losses * hidden).sum(1) / hidden.sum(1)).mean()[None]

    def flops(self, frames: int, tokens: int) -> Cost:
        """See `Refiner`."""
        head = 2 * frames * self.config.codebook_size * self.config.d_model
        return Cost(weights=2 * frames * self.stem.weight.numel(), head=head) + self._inner_flops(frames, tokens)
