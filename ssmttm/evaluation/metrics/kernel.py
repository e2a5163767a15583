"""Kernel distance: the squared maximum mean discrepancy between the embeddings of two sets of clips.

Gretton et al. 2012, equation 3 (unbiased). Two kernels are in use:

- Gaussian, exp(-|x - y|^2 / (2 s^2)), the Kernel Audio Distance (KAD) of Chung et al. 2025, with s
  the median distance between embeddings, reported times 100. Here s is the reference's, so that
  all systems are measured by one kernel; their released tool takes it from its second argument,
  the evaluated set.
- cubic polynomial, (x . y / dim + 1)^3, the Kernel Inception Distance (KID) of Bińkowski et al. 2018.

Unlike a Fréchet distance it has no bias that falls with n, and assumes no Gaussian. Of two
samples of one distribution its mean is zero, so a single value may well be slightly negative:
that is no error, and is not cut off, which would bring back a bias.

The windows of one clip resemble one another, so pairs of them would bring a bias that falls with
the number of clips: the score is the mean over pairs of different clips. kadtk takes windows for
independent; of one window per clip both are the same.
"""

import numpy as np
from scipy.spatial.distance import pdist

from ssmttm.evaluation.arrays import rows
from ssmttm.evaluation.cautions import SAME, few_clips_of_set
from ssmttm.evaluation.clipset import ClipSet, recording_order, same_audio
from ssmttm.evaluation.metric import Score, Settings, no_difference
from ssmttm.statistics.bootstrap import replicates, shifted_interval

BETTER = "lower"
DEFINITION = (
    "Kernel Audio Distance: 100 times the unbiased squared maximum mean discrepancy between the window embeddings, "
    "Gaussian kernel, bandwidth the median distance between the reference's windows (may be slightly negative); pairs "
    "of windows of one clip are left out, which kadtk counts"
)
INTERVAL = (
    "bootstrap over captions, whole clips of both sets together (over recordings, where the system's clips are the "
    "reference's in another order); percentiles moved by their bias"
)
POLYNOMIAL = "kernel_polynomial"
POLYNOMIAL_DEFINITION = (
    "unbiased squared maximum mean discrepancy between the window embeddings with the cubic polynomial kernel "
    "(x . y / dim + 1)^3, as the Kernel Inception Distance; pairs of windows of one clip are left out"
)

AUDIO_SCALE = 100.0
"""Chung et al. report a hundred times the squared discrepancy."""
MEDIAN_ROWS = 4000
MOST_WINDOWS = 20000
"""Of more, each clip gives an equal number, evenly spaced: the cost is their square."""
ROWS_AT_ONCE = 256
KERNELS = ("gaussian", "polynomial")


def median_distance(x: np.ndarray, limit: int = MEDIAN_ROWS) -> float:
    """Median Euclidean distance between the rows of `x`; of `limit` rows spread evenly over them if they are more.

    Raises ValueError when it is zero: then most rows are equal, and no bandwidth can be had.
    """
    x = rows(x, least=2)
    if len(x) > limit:
        x = x[np.linspace(0, len(x) - 1, limit).round().astype(int)]
    median = float(np.median(pdist(x)))
    if not 0 < median < np.inf:
        raise ValueError(f"the median distance between rows is {median}, which is no bandwidth")
    return median


class Polynomial:
    """(a . b / dim + 1)^3."""

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Values of all pairs of rows, `[len(a), len(b)]`."""
        return (a @ b.T / a.shape[1] + 1) ** 3


class Gaussian:
    """exp(-|a - b|^2 / (2 width^2)); `origin` is near the rows, so that little is lost to rounding."""

    def __init__(self, width: float, origin: np.ndarray) -> None:
        if not 0 < width < np.inf:
            raise ValueError(f"a bandwidth must be positive, got {width}")
        self._scale, self._origin = 1 / width, origin

    def __call__(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Values of all pairs of rows, `[len(a), len(b)]`."""
        a, b = ((c - self._origin) * self._scale for c in (a, b))
        squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
        return np.exp(squared.clip(0) / -2)


Kernel = Polynomial | Gaussian


def kernel_of(name: str, y: np.ndarray) -> Kernel:
    """The kernel `name` of `KERNELS`; the Gaussian's width is the median distance of the reference `y` `[m, dim]`."""
    return Polynomial() if name == "polynomial" else Gaussian(median_distance(y), y.mean(axis=0))


def clip_sums(k: Kernel, a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> np.ndarray:
    """Sums of the kernel over all windows of clip i of `a` and clip j of `b`, `[clips, clips]`."""
    right = np.concatenate(b)
    edges = np.cumsum([0, *(len(w) for w in b[:-1])])
    totals = []
    for w in a:
        parts = (k(w[i : i + ROWS_AT_ONCE], right).sum(axis=0) for i in range(0, len(w), ROWS_AT_ONCE))
        totals.append(np.add.reduceat(sum(parts), edges))
    return np.stack(totals)


def thinned(windows: tuple[np.ndarray, ...], most: int) -> tuple[np.ndarray, ...]:
    """The windows of each clip, or if they are more than `most` together, equally many of each, evenly spaced."""
    if sum(map(len, windows)) <= most:
        return windows
    each = max(most // len(windows), 1)
    return tuple(w if len(w) <= each else w[np.linspace(0, len(w) - 1, each).round().astype(int)] for w in windows)


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, interval and warnings of one system against one reference; the polynomial kernel beside it."""
    if same_audio(system, reference):
        warnings = [SAME]
        score, polynomial = no_difference(), no_difference()
    else:
        warnings = few_clips_of_set(len(system.clip_ids), "unbiased, but the interval is wide and rough")
        most = max(system.window_count, reference.window_count)
        if most > MOST_WINDOWS:
            warnings.append(f"of up to {most} windows {MOST_WINDOWS}, evenly spaced in each clip, are compared")
        score, polynomial = (_evaluated(system, reference, settings, name) for name in KERNELS)
    polynomial["metric"], polynomial["definition"] = POLYNOMIAL, POLYNOMIAL_DEFINITION
    score["warnings"], score["also"] = warnings, [polynomial]
    return score


def _evaluated(system: ClipSet, reference: ClipSet, settings: Settings, name: str) -> Score:
    scale = AUDIO_SCALE if name == "gaussian" else 1.0
    ordered = thinned(tuple(system.windows[i] for i in recording_order(system, reference)), MOST_WINDOWS)
    known = thinned(reference.windows, MOST_WINDOWS)
    if len(ordered) < 2:
        raise ValueError("needs at least two clips")
    k = kernel_of(name, np.concatenate(known))
    with np.errstate(over="ignore", invalid="ignore"):  # refused below, with a message
        sums = [clip_sums(k, a, b) for a, b in ((ordered, ordered), (known, known), (ordered, known))]
    lengths = [np.array([len(w) for w in s], dtype=np.float64) for s in (ordered, known)]

    def distance(counts: np.ndarray) -> float:
        return scale * between_clips(counts, sums, lengths)

    value = distance(np.ones(len(ordered)))
    drawn = replicates(distance, len(ordered), settings.bootstrap, settings.seed)
    low, high, _ = shifted_interval(drawn, value, settings.confidence)
    return {"value": value, "low": low, "high": high, "replicates": drawn}


def between_clips(counts: np.ndarray, sums: list[np.ndarray], lengths: list[np.ndarray]) -> float:
    """The discrepancy of clips drawn `counts` `[clips]` times, over pairs of different clips only.

    `sums` are the `clip_sums` within both sets and across them, `lengths` `[clips]` their windows.
    A clip that is drawn twice would count as two that agree perfectly.
    """
    total = 0.0
    for matrix, length in zip(sums[:2], lengths, strict=True):
        different, drawn = counts @ matrix @ counts - counts**2 @ np.diag(matrix), counts * length
        total += different / (drawn.sum() ** 2 - drawn @ drawn)
    across = counts @ sums[2] @ counts / ((counts @ lengths[0]) * (counts @ lengths[1]))
    value = float(total - 2 * across)
    if not np.isfinite(value):
        raise ValueError("values are too large for a kernel distance in float64")
    return value
