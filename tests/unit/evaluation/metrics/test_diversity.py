import numpy as np
import pytest
from clip_sets import SETTINGS, clips, from_windows, rotation

from ssmttm.evaluation.metrics import diversity
from ssmttm.evaluation.metrics.diversity import (
    duplicate_threshold,
    duplicates_of_training,
    evaluate,
    mean_pairwise_distance,
    nearest_training,
    vendi_score,
)


def draw(seed, rows=50, dim=8):
    return np.random.default_rng(seed).normal(size=(rows, dim))


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_groups_that_are_orthogonal_count_as_so_many_clips(groups):
    x = np.repeat(np.eye(6)[:groups] * 3.0, 4, axis=0) @ rotation(6)
    assert vendi_score(x) == pytest.approx(groups)
    assert vendi_score(x[::-1] * np.arange(1, len(x) + 1)[:, None]) == pytest.approx(groups)


def test_unequal_groups_have_the_exponential_of_their_entropy():
    x = np.eye(3)[[0, 0, 0, 1]]
    assert vendi_score(x) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))


def test_one_clip_is_one():
    assert vendi_score(draw(0, 1)) == 1


def test_the_mean_over_pairs_is_that_of_all_cosines():
    x = draw(0, 9)
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    apart = [1 - u[i] @ u[j] for i in range(9) for j in range(9) if i != j]
    assert mean_pairwise_distance(u, np.ones(9)) == pytest.approx(np.mean(apart))
    assert mean_pairwise_distance(np.ones((4, 3)) / 3**0.5, np.ones(4)) == pytest.approx(0, abs=1e-12)
    assert mean_pairwise_distance(np.array([[1, 0], [-1, 0]]), np.ones(2)) == pytest.approx(2)


def test_clips_that_are_drawn_twice_bring_no_pairs_of_equals():
    x = draw(0, 30)
    u = x / np.linalg.norm(x, axis=1, keepdims=True)
    value = mean_pairwise_distance(u, np.ones(30))
    drawn = [
        mean_pairwise_distance(u, np.bincount(np.random.default_rng(s).integers(0, 30, 30), minlength=30))
        for s in range(300)
    ]
    assert np.mean(drawn) == pytest.approx(value, abs=4 * np.std(drawn) / np.sqrt(300))


def test_a_near_copy_is_named_with_the_clip_that_it_copies():
    training, generated = draw(0, 200, 32), draw(1, 20, 32)
    generated[4] = 2.5 * training[77] + 0.01 * draw(2, 1, 32)
    generated[9] = training[5]
    names = [f"g{i}" for i in range(20)], [f"t{i}" for i in range(200)]
    found = duplicates_of_training(generated, training, 0.95, *names)
    assert [(c.generated, c.training) for c in found] == [("g9", "t5"), ("g4", "t77")]
    assert found[0].similarity == pytest.approx(1) and 0.99 < found[1].similarity <= 1
    assert duplicates_of_training(draw(3, 20, 32), training, 0.95, *names) == []


def test_nearest_agrees_with_all_pairs_in_blocks(monkeypatch):
    x, y = draw(0), draw(1, 70)
    expected = nearest_training(x, y)
    monkeypatch.setattr(diversity, "BLOCK", 7)
    found = nearest_training(x, y)
    assert np.array_equal(found[0], expected[0]) and np.allclose(found[1], expected[1])


def test_the_threshold_lets_the_stated_share_of_other_music_pass():
    training, generated = draw(0, 2000, 16), draw(1, 2000, 16)
    threshold = duplicate_threshold(training, [str(i) for i in range(2000)], 0.95)
    flagged = (nearest_training(generated, training)[1] > threshold).mean()
    assert flagged == pytest.approx(0.05, abs=0.02)


def test_clips_of_one_recording_do_not_raise_the_threshold():
    recordings = draw(0, 100, 16)
    twins = np.repeat(recordings, 2, axis=0) + 0.001 * draw(1, 200, 16)
    names = [str(i // 2) for i in range(200)]
    assert duplicate_threshold(twins, names) == pytest.approx(
        duplicate_threshold(recordings, [str(i) for i in range(100)]), abs=0.01
    )
    assert duplicate_threshold(twins, [str(i) for i in range(200)]) > 0.999


def test_recordings_under_two_names_hide_no_copy():
    recordings = draw(0, 100, 16)
    training = np.concatenate([recordings, recordings[:4]])
    names = [str(i) for i in range(104)]
    threshold = duplicate_threshold(training, names)
    assert threshold == pytest.approx(duplicate_threshold(recordings, names[:100]), abs=0.01)
    copies = duplicates_of_training(recordings[:60], training, threshold, names[:60], names)
    assert len(copies) == 60
    with pytest.raises(ValueError, match="sound the same"):
        duplicate_threshold(np.repeat(recordings[:1], 5, axis=0), names[:5])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vendi_score(np.zeros((3, 2))), "row 0 is zero"),
        (lambda: vendi_score(np.zeros((0, 2))), "at least 1 row"),
        (lambda: mean_pairwise_distance(np.eye(1, 8), np.ones(1)), "two clips"),
        (lambda: vendi_score(draw(0) * np.nan), "NaN"),
        (lambda: nearest_training(draw(0), draw(1, dim=3)), "width"),
        (lambda: duplicates_of_training(draw(0), draw(1), 0.9, ["a"], ["b"]), "ids for"),
        (lambda: duplicates_of_training(draw(0, 1), draw(1, 1), 1.5, ["a"], ["b"]), "cosine"),
        (lambda: duplicate_threshold(draw(0), ["a"] * 50), "two recordings"),
        (lambda: duplicate_threshold(draw(0), ["a", "b"]), "a name for each"),
        (lambda: duplicate_threshold(draw(0, 2), ["a", "b"], 1.0), "quantile"),
    ],
)
def test_what_can_not_be_judged_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_score_stands_beside_the_reference_s_own():
    found = evaluate(clips(0), clips(1), SETTINGS)
    assert [e["metric"] for e in found["also"]] == ["diversity_reference", "vendi"]
    for entry in (found, *found["also"]):
        assert entry["low"] <= entry["value"] <= entry["high"]
    assert found["also"][1]["per_clip"].mean() == pytest.approx(found["also"][1]["value"])
    alike = from_windows(np.ones((40, 6, 5)) + 0.01 * draw(0, 240, 5).reshape(40, 6, 5))
    assert evaluate(alike, clips(1), SETTINGS)["value"] < 0.01 < found["value"]
    with pytest.raises(ValueError, match="no direction"):
        evaluate(from_windows(np.zeros((4, 6, 5))), clips(1), SETTINGS)
