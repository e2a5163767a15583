import numpy as np
import pytest
from clip_sets import SETTINGS, clips, from_windows, rotation
from kernel_rows import kernel_distance

from ssmttm.evaluation.metrics import kernel
from ssmttm.evaluation.metrics.kernel import AUDIO_SCALE, Gaussian, evaluate, median_distance, thinned


def draw(seed, rows=80, dim=6, shift=0.0):
    return np.random.default_rng(seed).normal(size=(rows, dim)) + shift


def by_hand(x, y, k):
    within = [np.mean([k(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j]) for a in (x, y)]
    return within[0] + within[1] - 2 * np.mean([k(a, b) for a in x for b in y])


def test_is_the_mean_over_pairs_that_the_definition_names():
    x, y = draw(0, 9), draw(1, 7, shift=0.3)
    gaussian = by_hand(x, y, lambda a, b: np.exp(-((a - b) ** 2).sum() / (2 * 1.7**2)))
    assert kernel_distance(x, y, Gaussian(1.7, y[0])) == pytest.approx(gaussian, rel=1e-10)
    cubic = by_hand(x, y, lambda a, b: (a @ b / 6 + 1) ** 3)
    assert kernel_distance(x, y, "polynomial") == pytest.approx(cubic, rel=1e-10)


def test_the_audio_distance_is_a_hundred_times_that_with_the_reference_s_median_distance():
    x, y = draw(0), draw(1, shift=0.5)
    apart = [np.linalg.norm(a - b) for i, a in enumerate(y) for b in y[:i]]
    assert median_distance(y) == pytest.approx(np.median(apart))
    assert AUDIO_SCALE == 100
    assert kernel_distance(x, y) == pytest.approx(kernel_distance(x, y, Gaussian(np.median(apart), y[0])))
    assert kernel_distance(x, y) != pytest.approx(kernel_distance(y, x), rel=1e-6)


@pytest.mark.parametrize("kernel", ["gaussian", "polynomial"])
def test_of_one_distribution_it_is_zero_in_the_mean_at_any_size(kernel):
    for rows in (5, 40):
        values = [kernel_distance(draw(s, rows), draw(5000 + s, rows), kernel) for s in range(150)]
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(150)
        assert min(values) < 0  # which is why none is cut off


@pytest.mark.parametrize("kernel", ["gaussian", "polynomial"])
def test_order_and_turns_change_nothing(kernel):
    x, y, turn = draw(0), draw(1, shift=0.5), rotation(6)
    value = kernel_distance(x, y, kernel)
    assert kernel_distance(x[::-1], np.roll(y, 5, axis=0), kernel) == pytest.approx(value, rel=1e-9)
    assert kernel_distance(x @ turn, y @ turn, kernel) == pytest.approx(value, rel=1e-9)


def test_moving_both_sets_far_away_changes_nothing_of_the_gaussian_kernel():
    x, y = draw(0), draw(1, shift=0.5)
    assert kernel_distance(x + 1e5, y + 1e5) == pytest.approx(kernel_distance(x, y), rel=1e-6)


@pytest.mark.parametrize("kernel", ["gaussian", "polynomial"])
def test_grows_with_every_step_of_the_mean(kernel):
    x, y = draw(0), draw(1)
    values = [kernel_distance(x + step, y, kernel) for step in (0.2, 0.5, 1.0, 2.0)]
    assert values == sorted(values)


def test_what_has_no_distance_is_refused():
    with pytest.raises(ValueError, match="no bandwidth"):
        kernel_distance(draw(0), np.ones((5, 6)))
    with pytest.raises(ValueError, match="positive"):
        Gaussian(0.0, np.zeros(6))
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="too large"):
        kernel.between_clips(np.ones(2), [np.full((2, 2), np.inf)] * 3, [np.ones(2)] * 2)


def test_a_score_holds_its_value_and_tells_of_few_clips():
    found = evaluate(clips(0), clips(1, shift=0.5), SETTINGS)
    assert found["low"] < found["value"] < found["high"]
    assert "only 40 clips" in found["warnings"][0]
    assert found["also"][0]["metric"] == "kernel_polynomial"
    assert found["low"] < np.mean(found["replicates"]) and len(found["replicates"]) == SETTINGS.bootstrap


def test_only_pairs_of_different_clips_count():
    system, reference = clips(0, 7, 3), clips(1, 7, 3, shift=0.5)
    width = median_distance(np.concatenate(reference.windows))

    def mean(a, b, same):
        pairs = [(i, j) for i in range(7) for j in range(7) if same or i != j]
        apart = [((x - y) ** 2).sum() for i, j in pairs for x in a.windows[i] for y in b.windows[j]]
        return np.exp(-np.array(apart) / (2 * width**2)).mean()

    expected = mean(system, system, False) + mean(reference, reference, False) - 2 * mean(system, reference, True)
    assert evaluate(system, reference, SETTINGS)["value"] == pytest.approx(100 * expected, rel=1e-9)


def test_of_one_window_per_clip_it_is_the_distance_of_rows():
    system, reference = clips(0, 40, 1), clips(1, 40, 1, shift=0.5)
    x, y = (np.concatenate(s.windows) for s in (system, reference))
    assert evaluate(system, reference, SETTINGS)["value"] == pytest.approx(100 * kernel_distance(x, y), rel=1e-9)


@pytest.mark.parametrize(("windows", "dim"), [(2, 5), (8, 32)])
def test_of_one_distribution_the_score_is_zero_in_the_mean_and_its_interval_holds_it(windows, dim):
    found = [evaluate(clips(s, 25, windows, dim), clips(1000 + s, 25, windows, dim), SETTINGS) for s in range(20)]
    values = np.array([f["value"] for f in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(20)
    assert sum(f["low"] <= 0 <= f["high"] for f in found) >= 16


def test_of_many_windows_some_of_each_clip_are_taken(monkeypatch):
    system, reference = clips(0, 30, 40, spread=0.2), clips(1, 30, 40, spread=0.2, shift=0.5)
    full = evaluate(system, reference, SETTINGS)
    monkeypatch.setattr(kernel, "MOST_WINDOWS", 300)
    assert [len(w) for w in thinned(system.windows, 300)] == [10] * 30
    few = evaluate(system, reference, SETTINGS)
    assert few["value"] == pytest.approx(full["value"], rel=0.05)
    assert any("of up to 1200 windows 300" in w for w in few["warnings"]) and len(full["warnings"]) == 1


def test_the_same_audio_is_zero_and_a_constant_one_is_refused():
    assert evaluate(clips(0), clips(0), SETTINGS)["value"] == 0
    with pytest.raises(ValueError, match="no bandwidth"):
        evaluate(clips(0), from_windows(np.ones((40, 6, 5))), SETTINGS)
