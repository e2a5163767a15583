import numpy as np
import pytest
import torch

from ssmttm.training.batches import clips_at, dropout_seeds, kept_words


def test_each_epoch_sees_every_clip_once_in_another_order():
    order = clips_at(0, 30, 10, seed=1)
    for epoch in range(3):
        assert sorted(order[epoch * 10 : epoch * 10 + 10]) == list(range(10))
    assert list(order[:10]) != list(order[10:20])


def test_the_order_does_not_depend_on_how_it_is_cut():
    whole = clips_at(0, 24, 10, seed=1)
    pieces = np.concatenate([clips_at(i, 3, 10, seed=1) for i in range(0, 24, 3)])
    np.testing.assert_array_equal(pieces, whole)


def test_dropped_captions_have_the_configured_share():
    kept = kept_words(20000, 4, 0.25, 0.0, seed=0, step=0)
    assert (~kept.any(1)).float().mean() == pytest.approx(0.25, abs=0.02)
    assert (kept.any(1) == kept.all(1)).all()


def test_dropped_words_have_the_configured_share_and_follow_from_seed_and_step():
    kept = kept_words(5000, 8, 0.0, 0.1, seed=0, step=3)
    assert (~kept).float().mean() == pytest.approx(0.1, abs=0.01)
    assert torch.equal(kept, kept_words(5000, 8, 0.0, 0.1, seed=0, step=3))
    assert not torch.equal(kept, kept_words(5000, 8, 0.0, 0.1, seed=0, step=4))


def test_every_clip_of_every_step_has_a_dropout_seed_of_its_own():
    assert dropout_seeds(range(2, 4), 1, 7) == dropout_seeds(range(4), 1, 7)[2:]
    assert len({*dropout_seeds(range(4), 1, 7), *dropout_seeds(range(4), 1, 8), *dropout_seeds(range(4), 2, 7)}) == 12
