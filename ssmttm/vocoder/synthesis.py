"""Audio of any length through a vocoder, piece by piece, the same as in one pass."""

import torch
from torch import Tensor

from ssmttm.vocoder.network import Vocoder

PIECE = 1024
"""Mel frames whose audio is made at once: bounds memory."""


@torch.inference_mode()
def vocode(vocoder: Vocoder, mel: Tensor, first: int = 0, piece: int = PIECE) -> Tensor:
    """Samples, float32 `[frames * hop]`, of log-mel frames `[frames, bands]`.

    Each piece is made with as many frames around it as its samples depend on, so that pieces differ from one pass
    by rounding alone. `first` is the number of the first frame in the recording.
    """
    hop, margin = vocoder.config.hop, vocoder.config.margin
    wave = torch.empty(len(mel) * hop)
    for start in range(0, len(mel), piece):
        stop = min(start + piece, len(mel))
        before = min(start, margin)
        part = vocoder(mel[None, start - before : stop + margin], first + start - before)[0]
        wave[start * hop : stop * hop] = part[before * hop : (before + stop - start) * hop]
    return wave
