"""Gaussians fitted to embeddings, and the Fréchet distance between them."""

import numpy as np
from scipy.linalg import blas, lapack

from ssmttm.evaluation.arrays import rows

BLOCK = 512
"""Rows that are centered at once: a copy of all of them would double the memory, and page faults cost time."""
EPS = float(np.finfo(np.float64).eps)
SMALLEST_PIVOT = 1e-12
"""Cholesky pivots below this share of the largest variance are rounding."""


def statistics(x: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[dim]` and unbiased covariance `[dim, dim]` of the rows of `x` `[n, dim]`.

    `weights` `[n]` says how often each row counts. At least two rows must count (ValueError).
    """
    if weights is not None:
        x, weights = x[weights > 0], weights[weights > 0]
    n = len(x) if weights is None else weights.sum()
    if n < 2:
        raise ValueError("a covariance needs at least two rows")
    with np.errstate(over="ignore", invalid="ignore"):  # refused below, with a message
        mean = x.mean(axis=0) if weights is None else weights @ x / n
        upper = np.zeros((x.shape[1], x.shape[1]), order="F")
        buffer = np.empty((min(BLOCK, len(x)), x.shape[1]))
        for start in range(0, len(x), BLOCK):
            rows_here = x[start : start + BLOCK]
            part = np.subtract(rows_here, mean, out=buffer[: len(rows_here)])
            if weights is not None:
                part *= np.sqrt(weights[start : start + BLOCK])[:, None]
            upper = blas.dsyrk(1.0, part.T, beta=1.0, c=upper, overwrite_c=1)
    covariance = np.triu(upper) + np.triu(upper, 1).T
    if not np.isfinite(covariance).all():
        raise ValueError("values are too large for a covariance in float64")
    return mean, covariance / (n - 1)


def factor(x: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean `[dim]` and A `[n or dim, dim]`, whichever is less, with A^T A the covariance of `statistics`."""
    counts = np.ones(len(x)) if weights is None else weights
    x, counts = x[counts > 0], counts[counts > 0]
    n = counts.sum()
    if n < 2:
        raise ValueError("a covariance needs at least two rows")
    mean = counts @ x / n
    with np.errstate(over="ignore", invalid="ignore"):  # refused below, with a message
        centered = (x - mean) * np.sqrt(counts / (n - 1))[:, None]
        finite = np.isfinite(np.einsum("ij,ij", centered, centered))
    if not finite:
        raise ValueError("values are too large for a covariance in float64")
    return mean, np.asarray(np.linalg.qr(centered, mode="r")) if len(x) > x.shape[1] else centered


def between(
    x: np.ndarray, y: np.ndarray, weights_x: np.ndarray | None = None, weights_y: np.ndarray | None = None
) -> float:
    """Squared Fréchet distance of the rows `x` `[n, dim]` and `y` `[m, dim]`, weights as in `statistics`.

    With S1 = L L^T the trace of the root of S1 S2 is the sum of the roots of the eigenvalues of
    L^T S2 L. Where that would be roots of rounding (fewer rows than dimensions, or columns that
    depend on one another) it is the sum of the singular values of A B^T, with S1 = A^T A and
    S2 = B^T B taken from the rows: exact at any rank.
    """
    fewest = min(
        len(x) if weights_x is None else np.count_nonzero(weights_x),
        len(y) if weights_y is None else np.count_nonzero(weights_y),
    )
    if fewest > x.shape[1]:
        (mean_x, cov_x), (mean_y, cov_y) = statistics(x, weights_x), statistics(y, weights_y)
        overlap = overlap_by_cholesky(cov_x, cov_y)
        if overlap is not None:
            return distance(mean_x - mean_y, np.trace(cov_x) + np.trace(cov_y), overlap)
    (mean_x, a), (mean_y, b) = factor(x, weights_x), factor(y, weights_y)
    traces = np.einsum("ij,ij", a, a) + np.einsum("ij,ij", b, b)
    return distance(mean_x - mean_y, traces, np.linalg.svd(a @ b.T, compute_uv=False).sum())


def distance(shift: np.ndarray, traces: float, overlap: float) -> float:
    """|m1 - m2|^2 + tr S1 + tr S2 - 2 overlap: `shift` is m1 - m2, `overlap` the trace of the root of S1 S2."""
    # Of equal sets the terms cancel to rounding, which may fall on either side of zero.
    return float(max(shift @ shift + traces - 2 * overlap, 0.0))


def overlap_by_cholesky(cov_x: np.ndarray, cov_y: np.ndarray) -> float | None:
    """tr (S1 S2)^1/2 from the eigenvalues of L^T S2 L, S1 = L L^T; None if S1 has no safe Cholesky factor.

    In practice exact to rounding. Where rounding makes the pivots, it can't be known to be.
    """
    # LAPACK reads columns first: of a symmetric matrix, the transpose is the same without a copy.
    lower, failed = lapack.dpotrf(cov_x.T, lower=1, clean=1)
    if failed or np.diag(lower).min() ** 2 < SMALLEST_PIVOT * np.diag(cov_x).max():
        return None
    product = blas.dtrmm(1.0, lower, cov_y.T, lower=1, trans_a=1)
    return root_sum(blas.dtrmm(1.0, lower, product, side=1, lower=1, overwrite_b=1))


def root_sum(symmetric: np.ndarray) -> float:
    """The sum of the roots of the eigenvalues; ValueError where they are negative beyond rounding."""
    if not np.isfinite(symmetric).all():
        raise ValueError("values are too large for a Fréchet distance in float64")
    values = np.linalg.eigvalsh(symmetric)
    _check_signs(values)
    return float(np.sqrt(values.clip(0)).sum())


def _check_signs(values: np.ndarray) -> None:
    if len(values) and values[0] < -1e-6 * max(values[-1], -values[0] * 1e-3):
        raise ValueError("a matrix that should be a covariance has negative eigenvalues")


def rank(covariance: np.ndarray) -> int:
    """Dimensions in which `covariance` `[dim, dim]` is more than rounding."""
    values = np.linalg.eigvalsh(covariance)
    return int((values > len(values) * EPS * max(values[-1], 0.0)).sum())


def root(covariance: np.ndarray) -> np.ndarray:
    """R `[dim, rank]` with R R^T the covariance; ValueError if it has negative eigenvalues beyond rounding."""
    values, vectors = np.linalg.eigh(covariance)
    _check_signs(values)
    kept = values > len(values) * EPS * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])


def trace_of_root(cov_x: np.ndarray, cov_y: np.ndarray) -> float:
    """tr (S1^1/2 S2 S1^1/2)^1/2; of singular covariances to about 1e-8 of the larger trace."""
    overlap = overlap_by_cholesky(cov_x, cov_y)
    if overlap is not None:
        return overlap
    half = root(cov_x)
    return root_sum(half.T @ cov_y @ half)


class Projected:
    """Rows `x` `[n, dim]` beside one fixed Gaussian: the distance of any weighting of them costs little.

    With S2 = R R^T decomposed once, the covariance of the rows x R is R^T S1 R, whose eigenvalues
    give the overlap. So no weighting needs more than one product and one set of eigenvalues.
    """

    def __init__(self, x: np.ndarray, mean: np.ndarray, covariance: np.ndarray, half: np.ndarray | None = None) -> None:
        self._x = rows(x) - mean
        self._z = self._x @ (root(covariance) if half is None else half)
        self._squares = np.einsum("ij,ij->i", self._x, self._x)
        self._trace = float(np.trace(covariance))
        if not (np.isfinite(self._squares).all() and np.isfinite(self._z).all()):
            raise ValueError("values are too large for a Fréchet distance in float64")

    def distance(self, weights: np.ndarray | None = None) -> float:
        """Squared Fréchet distance of the rows, each counted `weights` `[n]` times, to the Gaussian."""
        weights = np.ones(len(self._x)) if weights is None else weights.astype(np.float64)
        n = weights.sum()
        if n < 2:
            raise ValueError("a covariance needs at least two rows")
        shift = weights @ self._x / n
        trace = max(float(weights @ self._squares - n * shift @ shift), 0.0) / (n - 1)
        used = weights > 0
        z, counts = self._z[used], weights[used]
        z -= counts @ z / n
        z *= np.sqrt(counts / (n - 1))[:, None]
        # The smaller of the two products has the same eigenvalues, less zeros.
        overlap = root_sum(z.T @ z if len(z) > z.shape[1] else z @ z.T)
        return float(max(shift @ shift + trace + self._trace - 2 * overlap, 0.0))
