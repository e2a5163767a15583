import json
import math

import numpy as np
import pytest
import torch
from tiny_codecs import ENCODEC, ENCODEC_LEVELS, save_encodec
from transformers import EncodecModel

from ssmttm.codecs import _network
from ssmttm.codecs.base import check_codec, fit_codec, frames_in, load_codec
from ssmttm.errors import UserError

LEVELS = ENCODEC_LEVELS
KINDS = {kind: (values["sampling_rate"], values.get("codebook_size", 16)) for kind, values in ENCODEC.items()}


def settings(folder, kind="24khz", **changes):
    return {"name": "encodec", "model": str(folder), "codebooks": LEVELS, "codebook_size": KINDS[kind][1]} | changes


def fit(folder, kind="24khz", sample_rate=None, **changes):
    return fit_codec(settings(folder, kind, **changes), iter(()), 0, sample_rate or KINDS[kind][0], 1)


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: save_encodec(tmp_path_factory.mktemp("encodec") / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def codec(kind, folders, tmp_path_factory):
    """From its file alone, as every later stage gets it."""
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    fit(folders[kind], kind).save(path)
    return load_codec(path)


@pytest.fixture(scope="module")
def original(kind, folders):
    return EncodecModel.from_pretrained(folders[kind]).eval()


def encoded(original, wave):
    with torch.inference_mode():
        bandwidth = original.config.target_bandwidths[-1]
        return original.encode(torch.from_numpy(wave)[None, None], bandwidth=bandwidth).audio_codes[0, 0].numpy()


def decoded(original, codes):
    with torch.inference_mode():
        return original.decode(torch.from_numpy(codes)[None, None], [None]).audio_values[0, 0].numpy()


@pytest.mark.parametrize("frames", [1, 2, 7, 40])
def test_codes_and_audio_are_those_of_transformers(codec, original, frames):
    wave = noise(frames * codec.hop)
    codes = codec.encode(wave)
    np.testing.assert_array_equal(codes, encoded(original, wave))
    np.testing.assert_allclose(codec.decode(codes), decoded(original, codes), atol=1e-5)


@pytest.mark.parametrize("piece", [7, 40, 199])
def test_processing_in_pieces_gives_what_the_whole_gives(codec, original, monkeypatch, piece):
    monkeypatch.setattr(_network, "PIECE", piece)
    wave = noise(200 * codec.hop)
    codes = codec.encode(wave)
    assert len(np.unique(codes)) > codec.codebook_size // 2  # the codes say something
    np.testing.assert_array_equal(codes, encoded(original, wave))
    np.testing.assert_allclose(codec.decode(codes), decoded(original, codes), atol=1e-5)


def test_the_last_frame_is_padded_with_silence(codec):
    wave = noise(10 * codec.hop + 1)
    padded = np.pad(wave, (0, codec.hop - 1))
    np.testing.assert_array_equal(codec.encode(wave), codec.encode(padded))
    assert codec.encode(wave).shape == (LEVELS, 11)


def test_clips_that_are_encoded_together_have_the_codes_they_have_alone(codec):
    waves = [noise(n * codec.hop - 3, n) for n in (30, 12, 30, 30, 12)]
    for wave, codes in zip(waves, codec.encode_many(waves), strict=True):
        np.testing.assert_array_equal(codes, codec.encode(wave))


def test_frames_are_counted_without_weights(codec, kind, folders, tmp_path):
    rate = KINDS[kind][0]
    (tmp_path / "config.json").write_bytes((folders[kind] / "config.json").read_bytes())
    for name in (str(tmp_path), f"facebook/encodec_{kind}"):
        assert frames_in({"name": "encodec", "model": name}, 10.0, rate) == codec.frames(10 * rate)
    assert codec.frames(10 * rate) == {"24khz": 750, "32khz": 500}[kind]


def test_frames_of_an_unknown_model_are_no_guess():
    with pytest.raises(UserError, match=r"data\.codec\.model: some/one is neither a folder"):
        frames_in({"name": "encodec", "model": "some/one"}, 10.0, 24000)


def test_fewer_levels_are_the_first_ones_and_the_bit_rate_is_theirs(codec, kind, folders):
    small = fit(folders[kind], kind, codebooks=2)
    np.testing.assert_array_equal(small.encode(noise(9000)), codec.encode(noise(9000))[:2])
    assert small.identity != codec.identity
    assert small.bit_rate == pytest.approx(2 * math.log2(small.codebook_size) * small.sample_rate / small.hop)


def test_the_identity_is_that_of_the_weights(folders, tmp_path):
    first = fit(folders["24khz"]).identity
    assert first == fit(folders["24khz"]).identity
    assert first.startswith("encodec:")
    assert fit(save_encodec(tmp_path / "other", seed=1)).identity != first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codebooks": LEVELS + 1}, r"data\.codec\.codebooks is 5, but .* has only 4"),
        ({"codebook_size": 1024}, r"data\.codec\.codebook_size is 1024, but .* has 16"),
        ({"sample_rate": 44100}, r"data\.clips\.sample_rate is 44100, but .* works at 24000"),
        ({"model": None}, r"data\.codec\.model: the codec encodec needs a model"),
    ],
)
def test_settings_that_the_model_does_not_fit_are_refused(folders, changes, message):
    with pytest.raises(UserError, match=message):
        fit(folders["24khz"], **changes)


def test_the_published_models_are_known_before_their_weights_are_there():
    published = {"name": "encodec", "model": "facebook/encodec_32khz", "codebooks": 4, "codebook_size": 2048}
    check_codec(published, 32000)
    with pytest.raises(UserError, match="works at 32000"):
        check_codec(published, 24000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audio_channels": 2}, "is a stereo EnCodec"),
        ({"normalize": True, "chunk_length_s": 1.0, "overlap": 0.01}, "which it normalizes"),
        ({"norm_type": "time_group_norm", "use_causal_conv": False}, "normalizes over all of its input"),
    ],
)
def test_models_that_cannot_code_long_mono_audio_are_refused(tmp_path, changes, message):
    folder = save_encodec(tmp_path / "model", **changes)
    with pytest.raises(UserError, match=message):
        fit(folder)


def test_a_folder_that_lacks_files_or_holds_a_pickle_is_refused(folders, tmp_path):
    (tmp_path / "config.json").write_bytes((folders["24khz"] / "config.json").read_bytes())
    with pytest.raises(UserError, match=r"no file named model\.safetensors"):
        fit(tmp_path)
    torch.save(EncodecModel.from_pretrained(folders["24khz"]).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"no file named model\.safetensors"):
        fit(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "encodec"}))
    with pytest.raises(UserError, match=r"config\.json: no config\.json of encodec"):
        fit(tmp_path)
