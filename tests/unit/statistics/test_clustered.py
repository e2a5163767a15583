"""Means over clusters of clips and seeds: what they are, and how often their test errs."""

import numpy as np
import pytest
from scipy import stats

from ssmttm.statistics.clustered import ClusterMeans, cluster_means, estimate, power, standard_error


def rejections(draw, studies=1500, level=0.05):
    """The share of simulated studies whose test finds a difference, and whose interval leaves out zero."""
    found = [estimate(ClusterMeans(draw(np.random.default_rng(i)), "artist"), 1 - level) for i in range(studies)]
    missed = np.mean([one.low > 0 or one.high < 0 for one in found])
    assert missed == np.mean([one.p_value < level for one in found])
    return missed


def test_every_artist_counts_equally_and_within_it_every_track():
    values = np.array([1.0, 3.0, 8.0, 10.0])
    found = cluster_means(values, ["t1", "t1", "t2", "t3"], ["a", "a", "a", "b"])
    assert found.unit == "artist" and found.values.tolist() == [[5.0, 10.0]]
    assert found.mean == 7.5


def test_tracks_of_one_name_by_two_artists_are_two():
    found = cluster_means(np.array([1.0, 3.0, 5.0]), ["t", "t", "u"], ["a", "b", "b"])
    assert found.values.tolist() == [[1.0, 4.0]]


def test_of_a_single_artist_clusters_are_tracks_and_of_a_single_track_there_is_no_interval():
    found = cluster_means(np.arange(4.0), ["t1", "t1", "t2", "t2"], ["a"] * 4)
    assert found.unit == "track" and found.values.tolist() == [[0.5, 2.5]]
    alone = estimate(cluster_means(np.arange(4.0), ["t"] * 4, ["a"] * 4), 0.95)
    assert (alone.mean, alone.low, alone.high, alone.p_value) == (1.5, None, None, None)


def test_with_one_seed_it_is_students_t_over_clusters():
    values = np.random.default_rng(0).normal(0.5, 1, 7)
    found = estimate(ClusterMeans(values[None], "artist"), 0.9)
    expected = stats.ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(expected.confidence_interval(0.9))


def test_more_clips_of_the_same_tracks_make_no_narrower_interval():
    rng = np.random.default_rng(1)
    tracks = rng.normal(size=6)
    names = [f"t{i}" for i in range(6)]
    few = estimate(cluster_means(tracks, names, names), 0.95)
    many = estimate(cluster_means(np.repeat(tracks, 50), np.repeat(names, 50), np.repeat(names, 50)), 0.95)
    assert (many.low, many.high) == pytest.approx((few.low, few.high))


@pytest.mark.parametrize(("artist", "seed"), [(1.0, 0.0), (1.0, 0.3), (1.0, 1.0), (0.2, 1.0)])
def test_over_three_seeds_and_six_artists_nothing_is_found_in_about_one_of_twenty(artist, seed):
    def draw(rng):
        return artist * rng.normal(size=(1, 6)) + seed * rng.normal(size=(3, 1)) + 0.4 * rng.normal(size=(3, 6))

    assert 0.02 <= rejections(draw) <= 0.07


def test_artists_of_unlike_spread_make_it_cautious():
    spread = np.array([0.1, 0.3, 0.5, 1.0, 2.0, 4.0])
    assert rejections(lambda rng: (spread * rng.normal(size=6))[None]) <= 0.06


def test_clips_taken_for_independent_would_err_far_more_often():
    def draw(rng):
        return np.repeat(rng.normal(size=6), 8)[None]

    assert rejections(draw, 300) > 0.3


def test_seeds_widen_the_interval_by_what_they_differ_in():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(3, 8))
    apart = values + np.array([[-2.0], [0.0], [2.0]])
    assert standard_error(apart)[0] > 2 * standard_error(values)[0]
    assert standard_error(apart)[1] < 3


def test_power_is_that_of_simulated_tests():
    found = np.mean([stats.ttest_1samp(np.random.default_rng(i).normal(1, 1, 6), 0).pvalue < 0.05 for i in range(3000)])
    assert power(1 / np.sqrt(6), 5, 1.0) == pytest.approx(found, abs=0.03)
    assert power(1.0, 5, 0.0) == pytest.approx(0.05)


def test_equal_values_are_equal_for_certain():
    assert estimate(ClusterMeans(np.zeros((2, 4)), "artist"), 0.95).p_value == 1.0
    same = estimate(ClusterMeans(np.full((2, 4), 0.3), "artist"), 0.95)
    assert same.p_value == 0.0 and same.low == pytest.approx(0.3)


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [[[1.0]]]])
def test_values_that_are_no_numbers_of_clips_are_refused(values):
    with pytest.raises(ValueError, match="finite"):
        cluster_means(np.array(values), ["t", "u"], ["a", "b"])


def test_values_without_a_track_are_refused():
    with pytest.raises(ValueError, match="don't fit"):
        cluster_means(np.ones(3), ["t", "u"], ["a", "b"])
