import warnings

import numpy as np
import pytest
from clip_sets import SETTINGS, clips, exact, from_windows, rotation
from scipy import linalg

from ssmttm.evaluation import gaussian
from ssmttm.evaluation.clipset import recording_order
from ssmttm.evaluation.metrics.frechet import (
    evaluate,
    frechet_distance,
    frechet_distance_of_statistics,
    frechet_per_clip,
)


def draw(seed, rows=300, dim=12, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, dim)) @ rng.normal(size=(dim, dim)) + shift


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (3.0, 1.0), (0.5, 2.0), (-2.0, 0.0), (1.0, 1e-6)])
def test_one_dimension_has_its_closed_form(mean, deviation):
    x = exact(200, 1, 0)
    found = frechet_distance(x, mean + deviation * exact(300, 1, 1))
    assert found == pytest.approx(mean**2 + (1 - deviation) ** 2, rel=1e-12, abs=1e-12)


def test_known_spectra_are_exact_where_covariances_are_nearly_singular():
    a, turn = np.logspace(0, -7, 30), rotation(30)
    b = a * np.random.default_rng(0).uniform(0.5, 1.5, 30)
    x, y = (exact(200, 30, seed) * s @ turn for seed, s in ((1, a), (2, b)))
    assert frechet_distance(x, y) == pytest.approx(((a - b) ** 2).sum(), rel=1e-11)


def test_dependent_columns_cost_no_accuracy():
    x, y = draw(0, dim=6), draw(1, dim=6)
    wide = np.random.default_rng(2).normal(size=(6, 6))
    once, twice = frechet_distance(x, y), frechet_distance(np.hstack([x, x @ wide]), np.hstack([y, y @ wide]))
    lifted = np.hstack([np.eye(6), wide])
    _, r = np.linalg.qr(lifted.T)
    assert twice == pytest.approx(frechet_distance(x @ r.T, y @ r.T), rel=1e-11)
    assert twice > once


@pytest.mark.parametrize("rows", [8, 300])
def test_moving_turning_and_shuffling_both_sets_changes_nothing(rows):
    x, y, turn = draw(0, rows), draw(1, rows, shift=0.5), rotation(12)
    value = frechet_distance(x, y)
    assert frechet_distance(x + 7, y + 7) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(x[::-1], np.roll(y, 3, axis=0)) == pytest.approx(value, rel=1e-9)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * value, rel=1e-9)


def test_grows_with_every_step_of_the_mean():
    x = draw(0)
    values = [frechet_distance(x, x + step) for step in (0.0, 0.1, 0.2, 0.5, 1.0, 5.0)]
    assert values == sorted(values) and values[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("rows", "dim"), [(300, 12), (5, 12), (2, 40), (13, 12)])
def test_never_negative_and_zero_to_itself(rows, dim):
    x = draw(0, rows, dim)
    assert 0 <= frechet_distance(x, x) <= 1e-9 * np.trace(np.atleast_2d(np.cov(x.T)))
    assert 0 <= frechet_distance(x, x[::-1]) <= 1e-9 * np.trace(np.atleast_2d(np.cov(x.T)))


def test_statistics_give_the_distance_of_their_rows():
    x, y = draw(0), draw(1, shift=1.0)
    found = frechet_distance_of_statistics(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    assert found == pytest.approx(frechet_distance(x, y), rel=1e-11)
    few = draw(2, rows=7)
    found = frechet_distance_of_statistics(few.mean(0), np.cov(few.T), y.mean(0), np.cov(y.T))
    assert found == pytest.approx(frechet_distance(few, y), rel=1e-7)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda m, c: (m, c[:2]), "don't fit"),
        (lambda m, c: (m[:2], c), "don't fit"),
        (lambda m, c: (m, c + np.triu(np.ones_like(c), 1)), "not symmetric"),
        (lambda m, c: (m, -c), "negative eigenvalues"),
        (lambda m, c: (m * np.nan, c), "NaN"),
        (lambda m, c: (m, c * np.inf), "NaN or infinite"),
    ],
)
def test_matrices_that_are_no_covariances_are_refused(broken, message):
    x = draw(0, dim=4)
    mean, covariance = x.mean(0), np.cov(x.T)
    for order in (1, -1):
        pairs = [broken(mean, covariance), (mean, covariance)][::order]
        with pytest.raises(ValueError, match=message):
            frechet_distance_of_statistics(*pairs[0], *pairs[1])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((5, 3), np.nan), "NaN"),
        (np.full((5, 3), np.inf), "infinite"),
        (np.zeros((0, 3)), "at least 2 rows"),
        (np.zeros((5, 0)), "expected"),
        (np.zeros((2, 3, 4)), "expected"),
        (1e200 * np.arange(15.0).reshape(5, 3), "too large"),
        ([[1.0, 2.0], [3.0]], "no array of numbers"),
        ([["a", "b", "c"]] * 3, "no array of numbers"),
    ],
)
def test_what_is_no_set_of_embeddings_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(x, draw(0, 10, 3))
    with pytest.raises(ValueError, match=message):
        frechet_distance(draw(0, 10, 3), x)


def test_the_rank_of_a_covariance_is_counted():
    def rank(x):
        return gaussian.rank(gaussian.statistics(x)[1])

    x = draw(0, 50, 6)
    assert rank(x) == 6
    assert rank(np.hstack([x, x[:, :3] + 2 * x[:, 1:4], np.full((50, 1), 1e6)])) == 6
    assert rank(x[:4]) == 3
    assert rank(np.ones((5, 3))) == 0


def test_dimensions_that_repeat_are_told_of():
    system, reference = clips(0, 60, 4, 8), clips(1, 60, 4, 8)
    assert not evaluate(system, reference, SETTINGS)["warnings"]
    twice = [from_windows([np.tile(w, 2) for w in s.windows], s.name) for s in (system, reference)]
    found = evaluate(*twice, SETTINGS)
    assert any("the embeddings of system fill only 8 of 16 dimensions" in w for w in found["warnings"])
    assert found["value"] == pytest.approx(2 * evaluate(system, reference, SETTINGS)["value"])


def test_an_odd_clip_is_the_farthest_of_all():
    system, reference = clips(0), clips(1)
    parts = list(system.windows)
    parts[7] = parts[7] + 20
    found = frechet_per_clip(parts, np.concatenate(reference.windows))
    assert found.shape == (40,) and found.argmax() == 7 and (found >= 0).all()


def test_a_clip_alone_is_measured_as_a_set_of_its_own_windows():
    reference = draw(1, 200, 5)
    parts = [draw(2, 50, 5), draw(3, 3, 5), draw(4, 1, 5)]
    found = frechet_per_clip(parts, reference)
    assert found[0] == pytest.approx(frechet_distance(parts[0], reference), rel=1e-9)
    assert found[1] == pytest.approx(frechet_distance(parts[1], reference), rel=1e-7)
    assert found[2] == pytest.approx(frechet_distance(np.repeat(parts[2], 2, axis=0), reference), rel=1e-9)


def sqrtm_with_retry(x, y, kind):
    """The distance through the root of the product of covariances; 1e-6 on their diagonals where that isn't finite."""
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        product = linalg.sqrtm(s.dot(t).astype(kind))
        if not np.isfinite(product).all():
            offset = 1e-6 * np.eye(len(s))
            product = linalg.sqrtm((s + offset).dot(t + offset).astype(kind))
    shift = x.mean(axis=0) - y.mean(axis=0)
    return shift @ shift + np.trace(s) + np.trace(t) - 2 * np.trace(product.real)


@pytest.mark.parametrize("kind", [float, complex])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_formula_of_the_reference_packages(kind, seed):
    x, y = draw(seed, 400, 24), draw(seed + 100, 350, 24, 0.3)
    assert frechet_distance(x, y) == pytest.approx(sqrtm_with_retry(x, y, kind), rel=1e-6)


def package_or_skip(name, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # what they import asks the hub for tokenizers, for minutes
    return pytest.importorskip(name, reason=f"no {name} here", exc_type=ImportError)


def test_agrees_with_the_frechet_audio_distance_package(monkeypatch):
    package = package_or_skip("frechet_audio_distance", monkeypatch)
    x, y = draw(5, 400, 24), draw(6, 350, 24, 0.3)
    tool = object.__new__(package.FrechetAudioDistance)  # its constructor loads a model
    theirs = tool.calculate_frechet_distance(*tool.calculate_embd_statistics(x), *tool.calculate_embd_statistics(y))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-6)


def test_agrees_with_fadtk(monkeypatch):
    package = package_or_skip("fadtk.fad", monkeypatch)
    x, y = draw(7, 400, 24), draw(8, 350, 24, 0.3)
    theirs = package.calc_frechet_distance(*package.calc_embd_statistics(x), *package.calc_embd_statistics(y))
    assert frechet_distance(x, y) == pytest.approx(theirs, rel=1e-6)


def damaged(reference, seed):
    """What a codec does: every window a little off, and all of them in one direction."""
    rng = np.random.default_rng(seed)
    return [w + 0.3 + 0.1 * rng.normal(size=w.shape) for w in reference.windows]


def test_shuffled_captions_have_the_interval_of_the_same_audio_in_order():
    originals = clips(0)
    codec = from_windows(damaged(originals, 1), "codec")
    order = np.random.default_rng(2).permutation(40)
    shuffled = from_windows([originals.windows[i] for i in order], "shuffled")
    in_order, out_of_order = (evaluate(s, codec, SETTINGS) for s in (originals, shuffled))
    for key in ("value", "low", "high"):
        assert out_of_order[key] == pytest.approx(in_order[key], rel=1e-9)


def test_unrelated_clips_are_drawn_by_caption():
    assert np.array_equal(recording_order(clips(0), clips(1)), np.arange(40))
    reference = clips(0)
    assert np.array_equal(recording_order(from_windows(damaged(reference, 1)), reference), np.arange(40))


def test_intervals_cover_the_spread_of_new_samples():
    """The interval tells of the spread around the value expected at this size; so check its width by new draws."""
    values, widths = [], []
    for seed in range(25):
        found = evaluate(clips(seed), clips(1000 + seed, shift=0.5), SETTINGS)
        values.append(found["value"])
        widths.append(found["high"] - found["low"])
    assert 0.6 < np.median(widths) / (4 * np.std(values)) < 1.6


def test_few_windows_for_each_dimension_are_told():
    def warned(count, windows):
        return " ".join(evaluate(clips(0, count, windows), clips(1, count, windows), SETTINGS)["warnings"])

    assert "lack full rank" in warned(2, 2)
    assert "fewer than 10 for each" in warned(8, 5)
    assert warned(60, 5) == ""


@pytest.mark.parametrize(("n", "m", "dim"), [(200, 150, 9), (6, 5, 30), (200, 6, 30), (6, 200, 30), (12, 10, 9)])
@pytest.mark.parametrize("dependent", [False, True])
def test_a_row_that_counts_twice_is_two_rows(n, m, dim, dependent):
    rng = np.random.default_rng(n + m)
    x, y = rng.normal(size=(n, dim)), rng.normal(1, 2, size=(m, dim))
    if dependent:
        x[:, 0], y[:, 0] = x[:, 1], y[:, 1]
    counts_x, counts_y = (rng.integers(0, 3, size=k).astype(float) for k in (n, m))
    repeated = frechet_distance(x.repeat(counts_x.astype(int), 0), y.repeat(counts_y.astype(int), 0))
    assert gaussian.between(x, y, counts_x, counts_y) == pytest.approx(repeated, rel=1e-9)
