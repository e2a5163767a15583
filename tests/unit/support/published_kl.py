"""The divergences that others publish under the name KL, to compare ours with."""

from collections.abc import Sequence

import numpy as np
from scipy.special import log_softmax, softmax

ADDED = 1e-6
"""What both definitions add to the distribution inside the logarithm."""


def softmax_of_mean_logits(windows: Sequence[np.ndarray]) -> np.ndarray:
    """One distribution per clip, `[n, classes]`: logits `[n_i, classes]` averaged over windows, then softmax."""
    return softmax(np.stack([w.mean(axis=0) for w in windows]), axis=1)


def stable_audio_metrics_kl(reference: Sequence[np.ndarray], generated: Sequence[np.ndarray]) -> np.ndarray:
    """KL(generated || reference) per clip as stable-audio-metrics has it, `[n]`; its score is the mean.

    Both are logits `[n_i, classes]` by clip. kl_div(log(r + 1e-6), g) = sum g (log g - log(r + 1e-6)),
    with r and g the softmaxes of the mean logits. By the 1e-6 it can fall slightly below zero.
    """
    r, g = (softmax_of_mean_logits(windows) for windows in (reference, generated))
    means = [w.mean(axis=0) for w in generated]
    return (g * (log_softmax(np.stack(means), axis=1) - np.log(r + ADDED))).sum(axis=1)


def audiocraft_kl(reference: Sequence[np.ndarray], generated: Sequence[np.ndarray]) -> np.ndarray:
    """KL(reference || generated) per segment as audiocraft's "kld" has it; its score is the mean over segments.

    Both are logits `[n_i, classes]` by clip, a row for each segment that doesn't overlap the next.
    kl_div(log(g + 1e-6), r) = sum r (log r - log(g + 1e-6)), with r and g the softmaxes of a
    segment, segment j of a clip meeting segment j of its reference. `[segments of all clips]`, so longer clips
    weigh more.
    """
    r, g = (np.concatenate(list(windows)) for windows in (reference, generated))
    return (softmax(r, axis=1) * (log_softmax(r, axis=1) - np.log(softmax(g, axis=1) + ADDED))).sum(axis=1)
