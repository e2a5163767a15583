"""How a contract's test says that it doesn't hold, and the sounds that it tries a plug-in on."""

import numpy as np


def hold(holds: bool, otherwise: str) -> None:
    """Raise AssertionError that says `otherwise` unless it `holds`; unlike `assert`, under Python's option -O, too."""
    if not holds:
        raise AssertionError(otherwise)


def music(seconds: float, sample_rate: int = 24000, seed: int = 0) -> np.ndarray:
    """A chord with noise that changes over time, float32 [n]."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    wave = np.zeros(len(time))
    for frequency in generator.uniform(100, 3000, 4):
        wave += 0.1 * np.sin(2 * np.pi * frequency * time * (1 + 0.02 * time))
    return np.asarray(wave + 0.02 * generator.normal(size=len(time)), np.float32)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """White noise, float32 [n]."""
    return np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)
