import numpy as np
import pytest
import torch
from published_kl import audiocraft_kl, softmax_of_mean_logits, stable_audio_metrics_kl
from torch.nn import functional

from ssmttm.evaluation.metrics.kl import categorical_kl


def logits(seed, clips=5, windows=3, classes=7):
    return list(3 * np.random.default_rng(seed).normal(size=(clips, windows, classes)))


def test_two_classes_have_the_closed_form_in_both_directions():
    p, q = np.array([[0.5, 0.5]]), np.array([[0.9, 0.1]])
    forward = 0.5 * np.log(0.5 / 0.9) + 0.5 * np.log(0.5 / 0.1)
    backward = 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)
    assert categorical_kl(p, q)[0] == pytest.approx(forward, rel=1e-9)
    assert categorical_kl(q, p)[0] == pytest.approx(backward, rel=1e-9)


def test_agrees_with_torch_and_is_never_negative():
    p, q = (softmax_of_mean_logits(logits(seed, 50)) for seed in (0, 1))
    theirs = functional.kl_div(torch.tensor(np.log(q)), torch.tensor(p), reduction="none").sum(1)
    assert categorical_kl(p, q) == pytest.approx(theirs.numpy(), rel=1e-3)
    assert (categorical_kl(p, q) > 0).all() and (categorical_kl(p, p) == 0).all()


def test_classes_that_are_certain_stay_finite():
    certain = np.eye(4)[[0, 1]]
    assert np.isfinite(categorical_kl(certain, certain[::-1])).all()
    assert (categorical_kl(certain, certain) == 0).all()


def test_stable_audio_metrics_is_the_generated_s_expectation_over_mean_logits():
    reference, generated = logits(0), logits(1)
    r, g = (torch.softmax(torch.tensor(np.stack(a)).mean(1), 1) for a in (reference, generated))
    theirs = [functional.kl_div((a + 1e-6).log(), b, reduction="sum").item() for a, b in zip(r, g)]
    assert stable_audio_metrics_kl(reference, generated) == pytest.approx(theirs, rel=1e-9)
    exact = categorical_kl(g.numpy(), r.numpy())
    assert stable_audio_metrics_kl(reference, generated) == pytest.approx(exact, rel=1e-2)


def test_audiocraft_is_the_reference_s_expectation_over_segments():
    reference, generated = logits(0), logits(1)
    r, g = (torch.softmax(torch.tensor(np.concatenate(a)), 1) for a in (reference, generated))
    theirs = functional.kl_div((g + 1e-6).log(), r, reduction="none").sum(-1)
    assert audiocraft_kl(reference, generated) == pytest.approx(theirs.numpy(), rel=1e-9)
    assert len(audiocraft_kl(reference, generated)) == 15


def test_the_two_definitions_are_opposite_directions_of_one_window():
    reference, generated = logits(0, windows=1), logits(1, windows=1)
    assert audiocraft_kl(generated, reference) == pytest.approx(stable_audio_metrics_kl(reference, generated))
    apart = np.abs(audiocraft_kl(reference, generated) - stable_audio_metrics_kl(reference, generated))
    assert apart.max() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: categorical_kl([[0.5, 0.2]], [[0.5, 0.5]]), "sum to one"),
        (lambda: categorical_kl([[1.5, -0.5]], [[0.5, 0.5]]), "between 0 and 1"),
        (lambda: categorical_kl([[0.5, 0.5]], [[0.5, 0.5], [1, 0]]), "one shape"),
        (lambda: categorical_kl([[np.nan, 0.5]], [[0.5, 0.5]]), "NaN"),
    ],
)
def test_what_is_no_distribution_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
