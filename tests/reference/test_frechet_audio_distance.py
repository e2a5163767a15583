"""Against frechet-audio-distance 0.3.4: its distance, and its embeddings from the same tiny weights."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tiny_embedders import encodec, pann_state, randomized, vggish
from torch import nn

from ssmttm.contracts.holding import music
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.evaluation.embedding_cache import Cached
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.pretrained.checkpoints import read_weights

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("frechet_audio_distance") is None, reason="make reference-metrics installs and runs this"
)

CLIPS = [music(seconds, 16000, seed) for seed, seconds in enumerate((3.0, 5.5, 4.2, 6.1))]


def package(kind, model, **settings):
    """The package's class around a network of ours to choose, past the downloads of its constructor."""
    from frechet_audio_distance import FrechetAudioDistance

    fad = FrechetAudioDistance.__new__(FrechetAudioDistance)
    fad.model_name, fad.model, fad.verbose, fad.device = kind, model.eval(), False, torch.device("cpu")
    for name, value in settings.items():
        setattr(fad, name, value)
    return fad


def distance(fad, x, y):
    return fad.calculate_frechet_distance(*fad.calculate_embd_statistics(x), *fad.calculate_embd_statistics(y))


@pytest.mark.parametrize(("n", "m", "dim"), [(500, 400, 16), (3000, 2000, 128), (1000, 1200, 512)])
def test_the_frechet_distance_is_the_packages(n, m, dim):
    generator = np.random.default_rng(dim)
    mixing = generator.normal(size=(dim, dim)) / np.sqrt(dim)
    x = generator.normal(size=(n, dim)) @ mixing
    y = generator.normal(0.2, 1.1, size=(m, dim)) @ mixing + 0.1
    assert frechet_distance(x, y) == pytest.approx(distance(package("vggish", nn.Identity()), x, y), rel=1e-6)


def thin_vggish(path):
    """The package's own network, with layers as thin as those of the weights in `path`."""
    from torchvggish.torchvggish import VGG, make_layers

    state = read_weights(path, "", "")

    class Network(VGG):
        def __init__(self):
            super().__init__(make_layers(), postprocess=False)
            widths = [len(state[f"features.{i}.bias"]) for i in (0, 3, 6, 8, 11, 13)]
            for number, a, b in zip((0, 3, 6, 8, 11, 13), [1, *widths], widths):
                self.features[number] = nn.Conv2d(a, b, 3, padding=1)
            hidden = [len(state[f"embeddings.{i}.bias"]) for i in (0, 2, 4)]
            for number, a, b in zip((0, 2, 4), [widths[-1] * 24, *hidden], hidden):
                self.embeddings[number] = nn.Linear(a, b)
            self.embeddings = nn.Sequential(*list(self.embeddings.children())[:-1])  # as the package does
            self.load_state_dict(state)

        def forward(self, audio, rate):
            from torchvggish.vggish_input import waveform_to_examples

            with torch.no_grad():
                return super().forward(waveform_to_examples(audio, rate))

    return Network()


def test_vggish_embeds_as_the_package_does(tmp_path):
    path = vggish(tmp_path)
    fad = package("vggish", thin_vggish(path))
    ours = load_embedder("vggish", {"vggish": str(path)}).analyze_many([(clip, 16000) for clip in CLIPS])
    np.testing.assert_allclose(np.concatenate([e.windows for e in ours]), fad.get_embeddings(CLIPS, 16000), atol=2e-5)


@pytest.mark.parametrize(("rate", "within"), [(16000, 1e-3), (22050, 0.05)])
def test_two_folders_have_the_packages_score(tmp_path, rate, within):
    """From audio files to the number; their resampling is resampy's, ours is soxr's."""
    path = vggish(tmp_path)
    sets = {}
    for name, first in (("reference", 0), ("generated", 20)):
        (tmp_path / name).mkdir()
        sets[name] = [music(8.0, rate, first + i) for i in range(8)]
        for i, wave in enumerate(sets[name]):
            soundfile.write(tmp_path / name / f"{i}.wav", wave, rate, subtype="FLOAT")
    fad = package("vggish", thin_vggish(path), sample_rate=16000, channels=1, audio_load_worker=1)
    theirs = fad.score(str(tmp_path / "reference"), str(tmp_path / "generated"))
    embedder = load_embedder("vggish", {"vggish": str(path)})
    ours = [
        np.concatenate([e.windows for e in Cached(embedder, tmp_path / "cache").analyze_many(files)])
        for files in ([p.read_bytes() for p in sorted((tmp_path / n).iterdir())] for n in ("reference", "generated"))
    ]
    assert theirs > 0 and frechet_distance(*ours) == pytest.approx(theirs, rel=within)


def test_pann_embeds_as_the_package_does_but_in_rows(tmp_path):
    from frechet_audio_distance.models.pann import Cnn14_16k, ConvBlock

    network = Cnn14_16k(16000, 512, 160, 64, 50, 8000, 527).eval()
    widths = (1, 4, 4, 6, 6, 8, 8)
    for number in range(1, 7):
        network.add_module(f"conv_block{number}", ConvBlock(widths[number - 1], widths[number]))
    network.fc1, network.fc_audioset = nn.Linear(8, 2048), nn.Linear(2048, 527)
    own = {name: t.clone() for name, t in network.state_dict().items() if name.startswith(("spectrogram_", "logmel_"))}
    randomized(network).load_state_dict(own, strict=False)
    # The names that the unit tests take for those of the published checkpoints.
    assert {n for n in network.state_dict() if not n.startswith("spectrogram_")} == set(pann_state())
    torch.save({"model": network.state_dict()}, tmp_path / "Cnn14_16k.pth")
    joined = package("pann", network).get_embeddings(CLIPS, 16000)
    ours = load_embedder("pann", {"pann": str(tmp_path / "Cnn14_16k.pth")})
    rows = np.concatenate([e.windows for e in ours.analyze_many([(clip, 16000) for clip in CLIPS])])
    assert rows.shape == (4, 2048) and joined.shape == (4 * 2048,)  # the package's collapse of the batch
    assert np.abs(rows).max() > 1e-3
    np.testing.assert_allclose(rows.ravel(), joined, rtol=1e-3, atol=1e-4 * np.abs(rows).max())
    with torch.no_grad():
        wanted = network(torch.from_numpy(CLIPS[0])[None])["clipwise_output"][0]
    np.testing.assert_allclose(ours.analyze(CLIPS[0], 16000).posterior, wanted, atol=1e-5)


def test_encodec_embeds_as_the_package_does(tmp_path):
    from encodec import EncodecModel
    from encodec.modules import SEANetDecoder, SEANetEncoder
    from encodec.quantization import ResidualVectorQuantizer

    folder = encodec(tmp_path)
    sizes = {"channels": 1, "dimension": 8, "n_filters": 4, "ratios": [4, 2, 5], "lstm": 1, "n_residual_layers": 1}
    sizes |= {"norm": "weight_norm", "causal": True}
    ours = load_embedder("encodec", {"encodec": str(folder)})
    encoder = SEANetEncoder(**sizes)
    copy_encoder(ours._encoder, encoder)
    theirs = EncodecModel(encoder, SEANetDecoder(**sizes), ResidualVectorQuantizer(dimension=8), [4.8], 24000, 1)
    clips = [music(seconds, 24000, seed) for seed, seconds in enumerate((1.0, 1.7))]
    wanted = package("encodec", theirs).get_embeddings(clips, 24000)
    found = np.concatenate([e.windows for e in ours.analyze_many([(clip, 24000) for clip in clips])])
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def copy_encoder(source, target):
    """Weights of transformers' encoder into the package's, which has the same layers under other names."""
    weights = {name: tensor for name, tensor in source.state_dict().items() if not name.endswith(("stride", "padding"))}
    weights = {n: t for n, t in weights.items() if n.split(".")[-1] not in ("kernel_size", "padding_total")}
    named = target.state_dict()
    assert len(weights) == len(named)
    for (old, tensor), (new, slot) in zip(weights.items(), named.items()):
        assert tensor.shape == slot.shape, (old, new)
    target.load_state_dict(dict(zip(named, weights.values())))


def sines(count, noise, seed):
    """Google's test signals: tones of 6 s from 100 Hz to 1 kHz, whose peaks overflow 16 bits where noise lifts them."""
    generator = np.random.default_rng(seed)
    time = np.linspace(0, 6, 6 * 16000)
    for frequency in np.linspace(100, 1000, count):
        wave = np.sin(2 * np.pi * time * frequency)
        wave = wave + generator.normal(0, noise, len(wave)) * np.abs(wave).max()
        yield ((2**15 * wave).astype(np.int64).astype(np.int16) / np.float32(2**15)).astype(np.float32), 16000


@pytest.mark.parametrize(("noise", "published"), [(1e-4, 12.4375), (1e-5, 4.7680)])
def test_googles_figures_for_sines_hold_with_the_published_vggish(noise, published):
    """Google's code gives the figures; the package accepts 2.0 around them, for it takes the layer before the ReLU."""
    weights = os.environ.get("SSMTTM_VGGISH", "")
    if not Path(weights).is_file():
        pytest.skip("needs the published weights: set SSMTTM_VGGISH to the path of vggish-10086976.pth")
    embedder = load_embedder("vggish", {"vggish": weights})
    pure, noisy = (
        np.concatenate([e.windows for e in embedder.analyze_many(list(sines(*settings)))])
        for settings in ((10, 0.0, 0), (5, noise, 1))
    )
    assert frechet_distance(pure, noisy) == pytest.approx(published, abs=2.0)
