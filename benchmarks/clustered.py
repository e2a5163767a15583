"""How often does the clustered test of losses err where nothing differs, and what does it see? Prints two tables.

Losses of two designs are simulated clip by clip: what clips, tracks, artists and seeds add to their difference is
normal. False positives are the share of studies in which the difference's p-value is below 5 %, which is also how often
the 95 % interval leaves out zero. Beside it stands the test that takes clips for independent.

Given `likelihoods.parquet` of runs, the second table is of their own differences: standard errors as measured, and the
power to see 0.1 nats with so many artists and seeds.

    python benchmarks/clustered.py [--studies 4000] [--pairs A.parquet B.parquet [A2.parquet B2.parquet ...]]
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import stats

from ssmttm.statistics.clustered import ClusterMeans, cluster_means, estimate, power, standard_error
from ssmttm.tables import read_table

LEVEL, EFFECT, TRACKS, CLIPS = 0.05, 0.1, 4, 6
NOISE = {"track": 0.5, "clip": 0.5}
"""Deviations of what tracks and clips add, in those of artists, or of seeds."""
CASES = {
    "artists differ": (1.0, 0.0),
    "artists differ, seeds little": (1.0, 0.3),
    "artists and seeds differ": (1.0, 1.0),
    "seeds differ": (0.2, 1.0),
    "clips alone differ": (0.0, 0.0),
}


def differences(rng: np.random.Generator, artists: int, seeds: int, artist: float, seed: float) -> np.ndarray:
    """Differences `[seeds, artists * TRACKS * CLIPS]` whose truth is zero."""
    shape = artists, TRACKS, CLIPS
    common = artist * rng.normal(size=(artists, 1, 1)) + NOISE["track"] * rng.normal(size=(artists, TRACKS, 1))
    common = common + NOISE["clip"] * rng.normal(size=shape) if artist else np.zeros(shape)
    own = 0.4 * rng.normal(size=(seeds, *shape)) + seed * rng.normal(size=(seeds, 1, 1, 1))
    return (common + own).reshape(seeds, -1)


def rates(artists: int, seeds: int, case: tuple[float, float], studies: int) -> tuple[float, float]:
    """How often the clustered test, and one that takes clips for independent, find what isn't there."""
    names = np.repeat([str(i) for i in range(artists)], TRACKS * CLIPS)
    tracks = np.repeat([str(i) for i in range(artists * TRACKS)], CLIPS)
    clustered, independent = 0, 0
    for study in range(studies):
        found = differences(np.random.default_rng([study, artists, seeds]), artists, seeds, *case)
        p = estimate(cluster_means(found, list(tracks), list(names)), 1 - LEVEL).p_value
        clustered += p is not None and p < LEVEL
        independent += stats.ttest_1samp(found.mean(axis=0), 0).pvalue < LEVEL
    return clustered / studies, independent / studies


def percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")


def calibration(studies: int) -> None:
    print("| what differs | artists | seeds | clustered | clips as independent |")
    print("| --- | --- | --- | --- | --- |")
    for what, case in CASES.items():
        for artists, seeds in ((6, 1), (6, 3), (12, 3), (6, 2)):
            if seeds > 1 or not case[1]:
                found = (percent(rate) for rate in rates(artists, seeds, case, studies))
                print(f"| {what} | {artists} | {seeds} | {' | '.join(found)} |")


def measured(pairs: list[tuple[Path, Path]]) -> None:
    """From seeds' differences between two designs on the same clips: what the test sees with artists and seeds."""
    rows, first = [], None
    for a, b in pairs:
        one, other = (read_table(path, "likelihoods").to_pandas().sort_values("clip_id") for path in (a, b))
        one, other = one[one["split"] == "test"], other[other["split"] == "test"]
        first = one if first is None else first
        rows.append(other["first"].to_numpy() - one["first"].to_numpy())
    assert first is not None
    means = cluster_means(np.stack(rows), list(first["track_id"]), list(first["artist"]))
    found = estimate(means, 1 - LEVEL)
    error, freedom = standard_error(means.values)
    print(
        f"\n{len(pairs)} seeds, {found.clusters} clusters ({means.unit}s): difference {found.mean:.3f} nats, ", end=""
    )
    print(f"standard error {error:.4f}, {freedom:.1f} degrees of freedom")
    between, by_seed, rest = components(means)
    print(f"variance between {means.unit}s {between:.2g}, seeds {by_seed:.2g}, the rest {rest:.2g}\n")
    print(f"| {means.unit}s | seeds | power to see {EFFECT} nats |\n| --- | --- | --- |")
    for clusters, seeds in ((4, 1), (4, 3), (6, 1), (6, 3), (12, 3)):
        print(f"| {clusters} | {seeds} | {percent(seen(clusters, seeds, (between, by_seed, rest)))} |")


def components(means: ClusterMeans) -> tuple[float, float, float]:
    """Variances between clusters, between seeds, and of what is left, from mean squares."""
    values = means.values
    seeds, clusters = values.shape
    if seeds == 1:
        return float(values.var(ddof=1)), 0.0, 0.0
    rest = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    residual = float((rest**2).sum() / ((seeds - 1) * (clusters - 1)))
    between = max(float(values.mean(axis=0).var(ddof=1)) - residual / seeds, 0.0)
    return between, max(float(values.mean(axis=1).var(ddof=1)) - residual / clusters, 0.0), residual


def seen(clusters: int, seeds: int, variances: tuple[float, float, float], studies: int = 2000) -> float:
    """Power by simulation from the variances; of one seed by the t test's own formula, where seeds add nothing."""
    between, by_seed, rest = variances
    if seeds == 1 and not by_seed:
        return power(float(np.sqrt((between + rest) / clusters)), clusters - 1, EFFECT)
    hits = 0
    for study in range(studies):
        rng = np.random.default_rng([study, clusters, seeds])
        values = (
            EFFECT + np.sqrt(between) * rng.normal(size=(1, clusters)) + np.sqrt(by_seed) * rng.normal(size=(seeds, 1))
        )
        values = values + np.sqrt(rest) * rng.normal(size=(seeds, clusters))
        p = estimate(ClusterMeans(values, "artist"), 1 - LEVEL).p_value
        hits += p is not None and p < LEVEL
    return hits / studies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--pairs", type=Path, nargs="*", default=[], help="files of a design and another, seed by seed")
    options = parser.parse_args()
    if len(options.pairs) % 2:
        parser.error("--pairs: each file of one design needs the other's of the same seed")
    calibration(options.studies)
    if options.pairs:
        measured(list(zip(options.pairs[::2], options.pairs[1::2], strict=True)))


if __name__ == "__main__":
    main()
