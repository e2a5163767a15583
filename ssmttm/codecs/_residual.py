"""Residual vector quantization: each codebook quantizes what the ones before it left over."""

import faiss
import numpy as np
import torch

from ssmttm.progress import Progress

_ITERATIONS = 12
_BEAM = 16
_TOGETHER = 128


def fit_codebooks(vectors: np.ndarray, codebooks: int, size: int, seed: int) -> np.ndarray:
    """Codebooks, float32 [codebooks, size, width], by k-means on `vectors` [n, width], n >= size.

    Deterministic for a fixed number of threads, which faiss takes from torch.
    """
    faiss.omp_set_num_threads(torch.get_num_threads())
    residual = np.array(vectors, np.float32)
    fitted = np.empty((codebooks, size, residual.shape[1]), np.float32)
    progress = Progress("codec", codebooks, "codebooks")
    for level in range(codebooks):
        kmeans = faiss.Kmeans(
            residual.shape[1],
            size,
            niter=_ITERATIONS,
            seed=seed + level,
            min_points_per_centroid=1,  # silences a warning; the caller bounds the vectors
            max_points_per_centroid=len(residual),
        )
        kmeans.train(residual)
        fitted[level] = kmeans.centroids
        residual -= fitted[level][nearest(residual, fitted[level])]
        progress.advance()
    return fitted


def nearest(vectors: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Index, int64 [n], of the entry of `codebook` [size, width] nearest to each of `vectors` [n, width]."""
    half_norms = 0.5 * np.einsum("kd,kd->k", codebook, codebook)
    indices = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), 4096):  # bounds the distance matrix
        part = vectors[start : start + 4096]
        indices[start : start + 4096] = (part @ codebook.T - half_norms).argmax(1)
    return indices


def quantize(vectors: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    """Codes, int64 [codebooks, n], of `vectors` [n, width]."""
    residual = np.array(vectors, np.float32)
    codes = np.empty((len(codebooks), len(vectors)), np.int64)
    for level, codebook in enumerate(codebooks):
        codes[level] = nearest(residual, codebook)
        residual -= codebook[codes[level]]
    return codes


def nearest_sums(vectors: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    """Codes, int64 [codebooks, n], whose sum of entries is near each of `vectors` [n, width].

    Unlike `quantize`, which takes the nearest entry level by level, it finds the codes again that a sum was made of:
    it keeps the best 16 beginnings (a beam search), then chooses each level once
    more beside the others, until nothing changes.
    """
    codes = np.zeros((len(codebooks), len(vectors)), np.int64)
    for start in range(0, len(vectors) if len(codebooks) else 0, _TOGETHER):  # bounds the distance matrix
        part = slice(start, start + _TOGETHER)
        codes[:, part] = _improved(vectors[part], codebooks, _beam(vectors[part], codebooks))
    return codes


def _beam(vectors: np.ndarray, codebooks: np.ndarray) -> np.ndarray:
    residual = np.array(vectors[:, None], np.float32)
    paths = np.zeros((len(vectors), 1, 0), np.int64)
    for codebook in codebooks:
        distances = np.square(residual).sum(-1)[..., None] - 2 * (residual @ codebook.T) + np.square(codebook).sum(1)
        flat = distances.reshape(len(vectors), -1)
        kept = min(_BEAM, flat.shape[1])
        best = np.argpartition(flat, kept - 1, 1)[:, :kept]
        beginning, codes = best // len(codebook), best % len(codebook)
        residual = np.take_along_axis(residual, beginning[..., None], 1) - codebook[codes]
        paths = np.concatenate([np.take_along_axis(paths, beginning[..., None], 1), codes[..., None]], -1)
    best = np.square(residual).sum(-1).argmin(1)
    return paths[np.arange(len(vectors)), best].T


def _improved(vectors: np.ndarray, codebooks: np.ndarray, codes: np.ndarray) -> np.ndarray:
    codes = codes.copy()
    residual = np.array(vectors, np.float32)
    for level, codebook in enumerate(codebooks):
        residual -= codebook[codes[level]]
    for _ in range(_ITERATIONS):
        before = codes.copy()
        for level, codebook in enumerate(codebooks):
            wanted = residual + codebook[codes[level]]
            codes[level] = nearest(wanted, codebook)
            residual = wanted - codebook[codes[level]]
        if np.array_equal(codes, before):
            break
    return codes
