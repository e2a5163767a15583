"""What every codec keeps to: codes, latents of each level, and what a model of the levels above the first needs."""

import numpy as np
import pytest
from tiny_codecs import DAC_RATE, save_dac, save_encodec

from ssmttm.codecs import _network
from ssmttm.codecs.base import fit_codec, load_codec

RATES = {"spectral": 24000, "dac": DAC_RATE, "encodec": 24000}


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)


def fitted(name, folder, codebooks):
    sizes = {"name": name, "codebooks": codebooks, "codebook_size": 16}
    if name == "spectral":
        waves = [noise(48000, seed) * np.linspace(0, 1, 48000, dtype=np.float32) for seed in range(2)]
        return fit_codec(sizes, waves, len(waves), RATES[name], 1)
    save = {"dac": save_dac, "encodec": save_encodec}[name]
    return fit_codec(sizes | {"model": str(save(folder / name))}, iter(()), 0, RATES[name], 1)


@pytest.fixture(scope="module", params=list(RATES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def codec(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    fitted(name, folder, 4).save(folder / "codec.safetensors")
    return load_codec(folder / "codec.safetensors")


@pytest.fixture(scope="module")
def codes(codec):
    return codec.encode(noise(60 * codec.hop, 7))


def sums(codec, codes):
    return sum(level[own] for level, own in zip(codec.tables().rest, codes[1:], strict=True))


def test_tables_have_a_row_for_every_code_of_every_level(codec):
    first, rest = codec.tables()
    assert first.dtype == rest.dtype == np.float32
    assert first.shape[0] == rest.shape[1] == codec.codebook_size
    assert len(rest) == codec.codebooks - 1


def test_code_vectors_snap_to_their_own_codes_on_all_levels(codec, codes):
    np.testing.assert_array_equal(codec.snap(codes[0], sums(codec, codes)), codes)


def test_latents_near_code_vectors_snap_to_the_same_codes(codec, codes):
    rest = sums(codec, codes)
    near = rest + np.random.default_rng(0).normal(0, 1e-4 * np.abs(rest).max(), rest.shape).astype(np.float32)
    assert (codec.snap(codes[0], near) == codes).mean() > 0.99


def test_joined_latents_are_those_of_all_levels(codec, codes):
    joined = codec.join(codes[0], sums(codec, codes))
    expected = codec.latents(codes, codec.codebooks)
    np.testing.assert_allclose(joined, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
    assert codec.decode_latents(joined).shape == (60 * codec.hop,)


def test_joining_changes_nothing_that_it_is_given(codec, codes):
    first, rest = codes[0].copy(), sums(codec, codes)
    before = rest.copy()
    codec.join(first, rest), codec.snap(first, rest), codec.tables().first.fill(0)
    np.testing.assert_array_equal(first, codes[0])
    np.testing.assert_array_equal(rest, before)
    np.testing.assert_array_equal(codec.snap(first, rest), codes)


def test_a_codec_of_one_level_has_nothing_above_it(name, tmp_path):
    codec = fitted(name, tmp_path, 1)
    codes = codec.encode(noise(9 * codec.hop))
    rest = np.zeros((9, codec.tables().rest.shape[2]), np.float32)
    np.testing.assert_array_equal(codec.snap(codes[0], rest), codes)
    np.testing.assert_allclose(codec.join(codes[0], rest), codec.latents(codes, 1), rtol=1e-5)


def test_other_shapes_and_codes_out_of_range_are_refused(codec, codes):
    rest = sums(codec, codes)
    for use in (codec.join, codec.snap):
        for first, latents, message in (
            (codes[0], rest[:-1], "as many latents as codes"),
            (codes[0], rest[:, :-1], "finite latents"),
            (codes[0], rest * np.nan, "finite latents"),
            (codes[0] + codec.codebook_size, rest, "codes must be 0 to"),
        ):
            with pytest.raises(ValueError, match=message):
                use(first, latents)


@pytest.mark.parametrize("wave", [np.zeros(0, np.float32), np.full(9, np.nan), np.zeros((2, 9))])
def test_audio_that_has_no_codes_is_refused(codec, wave):
    with pytest.raises(ValueError, match="zero length" if not wave.size else "finite mono samples"):
        codec.encode(wave)


def test_recordings_of_many_lengths_have_the_codes_that_each_has_alone(codec):
    waves = [noise(n, n) for n in (5000, 9000, 5000, 1, 9000)]
    for wave, codes in zip(waves, codec.encode_many(waves), strict=True):
        np.testing.assert_array_equal(codes, codec.encode(wave))


@pytest.mark.parametrize("name", ["dac", "encodec"], indirect=True)
def test_a_network_never_sees_more_than_a_piece_of_a_long_recording(codec, monkeypatch):
    monkeypatch.setattr(_network, "PIECE", 16)
    seen = []

    def hook(module, inputs):
        seen.append(inputs[0].shape[-1])

    hooks = [layer.register_forward_pre_hook(hook) for layer in codec._network.modules()]
    longest = []
    for frames in (200, 800):
        wave = noise(frames * codec.hop)
        assert codec.decode(codec.encode(wave)).shape == wave.shape
        longest.append(max(seen))
        seen.clear()
    for each in hooks:
        each.remove()
    assert longest[0] == longest[1] <= (16 + 2 * 20) * codec.hop


def test_the_bit_rate_is_that_of_the_codes(codec):
    assert codec.bit_rate == pytest.approx(4 * 4 * codec.sample_rate / codec.hop)


def test_whether_phase_is_kept_is_stated(codec, name):
    assert codec.keeps_phase == (name != "spectral")
