"""Causal attention with padding on the left, by kernels that compute half of the pairs."""

import pytest
import torch
import torch.nn.functional as F

from ssmttm.models.kernels.attention import attend, pairs


def tensors(length=70, dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    return [torch.randn(2, 2, length, 8, generator=g, dtype=dtype).requires_grad_() for _ in range(3)]


def padding(length, *counts):
    return (torch.arange(length) >= torch.tensor(counts)[:, None])[:, None, None, :]


def by_hand(query, key, value, mask):
    """Softmax over the frames that each frame may see, one by one."""
    rows = torch.zeros_like(value)
    for b, h, i in torch.cartesian_prod(torch.arange(2), torch.arange(2), torch.arange(query.shape[2])).tolist():
        seen = mask[b, 0, 0, : i + 1]
        if seen.any():
            scores = key[b, h, : i + 1][seen] @ query[b, h, i] / 8**0.5
            rows[b, h, i] = scores.softmax(0) @ value[b, h, : i + 1][seen]
    return rows


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.02)]
)
def test_frames_see_earlier_ones_that_are_no_padding(dtype, tolerance):
    query, key, value = (t.detach() for t in tensors())
    mask = padding(70, 0, 23)
    expected = by_hand(query, key, value, mask)
    got = attend(*(t.to(dtype) for t in (query, key, value)), mask, causal=True)
    assert got.isfinite().all()
    seen = mask.transpose(2, 3).expand_as(got)
    torch.testing.assert_close(got[seen].double(), expected[seen], atol=tolerance, rtol=tolerance)


def test_its_gradients_are_those_of_attention_with_a_full_mask():
    mask = padding(70, 0, 23)
    given, again = tensors(), tensors()
    full = (torch.ones(70, 70, dtype=torch.bool).tril() & mask) | torch.eye(70, dtype=torch.bool)
    seen = mask.transpose(2, 3)
    attend(*given, mask, causal=True).masked_fill(~seen, 0).square().sum().backward()
    F.scaled_dot_product_attention(*again, attn_mask=full).masked_fill(~seen, 0).square().sum().backward()
    for one, other in zip(given, again, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-12, rtol=1e-12)


def test_dropped_weights_are_of_the_same_frames():
    query, key, _ = (t.detach() for t in tensors())
    places = torch.eye(70, dtype=torch.float64).expand(2, 2, 70, 70)  # outputs are the weights themselves
    torch.manual_seed(0)
    weights = attend(query, key, places, padding(70, 0, 23), causal=True, dropout=0.5)
    assert (weights.triu(1) == 0).all()
    assert (weights[1, :, 23:, :23] == 0).all()
    assert (weights[0].tril()[:, 40:] == 0).any()


def test_pairs_are_half_of_all_with_the_diagonal():
    assert pairs(7) == int(torch.ones(7, 7).tril().sum())
