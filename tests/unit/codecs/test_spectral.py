import numpy as np
import pytest
import safetensors.numpy
from tiny_vocoder import tiny_vocoder

from ssmttm import plugins
from ssmttm.codecs.base import fit_codec, frames_in, load_codec, save_codec
from ssmttm.codecs.spectral import _features
from ssmttm.errors import UserError
from ssmttm.vocoder.weights import save_vocoder

RATE = 24000
SETTINGS = {"name": "spectral", "codebooks": 4, "codebook_size": 64}


def music(seconds, seed):
    """Decaying harmonic notes over a little noise."""
    generator = np.random.default_rng(seed)
    time = np.arange(RATE // 4) / RATE
    notes = []
    for pitch in generator.uniform(80, 800, int(4 * seconds)):
        partials = sum(np.sin(2 * np.pi * k * pitch * time) / k for k in range(1, 6))
        notes.append(partials * np.exp(-4 * time) + generator.normal(0, 0.01, len(time)))
    return (0.2 * np.concatenate(notes)).astype(np.float32)


WAVES = [music(4, seed) for seed in range(6)]


def fit(**changes):
    return fit_codec(SETTINGS | changes, iter(WAVES), len(WAVES), RATE, 1)


@pytest.fixture(scope="module")
def codec():
    return fit()


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 5000, 48000])
def test_n_samples_are_n_over_512_frames_and_back(codec, samples):
    codes = codec.encode(music(2, 9)[:samples])
    frames = -(-samples // 512)
    assert codes.shape == (4, frames) == (4, codec.frames(samples))
    assert codes.dtype == np.int64
    assert 0 <= codes.min() <= codes.max() < 64
    decoded = codec.decode(codes)
    assert decoded.shape == (512 * frames,)
    assert decoded.dtype == np.float32
    assert np.isfinite(decoded).all()


def test_ten_seconds_are_469_tokens(codec):
    assert codec.frames(240000) == 469 == frames_in(SETTINGS, 10.0, RATE)
    assert codec.frame_rate == pytest.approx(46.875)


def test_each_level_lowers_the_error_on_unseen_music(codec):
    wave = music(4, 99)
    features, codes = _features(wave, RATE), codec.encode(wave)
    errors = [np.square(codec.latents(codes, level) - features).mean() for level in range(1, 5)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.85 * errors[0]


def test_fitting_and_coding_are_deterministic(codec):
    again = fit()
    assert again.identity == codec.identity
    codes = codec.encode(WAVES[0])
    np.testing.assert_array_equal(codes, again.encode(WAVES[0]))
    np.testing.assert_array_equal(codec.decode(codes), again.decode(codes))


def test_another_seed_is_another_codec(codec):
    assert fit_codec(SETTINGS, WAVES, len(WAVES), RATE, 2).identity != codec.identity


def test_decoded_audio_is_nearer_to_its_original_than_to_other_music(codec):
    def distance(a, b):
        return np.square(_features(a, RATE) - _features(b, RATE)).mean()

    wave, other = music(4, 7), music(4, 8)
    decoded = codec.decode(codec.encode(wave))[: len(wave)]
    assert distance(decoded, wave) < 0.5 * distance(decoded, other)


def test_decoding_latents_of_all_levels_is_decoding(codec):
    codes = codec.encode(WAVES[1])
    np.testing.assert_array_equal(codec.decode_latents(codec.latents(codes, 4)), codec.decode(codes))


def test_a_codec_survives_its_file(codec, tmp_path):
    codec.save(tmp_path / "codec.safetensors")
    loaded = load_codec(tmp_path / "codec.safetensors")
    assert loaded.identity == codec.identity
    assert loaded.sample_rate == RATE
    np.testing.assert_array_equal(loaded.encode(WAVES[2]), codec.encode(WAVES[2]))


def test_damaged_and_foreign_files_are_refused(codec, tmp_path):
    path = tmp_path / "codec.safetensors"
    codec.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(UserError, match="not a readable codec"):
        load_codec(path)
    path.write_bytes(b"RIFF")
    with pytest.raises(UserError, match="not a readable codec"):
        load_codec(path)
    safetensors.numpy.save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(UserError, match="no codec of this version"):
        load_codec(path)
    with pytest.raises(UserError, match="no such file"):
        load_codec(tmp_path / "absent")


def test_a_codec_file_with_other_shapes_is_refused(codec, tmp_path):
    path = tmp_path / "codec.safetensors"
    codec.save(path)
    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
    tensors = {"mean": np.zeros(191, np.float32), "codebooks": np.zeros((4, 64, 192), np.float32)}
    safetensors.numpy.save_file(tensors, path, metadata=metadata)
    with pytest.raises(UserError, match="damaged"):
        load_codec(path)


def test_a_codec_file_with_numbers_that_are_not_finite_is_refused(codec, tmp_path):
    tensors = {"mean": np.full(192, np.nan, np.float32), "codebooks": np.zeros((4, 64, 192), np.float32)}
    save_codec(tmp_path / "codec.safetensors", "spectral", {"sample_rate": RATE}, tensors)
    with pytest.raises(UserError, match=r"damaged codec file: mean has numbers that are not finite"):
        load_codec(tmp_path / "codec.safetensors")


def test_too_little_training_audio_is_explained():
    with pytest.raises(UserError, match=r"only 8 codec frames .* fewer than data.codec.codebook_size = 64"):
        fit_codec(SETTINGS, [WAVES[0][:4096]], 1, RATE, 1)


@pytest.mark.parametrize("codes", [np.full((4, 3), 64), np.full((4, 3), -1), np.zeros((4, 3)), np.zeros(3, int)])
def test_codes_out_of_range_are_refused(codec, codes):
    with pytest.raises(ValueError, match="codes"):
        codec.decode(codes)


def test_more_levels_than_rows_are_refused(codec):
    with pytest.raises(ValueError, match="levels"):
        codec.latents(np.zeros((2, 5), int), 3)


def test_silence_decodes_to_near_silence():
    waves = [*WAVES, np.zeros(RATE, np.float32)]
    codec = fit_codec(SETTINGS, waves, len(waves), RATE, 1)
    assert np.abs(codec.decode(codec.encode(np.zeros(RATE, np.float32)))).max() < 0.02


def test_unknown_codecs_are_refused_and_helpers_are_none():
    assert plugins.names("ssmttm.codecs") == ["dac", "encodec", "spectral"]
    with pytest.raises(UserError, match="no codec 'opus'; there are dac, encodec, spectral"):
        frames_in({"name": "opus"}, 1.0, RATE)
    with pytest.raises(UserError, match="no codec '_mel'"):
        fit_codec(SETTINGS | {"name": "_mel"}, WAVES, len(WAVES), RATE, 1)


@pytest.fixture
def vocoded(codec, tmp_path):
    """The codec's file, and that of a vocoder for it."""
    codec.save(tmp_path / "codec.safetensors")
    save_vocoder(
        tmp_path / "vocoder.safetensors", tiny_vocoder(), {"artists": {"train": {"ada": 3}, "test": {"bob": 1}}}
    )
    return tmp_path / "codec.safetensors", str(tmp_path / "vocoder.safetensors")


def test_a_vocoder_makes_the_audio_and_leaves_the_codec_what_it_is(codec, vocoded):
    codes = codec.encode(music(1, 3))
    other = load_codec(*vocoded)
    assert other.identity == codec.identity
    assert (codec.vocoder, other.vocoder.partition(":")[0]) == ("griffin_lim", "vocoder")
    assert other.heard == {"ada"}
    np.testing.assert_array_equal(other.encode(music(1, 3)), codes)
    assert other.decode(codes).shape == codec.decode(codes).shape
    assert np.abs(other.decode(codes) - codec.decode(codes)).max() > 1e-3
    other.use_vocoder("griffin_lim")
    np.testing.assert_array_equal(other.decode(codes), codec.decode(codes))


def test_with_a_vocoder_pieces_of_the_codes_are_pieces_of_the_audio(codec, vocoded):
    codec = load_codec(*vocoded)
    codes, reach = codec.encode(music(2, 3)), codec.reach
    whole = codec.decode(codes)
    for start, stop in ((11, 40), (20, 41)):
        part = codec.decode(codes[:, start - reach : stop + reach], start - reach)[reach * 512 : -reach * 512]
        np.testing.assert_allclose(part, whole[start * 512 : stop * 512], atol=1e-5)


def test_a_vocoder_of_another_rate_is_refused(codec, vocoded, tmp_path):
    save_vocoder(tmp_path / "other", tiny_vocoder(sample_rate=16000), {})
    with pytest.raises(UserError, match=r"sample_rate 16000.*codec spectral:"):
        load_codec(vocoded[0], str(tmp_path / "other"))
