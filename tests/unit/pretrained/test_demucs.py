import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.pretrained.demucs import load_separator

RATE = 24000
SOURCES = ["drums", "bass", "other", "vocals"]
TINY = {
    "sources": SOURCES, "channels": 4, "nfft": 1024, "depth": 3, "t_layers": 1, "t_heads": 2, "bottom_channels": 8,
    "samplerate": 16000, "segment": Fraction(3, 4), "dconv_depth": 1, "dconv_comp": 2,
}  # fmt: skip


def network(seed=0, **changes):
    torch.manual_seed(seed)
    return HTDemucs(**(TINY | changes))


def plain(value):
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}


def save(folder, model, name="955717e8", klass="demucs.htdemucs.HTDemucs", **metadata):
    """A checkpoint as demucs 4.1 publishes it."""
    args, kwargs = model._init_args_kwargs
    kwargs = kwargs | {"segment": plain(Fraction(kwargs["segment"]))}
    found = {"klass": klass, "args": json.dumps(args), "kwargs": json.dumps(kwargs)} | metadata
    state = {key: value.half().contiguous() for key, value in model.state_dict().items()}
    folder.mkdir(exist_ok=True)
    save_file(state, folder / f"{name}.safetensors", found)
    return folder / f"{name}.safetensors"


def save_pickle(path, model, **changes):
    """A checkpoint as demucs published it before: with the class, in half precision."""
    args, kwargs = model._init_args_kwargs
    state = {key: value.half() for key, value in model.state_dict().items()}
    package = {
        "klass": type(model),
        "args": args,
        "kwargs": kwargs,
        "state": state,
        "training_args": {"lr": np.float64(1)},
    }
    torch.save(package | changes, path)
    return path


def tones(seconds=2.0):
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 1234 * time)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save(tmp_path_factory.mktemp("demucs"), network())


def stub(monkeypatch, vocals):
    """The network's answer becomes `vocals(mix)` for the voices and nothing for the rest."""

    def apply_model(model, mix, **settings):
        assert settings["shifts"] == 0, "random shifts are not repeatable"
        stems = torch.zeros(1, len(SOURCES), *mix.shape[1:])
        stems[:, SOURCES.index("vocals")] = vocals(mix)
        return stems

    monkeypatch.setattr("demucs.apply.apply_model", apply_model)


@pytest.mark.parametrize("seconds", [0.1, 0.75, 2.0])
def test_the_output_is_as_long_as_the_input_finite_and_the_same_each_time(weights, seconds):
    wave = tones(seconds)
    first = load_separator(str(weights)).without_vocals(wave, RATE)
    assert first.shape == wave.shape and first.dtype == np.float32
    assert np.isfinite(first).all()
    assert not np.allclose(first, wave), "random weights hear voices anywhere"
    np.testing.assert_array_equal(load_separator(str(weights)).without_vocals(wave, RATE), first)


def test_nothing_is_left_when_all_is_voice(weights, monkeypatch):
    stub(monkeypatch, lambda mix: mix)
    wave = tones()
    left = load_separator(str(weights)).without_vocals(wave, RATE)
    middle = left[RATE // 10 : -RATE // 10]
    assert np.sqrt((middle**2).mean()) < 1e-3 * np.sqrt((wave**2).mean())


def test_music_without_voices_is_untouched(weights, monkeypatch):
    stub(monkeypatch, torch.zeros_like)
    np.testing.assert_array_equal(load_separator(str(weights)).without_vocals(tones(), RATE), tones())


def test_an_offset_is_no_voice_and_stays(weights, monkeypatch):
    stub(monkeypatch, lambda mix: mix)
    left = load_separator(str(weights)).without_vocals(tones() + np.float32(0.25), RATE)
    assert np.abs(left[RATE // 10 : -RATE // 10] - 0.25).max() < 1e-2


def test_the_level_of_the_input_does_not_change_what_is_a_voice(weights):
    separator = load_separator(str(weights))
    loud, quiet = (separator.without_vocals(level * tones(0.75), RATE) / level for level in (1.0, 0.01))
    np.testing.assert_allclose(loud, quiet, atol=1e-3)


def test_silence_stays_silent(weights):
    assert np.abs(load_separator(str(weights)).without_vocals(np.zeros(RATE, np.float32), RATE)).max() < 1e-6


def test_all_layouts_are_the_same_model(tmp_path, weights):
    model = network()
    old = save_pickle(tmp_path / "955717e8.th", model)
    checked = old.rename(tmp_path / f"955717e8-{sha256_file(old)[:8]}.th")
    bag = tmp_path / "bag"
    save(bag, model)
    (bag / "htdemucs.yaml").write_text("models: ['955717e8']\n")
    results = [
        load_separator(str(name)).without_vocals(tones(), RATE) for name in (weights, weights.parent, checked, bag)
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_the_hubs_cache_is_a_folder_like_any_other(tmp_path, monkeypatch, weights):
    bag = tmp_path / "hub"
    save(bag, network())
    (bag / "htdemucs.yaml").write_text("models: ['955717e8']\n")

    def snapshot(name, local_files_only):
        assert name == "adefossez/HTDemucs" and local_files_only
        return str(bag)

    monkeypatch.setattr("ssmttm.pretrained.demucs.snapshot_download", snapshot)
    both = [load_separator(name).without_vocals(tones(), RATE) for name in ("adefossez/HTDemucs", str(weights))]
    np.testing.assert_array_equal(*both)


def test_of_a_bag_only_the_models_that_hear_voices_run(tmp_path):
    for seed, name in enumerate(("aaaa", "bbbb")):
        save(tmp_path, network(seed), name)
    (tmp_path / "two.yaml").write_text("models: [aaaa, bbbb]\nweights: [[1, 0, 0, 0], [0, 1, 1, 1]]\n")
    both = load_separator(str(tmp_path))
    assert len(both.models) == 1
    alone = load_separator(str(tmp_path / "bbbb.safetensors")).without_vocals(tones(), RATE)
    np.testing.assert_array_equal(both.without_vocals(tones(), RATE), alone)


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("evil"),)


def test_a_pickle_that_wants_more_than_data_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = save_pickle(tmp_path / "evil.th", network(), training_args=Evil())
    with pytest.raises(UserError, match=r"evil\.th: refused: it holds \S+, which is no data"):
        load_separator(str(path))
    assert not (tmp_path / "evil").exists()


def broken(tmp_path, what):
    model = network()
    if what == "another class":
        return save(tmp_path, model, klass="subprocess.Popen")
    if what == "no metadata":
        save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
        return tmp_path / "a.safetensors"
    if what == "garbage":
        (tmp_path / "a.safetensors").write_bytes(b"\xff" * 100)
        return tmp_path / "a.safetensors"
    if what == "garbage pickle":
        (tmp_path / "a.th").write_bytes(b"<html>not found</html>")
        return tmp_path / "a.th"
    if what == "bare list":
        torch.save([1, 2], tmp_path / "a.th")
        return tmp_path / "a.th"
    if what == "missing weights":
        return save_pickle(tmp_path / "a.th", model, state={})
    if what == "bad arguments":
        return save(tmp_path, model, kwargs=json.dumps({"sources": SOURCES, "depth": "deep"}))
    if what == "zero fraction":
        return save(tmp_path, model, kwargs=json.dumps(TINY | {"segment": plain(Fraction(1)) | {"denominator": 0}}))
    if what == "no voices":
        return save(tmp_path, network(sources=["drums", "bass"]))
    if what == "wrong checksum":
        return save_pickle(tmp_path / "955717e8-8726e21a.th", model)
    if what == "quantized":
        return save(tmp_path, model, structure="{}")
    if what == "empty folder":
        return tmp_path
    if what == "two models":
        save(tmp_path, model, "a")
        save(tmp_path, model, "b")
        return tmp_path
    (tmp_path / "bag.yaml").write_text(what)
    return tmp_path


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("another class", "only HTDemucs"),
        ("no metadata", "metadata lack class"),
        ("garbage", "unreadable weights"),
        ("garbage pickle", "refused|unreadable"),
        ("bare list", "a list"),
        ("missing weights", "not a whole HTDemucs"),
        ("bad arguments", "not a whole HTDemucs"),
        ("zero fraction", "metadata lack class"),
        ("no voices", "no stem 'vocals', only drums, bass"),
        ("wrong checksum", "damaged: its SHA-256 does not start with 8726e21a"),
        ("quantized", "quantized"),
        ("empty folder", "0 bags .* and 0 checkpoints"),
        ("two models", "2 checkpoints"),
        ("models: [aaaa]", "aaaa, which is not beside it"),
        ("models: ['../aaaa']", "no signature"),
        ("models: 3", "not a bag"),
        ("[", "not a bag"),
        ("models: [a]\nweights: [[1], [2]]", "a row of `weights`"),
    ],
)
def test_unusable_files_are_one_clear_message(tmp_path, what, message):
    with pytest.raises(UserError, match=message) as error:
        load_separator(str(broken(tmp_path, what)))
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_a_bag_with_too_few_weights_is_named(tmp_path):
    save(tmp_path, network(), "aaaa")
    (tmp_path / "bag.yaml").write_text("models: [aaaa]\nweights: [[1, 0]]\n")
    with pytest.raises(UserError, match="2 weights for 4 stems of aaaa"):
        load_separator(str(tmp_path))


@pytest.mark.parametrize("name", ["absent.th", "../absent", "adefossez/absent"])
def test_a_missing_model_says_how_to_get_one(name, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"data\.vocals\.model: .*absent.*hf download adefossez/"):
        load_separator(name)


def test_weights_that_give_no_numbers_are_named(tmp_path):
    model = network()
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    path = save(tmp_path, model)
    with pytest.raises(UserError, match="samples that aren"):
        load_separator(str(path)).without_vocals(tones(), RATE)


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros((2, 16000)), np.full(16000, np.nan)])
def test_unusable_audio_is_refused(weights, wave):
    with pytest.raises(ValueError, match="finite mono"):
        load_separator(str(weights)).without_vocals(wave.astype(np.float32), RATE)
