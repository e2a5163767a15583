"""Fingerprints of recordings that were never made."""

import numpy as np


def random_codes(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32)


def noisy(codes: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    """Codes with `share` of their bits inverted."""
    bits = np.random.default_rng(seed).random((len(codes), 32)) < share
    return codes ^ np.packbits(bits, axis=1).view(np.uint32)[:, 0]
