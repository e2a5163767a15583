"""Residual vector quantization: each codebook quantizes what the ones before it left over."""

import faiss
import numpy as np
import torch

from ssmttm.progress import Progress

_ITERATIONS = 12


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
