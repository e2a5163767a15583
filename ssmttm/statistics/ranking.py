"""One scale from paired comparisons (Bradley and Terry 1952; the algorithm is Hunter 2004, equation 3)."""

import numpy as np

PRIOR = 0.5
"""Wins that both systems of every compared pair are given beforehand, so that all strengths are finite."""


def strengths(wins: np.ndarray, tolerance: float = 1e-9, iterations: int = 5000) -> np.ndarray:
    """Log strengths `[..., s]`, mean 0, from wins `[..., s, s]` of the row over the column.

    exp(a) / (exp(a) + exp(b)) is the chance that the first wins. A tie counts half for each. Add
    PRIOR before, see `with_prior`: without it a system that always wins has no finite strength.
    """
    wins = np.asarray(wins, dtype=np.float64)
    met, won = wins + np.swapaxes(wins, -1, -2), wins.sum(axis=-1)
    log = np.zeros(won.shape)
    for _ in range(iterations):
        strength = np.exp(log)
        new = np.log(won) - np.log((met / (strength[..., :, None] + strength[..., None, :])).sum(axis=-1))
        new -= new.mean(axis=-1, keepdims=True)
        if np.abs(new - log).max(initial=0.0) < tolerance:
            return new
        log = new
    return log


def with_prior(wins: np.ndarray, compared: np.ndarray) -> np.ndarray:
    """Wins with PRIOR added for the pairs `compared` `[s, s]`."""
    return wins + PRIOR * compared


def connected(links: np.ndarray) -> np.ndarray:
    """Whether each system reaches each other one by `links` `[..., s, s]` from row to column: bool `[...]`.

    Of compared pairs: all systems can be put on one scale. Of wins: the answers alone, without the prior, give
    all strengths (Ford 1957); else some systems won, or lost, every comparison with the others.
    """
    reach = (links | np.eye(links.shape[-1], dtype=bool)).astype(np.float32)
    for _ in range(links.shape[-1].bit_length()):
        reach = (reach @ reach > 0).astype(np.float32)
    return np.asarray(reach.all(axis=(-2, -1)))
