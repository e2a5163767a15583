"""Pretrained codecs with few channels and random weights, saved as transformers saves them."""

from pathlib import Path

import torch
from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel

DAC_LEVELS, DAC_SIZE, DAC_RATE = 4, 16, 44100

ENCODEC = {
    "24khz": {"upsampling_ratios": [8, 5, 4, 2], "sampling_rate": 24000, "target_bandwidths": [0.6, 1.2]},
    "32khz": {
        "upsampling_ratios": [8, 5, 4, 4],
        "sampling_rate": 32000,
        "target_bandwidths": [1.0],
        "use_causal_conv": False,
        "use_conv_shortcut": False,
        "codebook_size": 32,
    },
}
"""What the two published mono models differ in, with smaller codebooks; both have four here."""
ENCODEC_LEVELS = 4


def save_dac(folder: Path, seed: int = 0, **changes: object) -> Path:
    """A DAC with the published strides whose codes vary."""
    config = {"encoder_hidden_size": 2, "decoder_hidden_size": 32, "n_codebooks": DAC_LEVELS, "codebook_size": DAC_SIZE}
    model = DacModel(DacConfig(**(config | {"codebook_dim": 4, "sampling_rate": DAC_RATE} | changes)))
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if not name.endswith("alpha"):
            spread = 0.6 if name.startswith("decoder") else 1.0  # more would amplify rounding
            parameter.data = torch.randn(parameter.shape, generator=generator) * spread / parameter[0].numel() ** 0.5
    model.save_pretrained(folder)
    return folder


def save_encodec(folder: Path, kind: str = "24khz", seed: int = 0, **changes: object) -> Path:
    """An EnCodec of the `kind` whose codes vary: its codebooks lie where its own latents do."""
    config = {"num_filters": 2, "hidden_size": 8, "codebook_size": 16, "kernel_size": 7} | ENCODEC[kind] | changes
    model = EncodecModel(EncodecConfig(**config)).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        spread = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
        parameter.data = torch.randn(parameter.shape, generator=generator) * spread
    with torch.no_grad():
        channels = model.config.audio_channels
        noise = torch.randn(1, channels, 300 * model.config.hop_length, generator=generator) * 0.3
        residual = model.encoder(noise)[0].T
        for level in model.quantizer.layers:
            book = residual[torch.randperm(len(residual), generator=generator)[: model.config.codebook_size]]
            book = book + 0.3 * residual.std() * torch.randn(book.shape, generator=generator)  # no code twice
            level.codebook.embed.copy_(book)
            residual = residual - book[torch.cdist(residual, book).argmin(1)]
    model.save_pretrained(folder)
    return folder
