import math

import numpy as np
import pytest

from ssmttm.evaluation.metrics.kl import bernoulli_kl


def test_one_tag_has_the_closed_form_in_nats():
    expected = 0.5 * math.log(0.5 / 0.2) + 0.5 * math.log(0.5 / 0.8)
    assert bernoulli_kl(np.array([[0.5]]), np.array([[0.2]]))[0] == pytest.approx(expected)


def test_independent_tags_add_up():
    p, q = np.array([[0.5, 0.1, 0.9]]), np.array([[0.2, 0.3, 0.9]])
    parts = [bernoulli_kl(p[:, [i]], q[:, [i]])[0] for i in range(3)]
    assert bernoulli_kl(p, q)[0] == pytest.approx(sum(parts))


def test_the_first_argument_is_the_one_that_the_expectation_is_over():
    certain, unsure = np.array([[0.999999]]), np.array([[0.5]])
    assert bernoulli_kl(certain, unsure)[0] == pytest.approx(math.log(2), abs=1e-4)
    assert bernoulli_kl(unsure, certain)[0] > 5


def test_certain_tags_stay_finite_and_equal_ones_are_zero():
    assert np.isfinite(bernoulli_kl(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))).all()
    assert bernoulli_kl(np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]]))[0] == 0


def test_never_negative():
    p, q = np.random.default_rng(0).random((2, 100, 50))
    assert (bernoulli_kl(p, q) >= 0).all()


def test_unlike_shapes_are_refused():
    with pytest.raises(ValueError):
        bernoulli_kl(np.zeros((2, 3)), np.zeros((2, 4)))
