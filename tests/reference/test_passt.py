"""Against hear21passt 0.0.26 on tiny shared weights: its network, and its spectrogram."""

import importlib.util
import sys

import numpy as np
import pytest
import torch
from tiny_embedders import randomized

from ssmttm.contracts.holding import music
from ssmttm.evaluation.embedder import load_embedder, peak_normalize
from ssmttm.pretrained.passt import log_mel

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hear21passt") is None, reason="make reference-metrics installs and runs this"
)


def filters(bands, fft, rate, low, high, **unused):
    """Kaldi's mel filters out of transformers, in torchaudio's place: [bands, fft / 2] and their centers."""
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(fft // 2 + 1, bands, low, high, rate, None, "kaldi", triangularize_in_mel_space=True)
    return torch.from_numpy(bank.T[:, :-1].copy()).float(), None


def spectrogram(monkeypatch):
    """The package's front end in evaluation mode."""
    from hear21passt.models import preprocess

    kaldi = type("kaldi", (), {"get_mel_banks": staticmethod(filters)})
    monkeypatch.setattr(sys.modules["torchaudio"], "compliance", type("compliance", (), {"kaldi": kaldi}))
    return preprocess.AugmentMelSTFT(freqm=0, timem=0, fmin_aug_range=10, fmax_aug_range=2000).eval()


def test_the_spectrogram_is_the_packages(monkeypatch):
    front = spectrogram(monkeypatch)
    waves = torch.from_numpy(np.stack([music(4.0, 32000, seed) for seed in range(2)]))
    wanted = stft_as_pairs(monkeypatch, front, waves)
    np.testing.assert_allclose(log_mel(waves)[:, 0], wanted, atol=2e-4)


def stft_as_pairs(monkeypatch, front, waves):
    """The package asks for an STFT as pairs of real numbers, which torch no longer gives."""
    stft = torch.stft

    def pairs(*arguments, return_complex=None, **settings):
        return torch.view_as_real(stft(*arguments, return_complex=True, **settings))

    with monkeypatch.context() as patch:
        patch.setattr(torch, "stft", pairs)
        return front(waves)


@pytest.mark.parametrize("stride", [10, 16])
def test_the_network_is_the_packages(tmp_path, stride):
    from hear21passt.models.passt import PaSST

    theirs = PaSST(
        img_size=(128, 998), stride=stride, num_classes=11, embed_dim=64, depth=2, num_heads=1, distilled=True
    )
    randomized(theirs, seed=1)
    torch.save(theirs.state_dict(), tmp_path / "passt.pt")
    ours = load_embedder("passt", {"passt": str(tmp_path / "passt.pt")})
    wave = music(10.0, 32000)
    with torch.no_grad():
        logits, features = theirs(log_mel(torch.from_numpy(peak_normalize(wave))[None]))
    found = ours.analyze(wave, 32000)
    np.testing.assert_allclose(found.windows, features, atol=1e-4)
    np.testing.assert_allclose(found.posterior, logits[0].softmax(0), atol=1e-5)
