import numpy as np
import pytest

from ssmttm.evaluation.metrics.text_audio import caption_similarities, text_audio_scores
from ssmttm.pretrained.musicnn import TAGS as TAGS_OF_MUSICNN

CLIPS, TAGS = 40, 50


@pytest.fixture
def matching():
    """Posteriors and similarities that share a topic per clip, with tags of very unlike frequency."""
    rng = np.random.default_rng(0)
    topic = rng.normal(size=(CLIPS, TAGS))
    usual = np.linspace(-7, 1, TAGS)
    posteriors = 1 / (1 + np.exp(-(usual + topic + 0.5 * rng.normal(size=topic.shape))))
    similarities = 0.3 + 0.1 * rng.normal(size=TAGS) + 0.05 * topic
    return posteriors, similarities


def test_matching_captions_score_above_shuffled_ones(matching):
    posteriors, similarities = matching
    right = text_audio_scores(posteriors, similarities, posteriors)
    wrong = text_audio_scores(posteriors, np.roll(similarities, 1, axis=0), posteriors)
    assert right.mean() > 0.7 and abs(wrong.mean()) < 0.1
    assert (right > wrong).mean() > 0.95
    assert np.abs(right).max() <= 1 + 1e-12


def test_audio_that_ignores_captions_scores_about_zero(matching):
    posteriors, similarities = matching
    constant = np.repeat(posteriors[:1], CLIPS, axis=0)
    assert abs(text_audio_scores(constant, similarities, posteriors).mean()) < 0.05


def test_frequent_tags_do_not_dominate(matching):
    posteriors, similarities = matching
    right = text_audio_scores(posteriors, similarities, posteriors).mean()
    rare = slice(0, TAGS // 2)
    assert text_audio_scores(posteriors[:, rare], similarities[:, rare], posteriors[:, rare]).mean() > 0.8 * right


def test_no_number_is_made_up_where_none_exists(matching):
    posteriors, similarities = matching
    with pytest.raises(ValueError, match="vary"):
        text_audio_scores(posteriors, similarities, np.repeat(posteriors[:1], 5, axis=0))
    with pytest.raises(ValueError, match="average"):
        text_audio_scores(posteriors, np.ones_like(similarities), posteriors)
    with pytest.raises(ValueError, match="expected"):
        text_audio_scores(posteriors, similarities[:, :10], posteriors)


def test_a_caption_resembles_the_tags_that_it_names():
    tags = np.array(TAGS_OF_MUSICNN)
    similarities = caption_similarities(["A slow piece for solo piano", "Loud rock with drums"])
    assert similarities.shape == (2, len(tags))
    assert "piano" in tags[np.argsort(similarities[0])[-3:]]
    assert {"rock", "drums"} & set(tags[np.argsort(similarities[1])[-3:]])
