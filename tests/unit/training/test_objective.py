import pytest
import torch
import torch.nn.functional as F

from ssmttm.training.objective import cross_entropy_


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_in_place_is_torchs_with_its_gradient(smoothing):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    targets = torch.tensor([0, 4, 5, 2, 5, 1, 3])  # 5 is no class, and ignored
    weights = torch.randn(7, dtype=torch.float64, generator=generator)
    options = {"ignore_index": 5, "label_smoothing": smoothing, "reduction": "none"}
    expected = F.cross_entropy(logits, targets, **options)
    (gradient,) = torch.autograd.grad(expected @ weights, logits)
    found = cross_entropy_(logits * 1.0, targets, 5, smoothing)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(torch.autograd.grad(found @ weights, logits)[0], gradient)


def test_a_second_backward_pass_over_overwritten_memory_is_an_error():
    logits = torch.randn(3, 4, requires_grad=True)
    loss = cross_entropy_(logits * 1.0, torch.tensor([0, 1, 2]), 4).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
