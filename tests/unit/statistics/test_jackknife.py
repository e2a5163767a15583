"""What each clip adds to a score that is no mean."""

import numpy as np
import pytest

from ssmttm.statistics.jackknife import MOST, influences


def test_of_a_mean_they_are_the_values_themselves():
    values = np.random.default_rng(0).normal(size=9)
    found = influences(lambda kept: np.array([values[kept].mean()]), 9)
    assert found[0] == pytest.approx(values)


def test_their_mean_is_the_score_and_their_spread_the_jackknifes():
    values = np.random.default_rng(1).gamma(2, size=40)

    def scores(kept):
        return np.array([np.log(values[kept].mean()), values[kept].var()])

    found = influences(scores, 40)
    assert found.mean(axis=1) == pytest.approx(scores(np.arange(40)))
    left_out = np.stack([scores(np.delete(np.arange(40), i)) for i in range(40)])
    expected = np.sqrt(39 / 40 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    assert found.std(axis=1, ddof=1) / np.sqrt(40) == pytest.approx(expected)


@pytest.mark.parametrize("clips", [1, 2, MOST + 1])
def test_too_few_or_too_many_clips_have_none(clips):
    assert influences(lambda kept: np.zeros(1), clips) is None
