"""Fréchet distances: are they right, and how fast? Prints figures beside their goals, and exits 1 on a wrong value.

The distance is timed against the product of covariances through `scipy.linalg.sqrtm`, real (as
pytorch-fid and its descendants) and complex (as the frechet-audio-distance package). Its value is checked against
that, and both against a case whose value is known: samples that are whitened and then scaled along common axes.

Two threads of linear algebra wait for each other: on a machine that does something else, set OMP_NUM_THREADS=1.

    python benchmarks/metrics.py [--rows 5000] [--dim 1024] [--clips 500] [--resamples 100] [--repeats 3]
"""

import argparse
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
from scipy.linalg import sqrtm

from ssmttm.evaluation.metric import Settings
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.evaluation.metrics.frechet_infinity import interval, replicated

VALUE_GOAL, SPEED_GOAL, SECONDS_GOAL = 1e-9, 6.0, 20.0
FAD_INF_DIM = 512
Distance = Callable[[np.ndarray, np.ndarray], float]


def by_sqrtm(x: np.ndarray, y: np.ndarray, kind: type = float) -> float:
    """The distance as the packages take it, from the same rows."""
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    shift = x.mean(axis=0) - y.mean(axis=0)
    return float(shift @ shift + np.trace(s) + np.trace(t) - 2 * np.trace(sqrtm(s.dot(t).astype(kind)).real))


def correlated(rows: int, dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(dim, dim)) / np.sqrt(dim)
    other = mix + 0.3 * rng.normal(size=(dim, dim)) / np.sqrt(dim)
    return rng.normal(size=(rows, dim)) @ mix, rng.normal(size=(rows, dim)) @ other + 0.1


def known(rows: int, dim: int, decades: float, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Two samples whose deviations along common axes fall over `decades`, and their exact distance."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    a = np.logspace(0, -decades, dim)
    b = a * rng.uniform(0.5, 1.5, dim)
    samples = []
    for scale in (a, b):
        white, _ = np.linalg.qr(centered(rng.normal(size=(rows, dim))))
        samples.append((centered(white) * np.sqrt(rows - 1) * scale) @ turn)
    return samples[0], samples[1] + 0.01, float(((a - b) ** 2).sum() + dim * 1e-4)


def centered(x: np.ndarray) -> np.ndarray:
    return x - x.mean(axis=0)


def timed(call: Callable[[], object], repeats: int) -> tuple[object, float, float]:
    """The result, the least of `repeats` times in s, and the memory that it takes, in MB."""
    best, result = np.inf, None
    for _ in range(repeats):
        started = time.perf_counter()
        result = call()
        best = min(best, time.perf_counter() - started)
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return result, best, peak


def apart(found: float, expected: float) -> float:
    return abs(found - expected) / abs(expected)


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def measure_distance(rows: int, dim: int, repeats: int) -> bool:
    x, y = correlated(rows, dim, 0)
    ways: list[tuple[str, Distance]] = [
        ("frechet_distance", frechet_distance),
        ("sqrtm, real", by_sqrtm),
        ("sqrtm, complex", lambda x, y: by_sqrtm(x, y, complex)),
    ]
    results = []
    for name, way in ways:
        value, seconds, peak = timed(lambda way=way: way(x, y), repeats if way is frechet_distance else 1)
        print(f"  {name:18} {value:.12f}  {seconds:7.2f} s  {peak:6.0f} MB", flush=True)
        results.append((float(value), seconds))
    (value, seconds), (real, real_seconds), (_, complex_seconds) = results
    fast = real_seconds / seconds
    print(f"  {fast:.1f} x faster than real sqrtm, {complex_seconds / seconds:.1f} x than complex", end="")
    print(f" (goal {SPEED_GOAL:g} x: {verdict(fast >= SPEED_GOAL)})")
    right = apart(value, real) <= VALUE_GOAL
    print(f"  differs from real sqrtm by {apart(value, real):.1e} (goal {VALUE_GOAL:g}: {verdict(right)})")
    return right


def measure_truth(rows: int, dim: int) -> bool:
    right = True
    for decades in (0, 1, 2, 4):
        x, y, truth = known(rows, dim, decades, 1)
        ours, theirs = apart(frechet_distance(x, y), truth), apart(by_sqrtm(x, y), truth)
        right &= ours <= VALUE_GOAL
        print(f"  deviations over {decades} decades: off by {ours:.1e}; sqrtm by {theirs:.1e}", flush=True)
    print(f"  goal {VALUE_GOAL:g}: {verdict(right)}")
    return right


def measure_extrapolation(rows: int, dim: int, clips: int, resamples: int) -> None:
    x, y = correlated(rows, dim, 2)
    parts = np.array_split(x, clips)
    busy = time.process_time()
    settings = Settings(resamples, 0.95, 0)
    (fit, drawn), seconds, peak = timed(lambda: replicated(parts, y, settings), 1)
    low, high = interval(drawn, settings.confidence)
    busy = (time.process_time() - busy) / 2  # it ran twice: once for its time, once for its memory
    print(f"  a = {fit.value:.4f} [{low:.4f}, {high:.4f}], b = {fit.slope:.1f}, R2 = {fit.r_squared:.4f}")
    met = verdict(seconds < SECONDS_GOAL)
    print(f"  {seconds:.1f} s ({busy:.1f} s of processor time), {peak:.0f} MB (goal {SECONDS_GOAL:g} s: {met})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)
    print(f"Fréchet distance of {chosen.rows} x {chosen.dim} embeddings")
    right = measure_distance(chosen.rows, chosen.dim, chosen.repeats)
    print(f"against the exact value, {chosen.rows // 2} x {chosen.dim // 4}")
    right &= measure_truth(chosen.rows // 2, chosen.dim // 4)
    dim = min(FAD_INF_DIM, chosen.dim)
    print(f"FAD-inf, 25 sizes, {chosen.resamples} resamples of {chosen.clips} clips, {chosen.rows} x {dim}")
    measure_extrapolation(chosen.rows, dim, chosen.clips, chosen.resamples)
    if not right:
        sys.exit(1)


if __name__ == "__main__":
    main()
