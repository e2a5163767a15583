import numpy as np
import pytest

from ssmttm.evaluation.metrics.clap import cosine_scores, recall_at


def test_cosines_are_those_of_the_rows():
    audio, text = np.array([[1.0, 0], [0, 2], [3, 3]]), np.array([[5.0, 0], [0, -1], [1, 0]])
    assert cosine_scores(audio, text) == pytest.approx([1, -1, np.sqrt(0.5)])
    assert cosine_scores(1e200 * audio, 1e-200 * text) == pytest.approx([1, -1, np.sqrt(0.5)])


def test_recall_counts_captions_whose_clip_is_near():
    x = np.random.default_rng(0).normal(size=(40, 8))
    assert recall_at(x, x, 1) == 1
    assert recall_at(np.roll(x, 1, axis=0), x, 1) == 0
    assert recall_at(np.roll(x, 1, axis=0), x, 40) == 1
    assert recall_at(np.ones((40, 8)), x, 5) == 0  # all alike: no clip is found


@pytest.mark.parametrize(
    ("audio", "text", "message"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), "a caption for each"),
        (np.ones((3, 2)), np.ones((3, 4)), "width"),
        (np.zeros((3, 2)), np.ones((3, 2)), "no direction"),
        (np.full((3, 2), np.nan), np.ones((3, 2)), "NaN"),
    ],
)
def test_what_has_no_cosine_is_refused(audio, text, message):
    with pytest.raises(ValueError, match=message):
        cosine_scores(audio, text)
