import json

import numpy as np
import pytest
import safetensors.torch
import torch
from tiny_codecs import DAC_LEVELS, DAC_RATE, DAC_SIZE, save_dac
from transformers import DacModel

from ssmttm.audio.coded import encode_audio
from ssmttm.codecs import _network
from ssmttm.codecs.base import fit_codec, frames_in, load_codec
from ssmttm.errors import UserError
from ssmttm.stages import codec as codec_stage
from ssmttm.stages import tokens as tokens_stage
from ssmttm.tables import SCHEMAS, read_table, write_table

RATE, LEVELS, SIZE = DAC_RATE, DAC_LEVELS, DAC_SIZE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_dac(tmp_path_factory.mktemp("dac") / "model")


def settings(folder, **changes):
    return {"name": "dac", "model": str(folder), "codebooks": LEVELS, "codebook_size": SIZE} | changes


def fit(folder, sample_rate=RATE, **changes):
    return fit_codec(settings(folder, **changes), iter(()), 0, sample_rate, 1)


@pytest.fixture(scope="module")
def codec(folder, tmp_path_factory):
    """From its file alone, as every later stage gets it."""
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    fit(folder).save(path)
    return load_codec(path)


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)


@pytest.fixture(scope="module")
def original(folder):
    return DacModel.from_pretrained(folder).eval()


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 50_000])
def test_n_samples_are_n_over_512_frames_and_back(codec, samples):
    codes = codec.encode(noise(samples))
    frames = -(-samples // 512)
    assert codes.shape == (LEVELS, frames) == (LEVELS, codec.frames(samples))
    assert codes.shape[1] == frames_in({"name": "dac"}, samples / RATE, RATE)
    assert codes.dtype == np.int64
    assert 0 <= codes.min() <= codes.max() < SIZE
    decoded = codec.decode(codes)
    assert decoded.shape == (512 * frames,)
    assert decoded.dtype == np.float32
    assert np.isfinite(decoded).all()


def test_thirty_seconds_are_2584_frames(codec):
    assert codec.frames(30 * RATE) == 2584 == frames_in({"name": "dac"}, 30.0, RATE)


def test_processing_in_pieces_gives_what_the_whole_gives(codec, original, monkeypatch):
    monkeypatch.setattr(_network, "PIECE", 40)
    wave = noise(200 * 512)
    codes = codec.encode(wave)
    with torch.inference_mode():
        expected = original.encode(torch.from_numpy(wave)[None, None]).audio_codes[0].numpy()
        expected_wave = original.decode(audio_codes=torch.from_numpy(codes)[None]).audio_values[0].numpy()
    assert len(np.unique(codes)) > SIZE // 2  # the codes say something
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_allclose(codec.decode(codes), expected_wave, atol=1e-5)


@pytest.mark.parametrize("levels", range(1, LEVELS + 1))
def test_latents_of_the_first_levels_are_the_quantizers(codec, original, levels):
    codes = codec.encode(noise(9000))
    expected = original.quantizer.from_codes(torch.from_numpy(codes[None, :levels]))[0][0].T
    latents = codec.latents(codes, levels)
    np.testing.assert_array_equal(latents, expected.detach().numpy())
    np.testing.assert_array_equal(codec.decode(codes[:levels]), codec.decode_latents(latents))


def test_encoding_and_decoding_are_repeatable(codec):
    codes = codec.encode(noise(9000))
    np.testing.assert_array_equal(codes, codec.encode(noise(9000)))
    np.testing.assert_array_equal(codec.decode(codes), codec.decode(codes))


def test_fewer_levels_are_the_first_ones(codec, folder):
    small = fit(folder, codebooks=2)
    assert small.codebooks == 2
    np.testing.assert_array_equal(small.encode(noise(9000)), codec.encode(noise(9000))[:2])
    assert small.identity != codec.identity


def test_the_identity_is_that_of_the_weights(codec, folder, tmp_path):
    assert codec.identity == fit(folder).identity
    assert codec.identity.startswith("dac:")
    assert fit(save_dac(tmp_path / "other", seed=1)).identity != codec.identity


@pytest.mark.parametrize("codes", [np.full((LEVELS, 3), SIZE), np.full((1, 3), -1), np.zeros((2, 3)), np.zeros(3, int)])
def test_codes_out_of_range_are_refused(codec, codes):
    with pytest.raises(ValueError, match="codes"):
        codec.decode(codes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"codebooks": LEVELS + 1}, r"data\.codec\.codebooks is 5, but .* has only 4"),
        ({"codebook_size": 1024}, r"data\.codec\.codebook_size is 1024, but .* has 16"),
        ({"sample_rate": 24000}, r"data\.clips\.sample_rate is 24000, but .* works at 44100"),
        ({"model": None}, r"data\.codec\.model: the codec dac needs a model"),
    ],
)
def test_settings_that_the_model_does_not_fit_are_refused(folder, changes, message):
    with pytest.raises(UserError, match=message):
        fit(folder, **changes)


def test_a_missing_model_says_how_to_get_it():
    with pytest.raises(UserError, match="hf download descript/no_such_codec"):
        fit("descript/no_such_codec")
    with pytest.raises(UserError, match="/no/such/folder: no such folder"):
        fit("/no/such/folder")


def test_a_pickle_is_refused(folder, tmp_path):
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    torch.save(weights, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UserError, match=r"no file named model\.safetensors"):
        fit(tmp_path)


def test_a_damaged_or_incomplete_model_is_refused(folder, tmp_path):
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    path = tmp_path / "model.safetensors"
    path.write_bytes((folder / "model.safetensors").read_bytes()[:-50])
    with pytest.raises(UserError, match="cannot load the folder"):
        fit(tmp_path)
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    del weights["decoder.conv2.bias"]
    safetensors.torch.save_file(weights, path, {"format": "pt"})
    with pytest.raises(UserError, match=r"is no DacModel: 1 weights lack, such as decoder\.conv2\.bias"):
        fit(tmp_path)


def test_another_architecture_is_refused(tmp_path):
    with pytest.raises(UserError, match="strides"):
        fit(save_dac(tmp_path, downsampling_ratios=[2, 4, 5, 8]))


def test_a_codec_file_of_other_weights_is_refused(folder, tmp_path):
    path = tmp_path / "codec.safetensors"
    fit(folder).save(path)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    metadata["settings"] = json.dumps(json.loads(metadata["settings"]) | {"n_codebooks": 3})
    safetensors.torch.save_file(tensors, path, metadata)
    with pytest.raises(UserError, match="damaged codec file"):
        load_codec(path)


def test_the_stages_make_tokens_with_it(folder, tmp_path):
    wave = noise(RATE)
    clip = {"clip_id": "t0@0", "audio": {"bytes": encode_audio(wave, RATE), "path": "0.flac"}}
    tables = {"clips": clip, "splits": {"clip_id": "t0@0", "split": "train"}}
    for name, row in tables.items():
        write_table(tmp_path / f"{name}.parquet", name, [dict.fromkeys(SCHEMAS[name].names) | row])
    clips, out = tmp_path / "clips.parquet", tmp_path / "codec.safetensors"
    spec = {"codec": settings(folder), "clips": {"sample_rate": RATE}, "seed": 1}
    codec_stage.run(spec, [clips], tmp_path / "splits.parquet", out, 1)
    tokens_stage.run({"codec": spec["codec"]}, clips, out, tmp_path / "tokens.parquet", 1)
    (row,) = read_table(tmp_path / "tokens.parquet", "tokens").to_pylist()
    assert (row["codebooks"], row["frames"]) == (LEVELS, 87)
    assert row["codec"] == load_codec(out).identity
