import torch
import torch.nn.functional as F

from ssmttm.models.functional import RMSNorm, _RMSNorm, causal_conv_silu


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_rms_norm_is_torchs():
    x = torch.randn(3, 5, 8)
    norm = RMSNorm(8)
    norm.weight.data.uniform_(0.5, 2)
    torch.testing.assert_close(norm(x), F.rms_norm(x, (8,), norm.weight, 1e-5))


def test_rms_norm_of_zeros_is_finite():
    x = torch.zeros(2, 8, requires_grad=True)
    y = RMSNorm(8)(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert x.grad.isfinite().all()


def test_rms_norm_gradients():
    assert torch.autograd.gradcheck(lambda x, w: _RMSNorm.apply(x, w, 1e-5), (draw(2, 3, 5), draw(5)))


def test_convolution_is_torchs():
    padded, weight, bias = draw(2, 13, 6), draw(4, 6), draw(6)
    expected = F.silu(F.conv1d(padded.transpose(1, 2), weight.T[:, None], bias, groups=6)).transpose(1, 2)
    torch.testing.assert_close(causal_conv_silu(padded, weight, bias), expected)


def test_convolution_gradients():
    assert torch.autograd.gradcheck(causal_conv_silu, (draw(2, 7, 3), draw(4, 3), draw(3)))
