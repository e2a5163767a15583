"""Trivial models of codes: their probabilities, and what they draw."""

import numpy as np
import pytest

from ssmttm.choices import CODE_MODELS
from ssmttm.evaluation.ngrams import fit_code_model

SIZE = 7


def walk(seed, clips=30, frames=50):
    """Codes that stay, or go one up, so that the last code tells much of the next."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 1], size=(clips, frames), p=[0.7, 0.3])
    return (rng.integers(SIZE, size=(clips, 1)) + steps.cumsum(axis=1)) % SIZE


def fitted(name):
    return fit_code_model(name, SIZE, walk(0), walk(1))


def loss(name, codes):
    return -fitted(name).log_probabilities(codes).mean()


@pytest.mark.parametrize("name", CODE_MODELS)
def test_probabilities_of_all_codes_add_up_to_one(name):
    few = walk(0)[:2]
    model = fit_code_model(name, 2 * SIZE, few, walk(1))  # half of the codes, and most histories, were never seen
    for before in ([], [3], [3, 4], [3, 9, 12]):
        codes = np.array([[*before, code] for code in range(2 * SIZE)])
        assert np.exp(model.log_probabilities(codes)[:, -1]).sum() == pytest.approx(1)


def test_what_depends_on_the_last_code_is_better_told_by_more_of_the_past():
    test = walk(2)
    assert loss("bigram", test) < loss("copy", test) < loss("unigram", test)
    truth = -(0.7 * np.log(0.7) + 0.3 * np.log(0.3))
    assert truth < loss("bigram", test) < truth + 0.1
    assert loss("trigram", test) < loss("bigram", test) + 0.05


def test_a_code_that_depends_on_two_is_told_by_triples_alone():
    rng = np.random.default_rng(0)
    codes = rng.integers(2, size=(40, 60))
    for frame in range(2, 60):
        codes[:, frame] = codes[:, frame - 1] ^ codes[:, frame - 2]
    models = {name: fit_code_model(name, 2, codes[:30], codes[30:35]) for name in ("bigram", "trigram")}
    losses = {name: -model.log_probabilities(codes[35:]).mean() for name, model in models.items()}
    assert losses["trigram"] < 0.1 < 0.5 < losses["bigram"]


def test_weights_lean_on_counts_only_where_held_out_clips_bear_them_out():
    noise = np.random.default_rng(3).integers(SIZE, size=(30, 50))
    model = fit_code_model("bigram", SIZE, walk(0), noise)
    assert -model.log_probabilities(np.random.default_rng(4).integers(SIZE, size=(9, 50))).mean() < 1.02 * np.log(SIZE)


@pytest.mark.parametrize("name", CODE_MODELS)
def test_drawn_codes_are_as_likely_as_the_model_says(name):
    model = fitted(name)
    drawn = np.stack([model.sample(200, np.random.default_rng(i)) for i in range(20)])
    assert drawn.min() >= 0 and drawn.max() < SIZE
    # The entropy rate is the expected loss of what is drawn.
    others = np.stack([model.sample(200, np.random.default_rng([9, i])) for i in range(20)])
    expected = -model.log_probabilities(others).mean()
    assert -model.log_probabilities(drawn).mean() == pytest.approx(expected, abs=0.08)
    repeats = (drawn[:, 1:] == drawn[:, :-1]).mean()
    assert repeats < 0.3 if name == "unigram" else 0.6 < repeats < 0.8


def test_the_same_generator_draws_the_same():
    model = fitted("trigram")
    assert np.array_equal(model.sample(30, np.random.default_rng(1)), model.sample(30, np.random.default_rng(1)))


def test_an_unknown_model_is_refused():
    with pytest.raises(ValueError, match="no model of codes 'tetragram'"):
        fitted("tetragram")
