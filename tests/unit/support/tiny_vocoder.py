"""A vocoder with small random weights, for the mel frames of the spectral codec at 24 kHz or another rate."""

import torch

from ssmttm.vocoder.network import Vocoder, VocoderConfig


def tiny_config(**changes):
    sizes = {"sample_rate": 24000, "fft": 1024, "hop": 256, "bands": 96, "stack": 2}
    sizes |= {"width": 16, "inner": 24, "layers": 2}
    return VocoderConfig(**{**sizes, **changes})


def tiny_vocoder(seed=0, **changes):
    """Weights are large enough that every layer, and every frame in reach, can be told from the output."""
    torch.manual_seed(seed)
    vocoder = Vocoder(tiny_config(**changes)).eval()
    with torch.no_grad():
        for parameter in vocoder.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return vocoder


def mel_frames(count, bands=96, seed=1):
    """Log-mel frames [count, bands]: slow changes and noise."""
    generator = torch.Generator().manual_seed(seed)
    slow = torch.sin(torch.arange(count)[:, None] / 9 + torch.arange(bands) / 5)
    return -3 + slow + 0.5 * torch.randn(count, bands, generator=generator)
