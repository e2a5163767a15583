"""What a library that listens estimates of a clip."""

from typing import NamedTuple


class Rhythm(NamedTuple):
    """Two tempos, each by an estimator of its own, and how often a note starts."""

    tempo_bpm: float
    """0 or not finite for none, as the next one."""
    other_bpm: float
    onset_rate_hz: float


class Key(NamedTuple):
    """The key that fits one profile best."""

    note: str
    scale: str
    strength: float
    """Correlation with the profile."""
