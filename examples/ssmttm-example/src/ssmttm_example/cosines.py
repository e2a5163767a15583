"""A codec: blocks of 512 samples as cosines, of which each level quantizes a range of frequencies by k-means.

Level 1 has the lowest, and every level is by itself, so that latents are snapped to their codes range by range.
"""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from scipy.fft import dct, idct

from ssmttm.codecs.base import (
    Codec,
    LatentTables,
    Sizes,
    Tensors,
    checked_codes,
    checked_latents,
    checked_rest,
    codec_identity,
    padded_wave,
)
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings

HOP = 512
ROUNDS = 8
BLOCKS_PER_CODE = 40


class Cosines(Codec):
    """Latents are the 512 cosines of a block."""

    name, hop, keeps_phase, reach = "cosines", HOP, True, 0

    def __init__(self, sample_rate: int, books: np.ndarray) -> None:
        """`books` [K, size, 512], float32: zero outside of each level's range. Raises ValueError for other shapes."""
        if books.ndim != 3 or books.shape[2] != HOP or not books.size or books.dtype != np.float32:
            raise ValueError(f"codebooks {books.dtype} {books.shape} should be float32 [K, size, {HOP}]")
        self.sample_rate, self._books = sample_rate, books
        self.codebooks, self.codebook_size = books.shape[:2]
        self.identity = codec_identity(self.name, *self._content())

    def encode(self, wave: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        return self._nearest(_cosines(wave), range(self.codebooks))

    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """See `Codec`."""
        codes = checked_codes(self, codes, levels)
        return np.sum([self._books[level][codes[level]] for level in range(levels)], axis=0, dtype=np.float32)

    def decode_latents(self, z: np.ndarray, first: int = 0) -> np.ndarray:
        """See `Codec`; a block's audio depends on that block alone."""
        return idct(checked_latents(z, HOP), norm="ortho").astype(np.float32).ravel()

    def tables(self) -> LatentTables:
        """See `Codec`."""
        return LatentTables(self._books[0].copy(), self._books[1:].copy())

    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, HOP)
        return self.latents(codes, 1) + latents

    def snap(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, HOP)
        return np.concatenate([codes, self._nearest(latents, range(1, self.codebooks))])

    def _nearest(self, z: np.ndarray, levels: range) -> np.ndarray:
        ranges = _ranges(self.codebooks)
        found = [_closest(z[:, ranges[k]], self._books[k][:, ranges[k]]) for k in levels]
        return np.array(found, np.int64).reshape(len(levels), len(z))

    def _content(self) -> tuple[Sizes, Tensors]:
        return {"sample_rate": self.sample_rate}, {"books": self._books}


def _cosines(wave: np.ndarray) -> np.ndarray:
    """Cosines of blocks, float32 [ceil(n / 512), 512], of samples [n]."""
    return dct(padded_wave(wave, HOP).reshape(-1, HOP), norm="ortho").astype(np.float32)


def _ranges(levels: int) -> list[slice]:
    """Where each level's cosines are: few of low frequencies, more of high ones."""
    bounds = np.maximum(np.round(HOP * (np.arange(levels + 1) / levels) ** 2), np.arange(levels + 1)).astype(int)
    return [slice(int(low), int(high)) for low, high in pairwise(bounds)]


def _closest(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Index [n] of the row of `centers` that is nearest to each row of `x`."""
    return (x @ centers.T - 0.5 * np.square(centers).sum(1)).argmax(1)


def fit(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> Cosines:
    """K-means of each range, on about 40 blocks per code; UserError where there are fewer blocks than codes."""
    size, generator = settings["codebook_size"], np.random.default_rng(seed)
    quota = -(-BLOCKS_PER_CODE * size // max(count, 1))
    parts = [np.zeros((0, HOP), np.float32)]
    for wave in waves:
        z = _cosines(wave)
        parts.append(z[np.sort(generator.permutation(len(z))[:quota])])
    z = np.concatenate(parts)
    if len(z) < size:
        raise UserError(
            f"the training split has only {len(z)} blocks of {HOP} samples, fewer than data.codec.codebook_size = "
            f"{size}: lower it, or add music"
        )
    books = np.zeros((settings["codebooks"], size, HOP), np.float32)
    for book, place in zip(books, _ranges(settings["codebooks"]), strict=True):
        book[:, place] = _centers(z[:, place], size, generator)
    return Cosines(sample_rate, books)


def _centers(x: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    centers = x[np.sort(generator.permutation(len(x))[:size])]
    for _ in range(ROUNDS):
        own = _closest(x, centers)
        for code in np.unique(own):
            centers[code] = x[own == code].mean(0)
    return centers


def hop(settings: CodecSettings) -> int:
    """Samples per frame."""
    return HOP


def latent_widths(levels: int) -> tuple[int, int]:
    """Of level 1, and of the levels above it: all are in the space of a block's cosines."""
    return HOP, HOP


def load(sizes: Sizes, tensors: Tensors) -> Cosines:
    """The codec from a file's sizes and tensors; raises KeyError or ValueError if it is not one."""
    return Cosines(sizes["sample_rate"], tensors["books"])
