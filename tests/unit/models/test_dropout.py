import pytest
import torch

from ssmttm.models.dropout import AttentionDropout, Dropout, clip_seeds


def test_the_share_is_dropped_and_the_rest_scaled():
    x = torch.ones(4, 10000, requires_grad=True)
    with clip_seeds(range(4)):
        y = Dropout(0.3)(x)
    y.sum().backward()
    assert (y == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert torch.equal(y[y != 0], torch.full_like(y[y != 0], 1 / 0.7))
    assert torch.equal(x.grad, y.detach())


@pytest.mark.parametrize("kind", [Dropout, AttentionDropout])
def test_in_evaluation_and_at_zero_nothing_is_dropped(kind):
    x = torch.randn(2, 3, 8, 4)
    inputs = (x,) if kind is Dropout else (x, x, x)
    expected = x if kind is Dropout else torch.nn.functional.scaled_dot_product_attention(x, x, x)
    assert torch.equal(kind(0.5).eval()(*inputs), expected)
    assert torch.equal(kind(0.0)(*inputs), expected)
    with clip_seeds([1, 2]):
        assert not torch.equal(kind(0.5)(*inputs), expected)


def test_a_mask_follows_from_the_clip_and_the_place_alone():
    x, layer, other = torch.ones(3, 50), Dropout(0.5), Dropout(0.5)
    other.site = 1
    with clip_seeds([7, 8, 9]):
        together, elsewhere = layer(x), other(x)
    with clip_seeds([9]):
        alone = layer(x[:1])
    assert torch.equal(together[2:], alone)
    assert not torch.equal(together, elsewhere)
    assert not torch.equal(together[0], together[1])


def test_seeds_of_another_batch_are_an_error():
    with clip_seeds([1]), pytest.raises(ValueError, match="1 seeds, but the batch has 3"):
        Dropout(0.5)(torch.ones(3, 2))
