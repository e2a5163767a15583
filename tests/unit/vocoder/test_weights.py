import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_vocoder import mel_frames, tiny_vocoder

from ssmttm.codecs.spectral import SpectralCodec
from ssmttm.config import PRESETS, ROOT, load_config
from ssmttm.dataset.artists import normalize_artist
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.vocoder import SHIPPED, weights
from ssmttm.vocoder.network import Vocoder, VocoderConfig
from ssmttm.vocoder.weights import check_mel, load_vocoder, save_vocoder

ORIGIN = {"spec": {"seed": 1}, "codec": "spectral:0123"}


@pytest.fixture
def file(tmp_path):
    save_vocoder(tmp_path / "vocoder.safetensors", tiny_vocoder(), ORIGIN)
    return tmp_path / "vocoder.safetensors"


def test_a_loaded_vocoder_is_the_saved_one_in_half_precision(file):
    loaded, mel = load_vocoder(file), mel_frames(20)[None]
    assert loaded.origin == ORIGIN
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}
    half = tiny_vocoder()
    for parameter in half.parameters():
        parameter.data = parameter.half().float()
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(mel), half(mel))


def test_equal_vocoders_are_equal_files_and_others_have_other_identities(file, tmp_path):
    save_vocoder(tmp_path / "same", tiny_vocoder(), ORIGIN)
    save_vocoder(tmp_path / "other", tiny_vocoder(seed=1), ORIGIN)
    assert file.read_bytes() == (tmp_path / "same").read_bytes()
    assert load_vocoder(file).identity != load_vocoder(tmp_path / "other").identity


def test_the_configured_size_takes_less_than_six_megabytes():
    with torch.device("meta"):
        network = Vocoder(VocoderConfig(sample_rate=24000, fft=1024, hop=256, bands=96, stack=2))
    numbers = sum(p.numel() for p in network.parameters())
    assert 1e6 < numbers < 3e6
    assert 2 * numbers < 6e6


def test_loading_takes_none_of_the_callers_random_numbers(file):
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    load_vocoder(file)
    torch.testing.assert_close(torch.rand(2), wanted)


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    vocoder = tiny_vocoder()
    with torch.no_grad():
        vocoder.head.weight[0, 0] = 1e6  # beyond half precision
    with pytest.raises(UserError, match=r"head\.weight"):
        save_vocoder(tmp_path / "v", vocoder, ORIGIN)
    assert not (tmp_path / "v").exists()


def changed(file, tensors=None, **metadata):
    """The file with other tensors, or other values in its metadata."""
    with safe_open(file, "pt") as read:
        about = json.loads(read.metadata()["vocoder"])
    save_file(tensors or load_file(file), file, {"vocoder": json.dumps({**about, **metadata})})


def test_damaged_and_foreign_files_are_refused_with_a_remedy(file, tmp_path):
    whole = file.read_bytes()
    with pytest.raises(UserError, match=r"no such file.*ssmttm vocoder train"):
        load_vocoder(tmp_path / "absent")
    torch.save({"a": torch.zeros(1)}, tmp_path / "pickle.pt")
    with pytest.raises(UserError, match="pickles are not loaded"):
        load_vocoder(tmp_path / "pickle.pt")
    save_file({"a": torch.zeros(1)}, tmp_path / "else")
    with pytest.raises(UserError, match="no vocoder"):
        load_vocoder(tmp_path / "else")
    file.write_bytes(whole[:-100])
    with pytest.raises(UserError, match="unreadable"):
        load_vocoder(file)
    file.write_bytes(whole)
    changed(file, format="ssmttm-vocoder-9")
    with pytest.raises(UserError, match="ssmttm-vocoder-9"):
        load_vocoder(file)
    file.write_bytes(whole)
    changed(file, config={"fft": 1024})
    with pytest.raises(UserError, match="not complete"):
        load_vocoder(file)
    file.write_bytes(whole)
    tensors = load_file(file)
    tensors["head.bias"][0] += 1
    changed(file, tensors)
    with pytest.raises(UserError, match="not those that were written"):
        load_vocoder(file)


def test_without_the_shipped_file_the_setting_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "SHIPPED_FILE", tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match=r"generation\.vocoder is shipped.*griffin_lim"):
        load_vocoder(SHIPPED)


def test_a_vocoder_for_other_mel_frames_is_refused(file):
    frames = {"sample_rate": 24000, "fft": 1024, "hop": 256, "bands": 96}
    check_mel(load_vocoder(file), frames, "v", "the codec")
    with pytest.raises(UserError, match=r"sample_rate 24000.*sample_rate 16000"):
        check_mel(load_vocoder(file), frames | {"sample_rate": 16000}, "v", "the codec")


def test_the_shipped_vocoder_is_small_fits_the_default_codec_and_never_heard_who_was_held_out():
    trained = load_vocoder(SHIPPED)
    assert weights.SHIPPED_FILE.stat().st_size < 6e6
    frames = SpectralCodec(24000, np.zeros(192, np.float32), np.zeros((1, 2, 192), np.float32)).mel_settings
    check_mel(trained, frames, SHIPPED, "the codec")
    held_out = load_config(ROOT / "config.yaml", PRESETS / "vocoder" / "config.yaml")["vocoder"]["split"]["held_out"]
    assert len(trained.heard) >= 5
    assert not trained.heard & {normalize_artist(name) for names in held_out.values() for name in names}
    assert trained.network.dither.any()


def test_the_shipped_card_is_of_the_shipped_file():
    card = weights.SHIPPED_FILE.with_suffix(".md").read_text(encoding="utf-8")
    assert sha256_file(weights.SHIPPED_FILE) in card
    assert "Not measured yet" not in card
    assert all(artist in card for artist in load_vocoder(SHIPPED).heard)
