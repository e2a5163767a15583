"""A vocoder and its discriminator as one model: its forward pass gives every part of the loss of both.

Each of the two learns from its own parts alone: the discriminator judges a detached copy of what the vocoder made, and
the vocoder is judged with detached weights of the discriminator. So both can share one optimizer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ssmttm.audio.spectral_distance import mel_loss, spectral_losses
from ssmttm.vocoder.discriminator import (
    Discriminator,
    Judgement,
    adversarial_loss,
    discriminator_loss,
    feature_loss,
)
from ssmttm.vocoder.network import Vocoder, VocoderConfig

PARTS = ("log_magnitude", "spectral_convergence", "log_mel", "adversarial", "features", "discriminator")
"""Parts of the loss; the last is the discriminator's own."""
SPECTRAL = 3
"""So many of them, the first, need no discriminator."""


class AdversarialVocoder(nn.Module):
    """All that is trained for a vocoder."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.vocoder = Vocoder(config)
        self.discriminator = Discriminator()

    def forward(self, mel: Tensor, wave: Tensor, heard: Sequence[slice] | None) -> Tensor:
        """The `PARTS` `[6]` of the loss of log-mel frames `[n, frames, bands]` that stand for `wave` `[n, samples]`.

        Means over the n. `heard` says which samples of each the discriminator hears, equally many of all; where it
        hears nothing, its three parts are zero.
        """
        made = self.vocoder(mel)
        spectral = [*spectral_losses(made, wave), mel_loss(made, wave, self.vocoder.config.sample_rate)]
        if heard is None:
            # Zero times its weights: data-parallel training wants a gradient for every one.
            idle = torch.stack([p.sum() for p in self.discriminator.parameters()]).sum() * 0
            return torch.stack([*spectral, idle, idle, idle])
        true, fake = (torch.stack([x[part] for x, part in zip(of, heard, strict=True)]) for of in (wave, made))
        real, apart = self.discriminator(true), self.discriminator(fake.detach())
        frozen = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        judgement: Judgement = functional_call(self.discriminator, frozen, (fake,))
        return torch.stack(
            [
                *spectral,
                adversarial_loss(judgement.scores),
                feature_loss([feature.detach() for feature in real.features], judgement.features),
                discriminator_loss(real.scores, apart.scores),
            ]
        )
