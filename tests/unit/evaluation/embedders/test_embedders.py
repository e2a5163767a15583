import json
from pathlib import Path

import numpy as np
import pytest
from tiny_embedders import MAKERS

from ssmttm import plugins
from ssmttm.audio.coded import resample
from ssmttm.contracts.checks import checks
from ssmttm.contracts.holding import music
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder, peak_normalize, prepare
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.pretrained.identity import weights_hash

NAMES = sorted(
    set(plugins.names("ssmttm.evaluation.embedders")) - {"clap_laion"}
)  # which needs a package that has an environment of its own


@pytest.fixture(params=NAMES)
def embedder(request, models):
    return load_embedder(request.param, models)


CHECKS = list(map(str, checks("embedders", "musicnn")))


@pytest.fixture(scope="module", params=NAMES)
def tests(request, tmp_path_factory):
    """The tests of the contract, which share one embedder."""
    name = request.param
    weights = str(MAKERS[name](tmp_path_factory.mktemp(name))) if name in MAKERS else None
    return {str(check): check for check in checks("embedders", name, {"weights": weights} if weights else {})}


@pytest.mark.parametrize("check", CHECKS)
def test_contract(tests, check):
    tests[check]()


def test_audio_at_another_rate_is_resampled(embedder):
    wave = music(3.0, 44100)
    rate = embedder.sample_rate
    native = embedder.analyze(resample(wave, 44100, rate), rate).windows
    found = embedder.analyze(wave, 44100).windows
    # OpenL3 hears down to -160 dB, so the edge of one more resampling filter shows: the contract allows for it.
    if embedder.name != "openl3":
        assert np.linalg.norm(found - native) < 0.02 * np.linalg.norm(native)


WINDOWS = {
    # Per embedder, rows for clips of 0.2, 1.0, 5.2 and 12.3 s; None where the clip is refused.
    "vggish": (None, 1, 5, 12),
    "pann": (None, 1, 1, 1),
    "openl3": (1, 2, 11, 25),
    "passt": (1, 1, 1, 2),
    "clap": (1, 1, 1, 2),
    "encodec": (120, 600, 3120, 7380),
}


@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_the_number_of_windows_follows_from_the_length(name, models):
    embedder = load_embedder(name, models)
    for seconds, wanted in zip((0.2, 1.0, 5.2, 12.3), WINDOWS[name]):
        if wanted is None:
            with pytest.raises(ValueError, match="needs at least"):
                embedder.analyze(music(seconds), 24000)
        else:
            assert len(embedder.analyze(music(seconds), 24000).windows) == wanted, seconds


@pytest.mark.parametrize("name", ["passt", "openl3"])
def test_level_does_not_matter_where_peaks_are_normalized(name, models):
    embedder, wave = load_embedder(name, models), music(2.0)
    loud, quiet = (embedder.analyze(wave * gain, 24000).windows for gain in (1.0, 0.2))
    assert np.linalg.norm(loud - quiet) < 0.02 * np.linalg.norm(loud)


def test_openl3_keeps_channels_apart(models):
    embedder = load_embedder("openl3", models)
    left, right = music(1.0, 48000, 1), music(1.0, 48000, 2)
    a = embedder.analyze(np.stack([left, right], 1), 48000).windows
    b = embedder.analyze(np.stack([right, left], 1), 48000).windows
    np.testing.assert_allclose(a, np.roll(b, embedder.dim // 2, axis=1), rtol=1e-5)
    assert np.abs(a[:, : embedder.dim // 2] - a[:, embedder.dim // 2 :]).max() > 1e-3


def test_openl3_of_a_copied_channel_doubles_the_distance(models):
    stereo = load_embedder("openl3", models)
    mono = load_embedder("openl3", {"openl3": {"weights": models["openl3"], "channels": 1}})
    assert (stereo.dim, mono.dim) == (12, 6) and stereo.identity != mono.identity
    clips = [[(music(2.0, 48000, seed), 48000) for seed in part] for part in ((1, 2, 3), (4, 5, 6))]
    both, one = (
        frechet_distance(*(np.concatenate([e.windows for e in embedder.analyze_many(p)]) for p in clips))
        for embedder in (stereo, mono)
    )
    assert both == pytest.approx(2 * one, rel=1e-4)


def test_passts_posterior_is_the_softmax_of_mean_logits(models):
    import torch

    embedder = load_embedder("passt", models)
    wave = music(17.0, 32000)
    peak = peak_normalize(prepare(wave, 32000, 32000))[0]
    parts = [peak[start : start + 320000] for start in (0, 160000, 320000)]
    filled = torch.stack([torch.from_numpy(np.pad(part, (0, 320000 - len(part)))) for part in parts])
    with torch.no_grad():
        logits = embedder._network(filled)[1]
    wanted = logits.mean(0).softmax(0)
    assert float((logits.softmax(1).mean(0) - wanted).abs().max()) > 1e-5
    np.testing.assert_allclose(embedder.analyze(wave, 32000).posterior, wanted, atol=1e-6)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_missing_weights_are_named_with_the_remedy(name, tmp_path):
    with pytest.raises(UserError, match=f"evaluation.models.{name}: names no weights; put "):
        load_embedder(name)
    with pytest.raises(UserError, match="no such file or folder; put "):
        load_embedder(name, {name: str(tmp_path / "absent")})


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_damaged_weights_are_refused(name, tmp_path):
    path = MAKERS[name](tmp_path)
    file = path / "model.safetensors" if path.is_dir() else path
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UserError, match=f"evaluation.models.{name}"):
        load_embedder(name, {name: path})


@pytest.mark.parametrize("name", ["vggish", "pann", "openl3", "passt"])
def test_weights_of_another_network_are_refused(name, tmp_path, models):
    other = models["openl3" if name == "vggish" else "vggish"]
    with pytest.raises(UserError, match=r"lacks .* put "):
        load_embedder(name, {name: other})


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_other_weights_are_another_identity(name, tmp_path, models):
    changed = load_embedder(name, {name: MAKERS[name](tmp_path, seed=5)})
    assert changed.identity != load_embedder(name, models).identity


def test_other_settings_of_a_model_are_another_identity(tmp_path):
    folder = Path(MAKERS["encodec"](tmp_path))
    before = weights_hash(folder)
    weights_hash.cache_clear()
    (folder / "README.md").write_text("not read")
    assert weights_hash(folder) == before
    weights_hash.cache_clear()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"chunk_length_s": 1.0}))
    assert weights_hash(folder) != before


def test_an_unknown_embedder_or_setting_is_refused_by_name(models):
    with pytest.raises(UserError, match="no embedder 'wavelm'; there are clap, clap_laion, encodec, musicnn"):
        load_embedder("wavelm")
    with pytest.raises(UserError, match=r"evaluation.models.vggish: unknown setting 'layer'; it takes weights"):
        load_embedder("vggish", {"vggish": {"weights": models["vggish"], "layer": 3}})


def test_the_package_of_laion_is_asked_for_when_it_is_missing(models, tmp_path):
    import importlib.util

    import torch
    from tiny_embedders import clap_config, laion_names
    from transformers import ClapModel

    if importlib.util.find_spec("laion_clap"):
        pytest.skip("laion-clap is installed here")
    config = clap_config(27)
    state = laion_names(ClapModel(config))
    width = len(state["audio_branch.patch_embed.proj.weight"])
    vocabulary = len(load_embedder("clap", models)._words)
    words = torch.zeros(vocabulary, 64)
    torch.save(state | {"text_branch.embeddings.word_embeddings.weight": words}, tmp_path / "a.pt")
    entry = {"weights": str(tmp_path / "a.pt"), "tokenizer": models["clap"]}
    with pytest.raises(UserError, match=f"width {width} is none of"):
        load_embedder("clap_laion", {"clap_laion": entry})
    state["audio_branch.patch_embed.proj.weight"] = torch.zeros(96, 1, 4, 4)
    torch.save(state | {"text_branch.embeddings.word_embeddings.weight": words}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="needs the Python package laion-clap"):
        load_embedder("clap_laion", {"clap_laion": entry})
