"""Intervals where listeners agree: resampling alone would give them no width."""

import numpy as np
import pytest
from scipy import stats
from tiny_listening import choice, rating

from ssmttm.listening import scoring
from ssmttm.listening.scoring import Settings
from ssmttm.statistics import crossed, ranking

FAST = Settings(resamples=300)


def test_unanimous_answers_do_not_prove_that_everybody_would_say_the_same():
    votes = [choice(f"p{i}", f"c{k}", ("a", "b"), 1.0) for i in range(10) for k in range(3)]
    (row,) = scoring.score(votes, FAST)["preference"]
    exact = stats.binomtest(10, 10).proportion_ci(0.95)
    assert (row["low"], row["high"]) == pytest.approx((exact.low, exact.high))
    assert crossed.exact(0.0, 10, 0.95) == pytest.approx((1 - exact.high, 1 - exact.low))


@pytest.mark.parametrize("seed", range(20))
def test_with_few_answers_against_it_a_preference_is_no_surer_than_one_answer_of_each_participant(seed):
    rng = np.random.default_rng(seed)
    people, taste = int(rng.integers(2, 15)), rng.normal(rng.normal(0, 3), 1)
    votes = [
        choice(f"p{p}", f"c{c}", ("a", "b"), float(rng.choice([1.0, 0.5, 0.0], p=[chance, 0, 1 - chance])))
        for p in range(people)
        for chance in [1 / (1 + np.exp(-taste))]
        for c in range(int(rng.integers(1, 9)))
    ]
    (row,) = scoring.score(votes, FAST)["preference"]
    low, high = crossed.exact(row["win_rate"], people, 0.95)
    against = min(row["wins"], row["losses"]) + row["ties"] / 2
    assert row["low"] <= row["win_rate"] <= row["high"]
    assert against >= crossed.FEW_AGAINST or row["low"] <= low <= high <= row["high"]


def test_one_tie_changes_what_unanimity_proves_only_a_little():
    def interval(first):
        votes = [choice(f"p{i}", f"c{k}", ("a", "b"), 1.0) for i in range(12) for k in range(10)]
        votes[0] = votes[0]._replace(values={"choice": first})
        (row,) = scoring.score(votes, FAST)["preference"]
        return row["low"], row["high"]

    assert interval(0.5) == pytest.approx(interval(1.0), abs=0.02)


def test_exact_intervals_of_whole_numbers_are_clopper_and_pearsons_and_shares_between_lie_between():
    for k in range(8):
        exact = stats.binomtest(k, 7).proportion_ci(0.9)
        assert crossed.exact(k / 7, 7, 0.9) == pytest.approx((exact.low, exact.high))
    lows = [crossed.exact(k / 14, 7, 0.9)[0] for k in range(15)]
    assert lows == sorted(lows)


def test_answers_that_all_agree_have_no_interval_of_no_width_but_a_reason():
    pair = ("a", "b")
    tied = [choice(f"p{i}", f"c{k}", pair, 0.5) for i in range(12) for k in range(10)]
    equal = [rating(f"p{i}", f"c{k}", system, 4) for i in range(3) for k in range(4) for system in pair]
    result = scoring.score(tied + equal, FAST)
    (row,) = result["preference"]
    assert row["low"] < 0.3 and row["high"] > 0.7
    for row in result["mos"] + result["differences"] + result["ranking"]:
        assert row["low"] is row["high"] is None and "agree so much" in row["note"]
    for table, n in (("mos", 6), ("differences", 3), ("ranking", 2)):
        assert any(w.startswith(f"{table}: {n} of {n} rows have no interval: ") for w in result["warnings"])


@pytest.mark.parametrize("ties", [0, 1, 3])
def test_a_ranking_that_rests_on_the_prior_has_no_bounds(ties):
    votes = [choice(f"p{i}", f"c{k}", ("a", "b"), 1.0) for i in range(12) for k in range(10)]
    votes[:ties] = [v._replace(values={"choice": 0.5}) for v in votes[:ties]]
    ranking = scoring.score(votes, FAST)["ranking"]
    assert [r["system"] for r in ranking] == ["a", "b"] and np.isfinite(ranking[0]["strength"])
    assert all(r["low"] is None and "sets no bound" in r["note"] for r in ranking)


def test_a_ranking_whose_answers_link_all_systems_both_ways_has_bounds_though_one_pair_is_unanimous():
    rng = np.random.default_rng(2)
    shares = {("a", "b"): 1.0, ("a", "c"): 0.6, ("b", "c"): 0.4}
    votes = [
        choice(f"p{i}", f"c{k}", pair, float(rng.random() < share))
        for i in range(12)
        for k in range(6)
        for pair, share in shares.items()
    ]
    for row in scoring.score(votes, FAST)["ranking"]:
        assert row["note"] is None and row["low"] < row["strength"] < row["high"]


def test_strengths_are_given_by_the_wins_alone_where_each_system_reaches_each_by_wins():
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
    circle = chain | np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
    assert ranking.connected(np.stack([chain, circle, chain | chain.T])).tolist() == [False, True, True]
