import numpy as np
import pytest

from ssmttm.audio.mel import filter_bank
from ssmttm.captions.by_librosa import librosa


@pytest.mark.parametrize(
    ("rate", "fft", "bands"), [(24000, 1024, 96), (16000, 512, 96), (48000, 2048, 256), (8000, 256, 12), (1600, 64, 4)]
)
def test_the_bank_is_librosas(rate, fft, bands):
    bank = filter_bank(rate, fft, bands)
    expected = librosa.filters.mel(sr=rate, n_fft=fft, n_mels=bands)
    assert bank.dtype == expected.dtype
    np.testing.assert_allclose(bank, expected, rtol=3e-7, atol=1e-9)
