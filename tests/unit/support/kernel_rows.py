"""The kernel distance of two sets of rows, which may differ in number, as kadtk takes windows."""

import numpy as np

from ssmttm.evaluation.metrics.kernel import Kernel, kernel_of


def kernel_distance(x: np.ndarray, y: np.ndarray, kernel: Kernel | str = "gaussian") -> float:
    """Mean k(x, x') + mean k(y, y') - 2 mean k(x, y), x' not x, of `x` `[n, dim]` and the reference `y` `[m, dim]`."""
    k = kernel_of(kernel, y) if isinstance(kernel, str) else kernel
    within = [(k(a, a).sum() - np.trace(k(a, a))) / (len(a) * (len(a) - 1)) for a in (x, y)]
    return float(sum(within) - 2 * k(x, y).mean())
