"""How numbers and names are printed on the page."""

import re
from typing import Any

METRIC_NAMES = {
    "frechet": "Fréchet distance",
    "frechet_infinity": "Fréchet distance, extrapolated",
    "frechet_infinity_distinct": "Fréchet distance, extrapolated without repeats",
    "kernel": "Kernel distance",
    "kernel_polynomial": "Kernel distance, polynomial",
    "kl": "KL divergence",
    "kl_reversed": "KL divergence, reversed",
    "text_audio": "Text–audio score",
    "clap": "CLAP score",
    "prdc": "Density",
    "precision": "Precision",
    "recall": "Recall",
    "coverage": "Coverage",
    "diversity": "Diversity",
    "diversity_reference": "Diversity of the reference",
    "vendi": "Vendi score",
    "training_copies": "Copies of training clips",
}

_BOUNDED = frozenset(["text_audio", "clap", "precision", "recall", "coverage", "training_copies"])
"""Metrics between -1 and 1: they are printed with three decimals."""

COST_NAMES = {
    "steps": "Optimizer steps",
    "flops": "Training FLOPs",
    "gpu_hours": "Device-hours",
    "clips_seen": "Clips seen",
}

REFERENCE_NAMES = {
    "codec": "codec reconstructions",
    "originals": "original recordings",
    "training": "training clips",
}

BASELINE_NAMES = {
    "originals": ("Real clips", "the recordings that the captions describe"),
    "codec": ("Codec reconstruction", "real clips after the codec: the ceiling for every model"),
    "shuffled": ("Shuffled captions", "real clips under other clips’ captions: the floor for matching a caption"),
    "noise": ("Noise", "the floor for sounding like music"),
    "same_track": ("Same track", "other clips of the captions’ own tracks, as the codec gives them"),
    "training_codec": (
        "Training clips through the codec",
        "music that the models were trained on, as the codec gives it",
    ),
    "nearest_caption": ("Nearest caption", "the training clip whose caption is nearest, as the codec gives it"),
    "unigram": ("Single codes", "codes drawn by how often each occurs, whatever came before"),
    "copy": ("Copied codes", "the last code again, as often as music repeats it"),
    "bigram": ("Pairs of codes", "each code drawn by how often it follows the last one: what a model has to beat"),
    "trigram": ("Triples of codes", "each code drawn by how often it follows the last two"),
    "musicgen": ("MusicGen", "a published model, its own training data"),
}

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def minus(number: str) -> str:
    """A printed number with a true minus sign; what is printed as zero has none."""
    return re.sub(r"^-(?=[0.]*$)", "", number).replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """`3.14159` -> `3.14`, `0.000123` -> `0.000123`, `12345.6` -> `12,346`; a true minus sign."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - int(f"{abs(value):e}".split("e")[1]))
    return minus(f"{value:,.{decimals}f}")


def metric_name(metric: str) -> str:
    """The name of a metric on the page; of one without a name, its key with spaces."""
    return METRIC_NAMES.get(metric, metric.replace("_", " ").capitalize())


def score_text(metric: str, value: float) -> str:
    """A score with three digits; a correlation, a cosine or a share with three decimals."""
    if metric not in _BOUNDED:
        return significant(value)
    return minus(f"{value:.3f}")


def cost_text(cost: str, value: float) -> str:
    """An amount of steps, FLOPs, device-hours or clips."""
    if cost == "flops":
        return power_of_ten(value)
    return significant(value) if cost == "gpu_hours" or value < 100 else f"{value:,.0f}"


def known(value: Any) -> bool:
    """Whether a cell of a table holds something: no None, NaN or NA."""
    import pandas as pd  # here, for the command line prints numbers without it

    return value is not None and not pd.isna(value)


def power_of_ten(value: float) -> str:
    """`6.02e12` -> `6.02×10¹²`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPT)}"


def millions(value: float) -> str:
    """`1234567` -> `1.23 M`, `45678` -> `45.7 k`."""
    return f"{significant(value / 1e6)} M" if value >= 1e6 else f"{significant(value / 1e3)} k"


def clock(seconds: float) -> str:
    """`3725` -> `1 h 02 min`, `65` -> `1 min 05 s`, `5.2` -> `5 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"


def budget_name(kind: str, amount: float) -> str:
    """`120 iterations`, `6.00×10¹² FLOPs` or `1.5 GPU-hours`."""
    if kind == "gpu_hours":
        return f"{amount:,g} GPU-hours"
    return f"{amount:,.0f} iterations" if kind == "iterations" else f"{power_of_ten(amount)} FLOPs"
