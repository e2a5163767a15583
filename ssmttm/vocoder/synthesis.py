"""Audio of any length through a vocoder, piece by piece, the same as in one pass.

Codes stand for the middle of the frames that share them, so frames of codes are smoother than those of music are, and
so is their audio. Dither puts back as much roughness as was lost, though not the same.
"""

import torch
from torch import Tensor

from ssmttm.frame_noise import normal
from ssmttm.vocoder.network import Vocoder

PIECE = 1024
"""Mel frames whose audio is made at once: bounds memory."""


@torch.inference_mode()
def vocode(vocoder: Vocoder, mel: Tensor, first: int = 0, piece: int = PIECE) -> Tensor:
    """Samples, float32 `[frames * hop]`, of log-mel frames `[frames, bands]`.

    Each piece is made with as many frames around it as its samples depend on, so that pieces differ from one pass
    by rounding alone; so is its dither. `first` is the number of the first frame in the recording.
    """
    hop, margin = vocoder.config.hop, vocoder.config.margin
    wave = torch.empty(len(mel) * hop)
    rough = mel + dither(vocoder, range(first, first + len(mel))) if vocoder.dither.any() else mel
    for start in range(0, len(mel), piece):
        stop = min(start + piece, len(mel))
        before = min(start, margin)
        part = vocoder(rough[None, start - before : stop + margin], first + start - before)[0]
        wave[start * hop : stop * hop] = part[before * hop : (before + stop - start) * hop]
    return wave


def dither(vocoder: Vocoder, frames: range) -> Tensor:
    """Noise `[frames, bands]` to be added to log-mel frames of these numbers in a recording, always the same."""
    stack = vocoder.config.stack
    start, stop = frames.start // stack, -(-frames.stop // stack)
    noise = normal([0], range(start, stop), len(vocoder.dither), "dither")[0] @ vocoder.dither.T
    return noise.view(-1, vocoder.config.bands)[frames.start - start * stack :][: len(frames)]
