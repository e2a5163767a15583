"""Against laion-clap 1.1.7: one checkpoint of its own HTSAT-tiny, random weights and a thin text branch."""

import importlib.util
import sys

import numpy as np
import pytest
import torch
from tiny_embedders import randomized, tokenizer
from transformers import RobertaConfig, RobertaModel

from ssmttm.contracts.holding import music
from ssmttm.evaluation.embedder import load_embedder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("laion_clap") is None, reason="make reference-metrics installs and runs this"
)

TEXTS = ["a calm piano", "loud drum and a piano", "drum"]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "fusion"])
def checkpoint(request, tmp_path_factory):
    """(checkpoint, text folder) as laion-clap itself saves them."""
    fused = request.param
    folder = tmp_path_factory.mktemp("laion")
    vocabulary = tokenizer(folder / "roberta")
    config = RobertaConfig(
        vocab_size=vocabulary, hidden_size=768, num_hidden_layers=1, num_attention_heads=12, intermediate_size=32,
        max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
    )  # fmt: skip
    torch.manual_seed(0)
    RobertaModel(config).save_pretrained(folder / "roberta")
    from ssmttm.evaluation.packages.driver import beside

    with beside(folder / "roberta"):
        import laion_clap

        module = laion_clap.CLAP_Module(enable_fusion=fused, device="cpu")
    network = module.model
    frozen = {n: t.clone() for n, t in network.state_dict().items() if "_extractor." in n or "attn_mask" in n}
    randomized(network, seed=3, scale=0.1)
    network.load_state_dict(frozen, strict=False)
    state = network.state_dict() | {"text_branch.embeddings.position_ids": torch.arange(514)[None]}
    # Published checkpoints hold NumPy scalars beside the weights.
    torch.save({"epoch": 1, "metric": np.float64(0.5), "state_dict": {f"module.{n}": t for n, t in state.items()}},
               folder / "clap.pt")  # fmt: skip
    return folder / "clap.pt", folder / "roberta"


class MelSpectrogram(torch.nn.Module):
    """torchaudio's, which the package takes for checkpoints with fusion, with filters out of transformers."""

    def __init__(self, sample_rate, n_fft, hop_length, n_mels, f_min, f_max, **unused):
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        self.n_fft, self.hop = n_fft, hop_length
        bank = mel_filter_bank(n_fft // 2 + 1, n_mels, f_min, f_max, sample_rate, None, "htk")
        self.bank = torch.from_numpy(bank.T.copy()).float()

    def forward(self, wave):
        window = torch.hann_window(self.n_fft)
        return self.bank @ torch.stft(wave, self.n_fft, self.hop, window=window, return_complex=True).abs().square()


class AmplitudeToDB(torch.nn.Module):
    def __init__(self, top_db=None):
        super().__init__()

    def forward(self, power):
        return 10 * torch.log10(power.clamp(min=1e-10))


@pytest.fixture(autouse=True)
def filters(monkeypatch):
    transforms = type("transforms", (), {"MelSpectrogram": MelSpectrogram, "AmplitudeToDB": AmplitudeToDB})
    monkeypatch.setattr(sys.modules["torchaudio"], "transforms", transforms)


@pytest.fixture(scope="module")
def pair(checkpoint):
    entry = {"weights": str(checkpoint[0]), "tokenizer": str(checkpoint[1])}
    return [load_embedder(name, {name: entry}) for name in ("clap", "clap_laion")]


def test_both_roads_give_one_audio_embedding(pair):
    clips = [(music(seconds, 48000, seed), 48000) for seed, seconds in enumerate((2.5, 10.0, 13.0))]
    ours, theirs = (embedder.analyze_many(clips) for embedder in pair)
    assert [e.windows.shape for e in ours] == [(1, 512), (1, 512), (2, 512)]
    assert np.abs(ours[0].windows - ours[1].windows).max() > 1e-3
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.windows, b.windows, atol=2e-5)
        assert (np.sum(a.windows * b.windows, axis=1) > 1 - 1e-6).all()


def test_both_roads_give_one_text_embedding(pair):
    ours, theirs = (embedder.embed_texts(TEXTS) for embedder in pair)
    assert np.abs(ours[0] - ours[1]).max() > 1e-3
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_fusion_without_parts_to_fuse_is_deterministic(pair):
    clip = (music(25.0, 48000, 4), 48000)
    for embedder in pair:
        first, again = (embedder.analyze_many([clip])[0].windows for _ in range(2))
        assert first.shape == (3, 512)
        np.testing.assert_array_equal(first, again)


def test_the_packages_own_entry_points_agree_with_both(pair):
    wave = music(10.0, 48000, 1)
    module = pair[1]._module
    wanted = module.get_audio_embedding_from_data(wave[None])  # a float array: through 16 bits, as we do
    np.testing.assert_allclose(pair[0].analyze(wave, 48000).windows, wanted, atol=2e-5)
