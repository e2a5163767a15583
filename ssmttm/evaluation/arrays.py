"""What every metric asks of its arrays: rows of finite numbers, in float64."""

import numpy as np


def rows(x: np.ndarray, name: str = "x", least: int = 1) -> np.ndarray:
    """`x` as float64 `[n, dim]`; ValueError unless it is finite, has `least` rows and a column or more."""
    try:
        x = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is no array of numbers [n, dim]: {error}") from error
    if x.ndim != 2 or x.shape[1] < 1:
        raise ValueError(f"expected {name} as [n, dim], got {x.shape}")
    if len(x) < least:
        raise ValueError(f"{name} needs at least {least} rows, got {len(x)}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return x


def two(x: np.ndarray, y: np.ndarray, least: int = 1, names: tuple[str, str] = ("x", "y")) -> tuple[np.ndarray, ...]:
    """Both as `rows`, of equal width; ValueError otherwise."""
    x, y = rows(x, names[0], least), rows(y, names[1], least)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"{names[0]} {x.shape} and {names[1]} {y.shape} differ in width")
    return x, y


def unit(x: np.ndarray, name: str = "x") -> np.ndarray:
    """Rows of `x` at length one; ValueError for a row of zeros, which has no direction."""
    x = rows(x, name)
    # The greatest value is divided out first, so that no square overflows or vanishes.
    largest = np.abs(x).max(axis=1, keepdims=True)
    if not (largest > 0).all():
        raise ValueError(f"{name}: row {int(np.argmin(largest))} is zero, and has no direction")
    x = x / largest
    return x / np.linalg.norm(x, axis=1, keepdims=True)
