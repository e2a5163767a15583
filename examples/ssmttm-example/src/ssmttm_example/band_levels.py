"""An embedder without weights: levels in dB of 24 frequency bands, a window for each second."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from ssmttm.evaluation.embedder import Inputs, Settings, WindowEmbedder, prepare

SETTINGS: tuple[str, ...] = ()
"""Keys of its entry in `evaluation.models`."""
GIVES: tuple[str, ...] = ()
"""What it gives beside embeddings: classes, tags or texts. Read without importing, so a literal."""

RATE, BANDS, FLOOR = 16000, 24, 1e-8
EDGES = np.geomspace(50, RATE / 2, BANDS + 1)


class BandLevels(WindowEmbedder):
    """What `ssmttm.evaluation.embedder` says of an embedder; a clip's last second is filled with silence."""

    name = "band_levels"
    identity = f"band_levels:{hashlib.sha256(EDGES.round(6).tobytes()).hexdigest()[:12]}"
    sample_rate, dim = RATE, BANDS
    window_s = hop_s = 1.0
    batch = 256

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        samples = prepare(wave, sample_rate, RATE)[0]
        filled = np.pad(samples, (0, -len(samples) % RATE))
        return list(torch.from_numpy(filled).reshape(-1, RATE))

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        energies = torch.fft.rfft(batch).abs().square() / RATE
        return (torch.stack([10 * (energies[:, band].mean(1) + FLOOR).log10() for band in _bands()], 1),)


def _bands() -> Iterator[slice]:
    """The places of each band in a spectrum of one second, whose bins are 1 Hz apart."""
    bounds = EDGES.round().astype(int)
    return (slice(int(low), int(high)) for low, high in pairwise(bounds))


def load(settings: Settings) -> BandLevels:
    """The embedder."""
    return BandLevels()
