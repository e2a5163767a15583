import pytest
import torch

from ssmttm.audio.spectral_distance import log_spectral_distance, spectral_losses


def noise(seed, size=0.1):
    return size * torch.randn(2, 8192, generator=torch.Generator().manual_seed(seed))


def test_equal_signals_have_no_distance():
    assert log_spectral_distance(noise(1), noise(1)).abs().max() == 0
    assert max(spectral_losses(noise(1), noise(1))) == 0


def test_half_the_level_is_six_decibels():
    assert log_spectral_distance(noise(1), noise(1) / 2).tolist() == pytest.approx([6.02, 6.02], abs=0.1)


def test_the_losses_of_a_worse_signal_are_larger():
    near, far = noise(1) + 0.1 * noise(2), noise(2)
    for a, b in zip(spectral_losses(near, noise(1)), spectral_losses(far, noise(1)), strict=True):
        assert a < b
