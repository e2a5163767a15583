import numpy as np
import pytest
from clip_sets import SETTINGS, clips, rotation

from ssmttm.evaluation.metrics import prdc
from ssmttm.evaluation.metrics.prdc import evaluate, per_point


def draw(seed, rows=60, dim=4):
    return np.random.default_rng(seed).normal(size=(rows, dim))


def values(*arguments):
    """Precision, recall, density and coverage."""
    return tuple(float(points.mean()) for points in per_point(*arguments))


def test_equal_sets_have_all_and_far_sets_nothing():
    x = draw(0)
    assert values(x, x) == pytest.approx((1, 1, 1, 1))
    assert values(x, x + 1000) == (0, 0, 0, 0)
    constant = np.ones((10, 3))
    assert values(constant, constant)[:2] == (1, 1) and values(constant, constant)[3] == 1
    assert values(constant, constant + 1) == (0, 0, 0, 0)


def test_points_on_a_line_can_be_counted_by_hand():
    reference = np.array([[0.0], [1.0], [2.0], [10.0]])  # k = 1: reach 1, 1, 1 and 8
    generated = np.array([[0.5], [4.0], [30.0]])  # k = 1: reach 3.5, 3.5 and 26
    # 0.5 lies in the balls of 0 and 1; 4 in that of 10 (2 to 18); 30 in none.
    # 0, 1, 2 lie around 0.5, and 10 around 30 (4 to 56).
    found = values(reference, generated, 1)
    assert found == pytest.approx((2 / 3, 1, 3 / 3, 3 / 4))


def test_few_modes_cost_recall_and_coverage_but_not_precision():
    modes = np.concatenate([draw(i, 40) * 0.1 + 20 * i for i in range(5)])
    one = draw(9, 200) * 0.1
    precision, recall, _, coverage = values(modes, one)
    assert precision > 0.9 and recall < 0.3 and coverage <= 0.2


def test_blocks_moves_turns_and_order_change_nothing(monkeypatch):
    x, y, turn = draw(0), draw(1) * 0.8, rotation(4)
    found = values(x, y)
    assert values(x @ turn + 3, y @ turn + 3) == pytest.approx(found)
    assert values(x[::-1], np.roll(y, 7, axis=0)) == pytest.approx(found)
    monkeypatch.setattr(prdc, "BLOCK", 7)
    assert values(x, y) == pytest.approx(found)


def test_repeated_points_far_from_the_origin_are_found_exactly():
    x = np.repeat(draw(0, 10), 6, axis=0) + 1e7
    assert values(x, x)[0] == values(x, x)[1] == values(x, x)[3] == 1
    assert values(x, x + 1e-3) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((draw(0, 5), draw(1)), "reference needs at least 6 rows"),
        ((draw(0), draw(1, 5)), "generated needs at least 6 rows"),
        ((draw(0), draw(1, dim=3)), "width"),
        ((draw(0), draw(1), 0), "1 or more"),
        ((draw(0), draw(1) * np.inf), "NaN or infinite"),
        ((draw(0) * 1e200, draw(1)), "too large"),
    ],
)
def test_what_has_no_neighbours_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        per_point(*arguments)


def test_a_score_gives_all_four_with_intervals_of_what_each_clip_adds():
    found = evaluate(clips(0), clips(1), SETTINGS)
    assert [e["metric"] for e in found["also"]] == ["precision", "recall", "coverage"]
    for entry in (found, *found["also"]):
        assert entry["value"] > 0 and entry["low"] < entry["value"] <= entry["high"]
        assert entry["per_clip"].mean() == pytest.approx(entry["value"])


def test_a_share_of_all_clips_is_not_taken_for_certain():
    tight, wide = clips(0, spread=0.01), clips(0, spread=0.02)
    precision = evaluate(tight, wide, SETTINGS)["also"][0]
    assert precision["value"] == precision["high"] == 1 and 0.9 < precision["low"] < 0.95  # of 40 clips


def test_too_few_clips_to_take_one_out_have_no_interval():
    found = evaluate(clips(0, 6), clips(1, 6), SETTINGS)
    assert all(entry["low"] is entry["high"] is None for entry in (found, *found["also"]))


def test_equal_and_too_few_clips_are_told():
    assert "one by construction" in evaluate(clips(0), clips(0), SETTINGS)["warnings"][0]
    with pytest.raises(ValueError, match="at least 6 rows"):
        evaluate(clips(0, 4), clips(1, 4), SETTINGS)
