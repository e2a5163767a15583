import numpy as np
import pytest
import soundfile
from tiny_vocoder import tiny_vocoder

from ssmttm.codecs.base import fit_codec, load_codec
from ssmttm.generation.streaming import GrowingWav, StreamDecoder, soft_limit
from ssmttm.vocoder.weights import save_vocoder

RATE = 24000


def music(seconds):
    """Slowly gliding harmonic notes: tones are where a bad joint is heard first."""
    generator = np.random.default_rng(3)
    pitch = np.repeat(generator.uniform(150, 500, int(4 * seconds)), RATE // 4)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return (0.15 * sum(np.sin(k * phase) / k for k in range(1, 5))).astype(np.float32)


@pytest.fixture(scope="module")
def codec():
    settings = {"name": "spectral", "codebooks": 4, "codebook_size": 64}
    return fit_codec(settings, iter([music(8)]), 1, RATE, 1)


@pytest.fixture(scope="module")
def codes(codec):
    return codec.encode(music(4))


def streamed(codec, codes, window_s):
    decoder = StreamDecoder(codec, window_s)
    blocks = [decoder.push(frame) for frame in codes.T]
    return [b for b in [*blocks, decoder.finish()] if len(b)], decoder


class Echo:
    """A codec whose audio of a frame follows from its code alone."""

    sample_rate, frame_rate, reach = RATE, RATE / 512, None

    def decode(self, codes, first=0):
        return np.repeat(codes[0], 512).astype(np.float32) / 1000


@pytest.mark.parametrize("frames", [1, 30, 47, 60, 61, 94, 200])
def test_every_frame_is_heard_once_and_in_its_place(frames):
    codes = np.arange(1, frames + 1)[None]
    blocks, _ = streamed(Echo(), codes, 1.0)
    wave = np.concatenate(blocks)
    assert wave.shape == (512 * frames,)
    # but for a shift of at most 10 ms, which is less than half a frame
    np.testing.assert_allclose(wave[256::512], codes[0] / 1000, atol=1.01e-3)


@pytest.mark.parametrize("window_s", [0.05, 0.5, 1.0, 9.0])
def test_with_a_vocoder_the_stream_is_the_whole(codec, codes, window_s, tmp_path):
    codec.save(tmp_path / "codec")
    save_vocoder(tmp_path / "vocoder", tiny_vocoder(), {})
    codec = load_codec(tmp_path / "codec", str(tmp_path / "vocoder"))
    blocks, decoder = streamed(codec, codes[:, :151], window_s)
    assert len(blocks) > 1 or window_s == 9.0
    np.testing.assert_allclose(np.concatenate(blocks), soft_limit(codec.decode(codes[:, :151])), atol=1e-5)
    assert len(decoder._frames) <= decoder.window + 2 * decoder.context + 1


def test_pieces_sound_like_the_whole(codec, codes):
    whole = codec.decode(codes)
    blocks, _ = streamed(codec, codes, 0.6)
    wave = np.concatenate(blocks)
    assert len(blocks) > 4
    assert wave.shape == whole.shape
    spectra = [
        np.abs(np.fft.rfft(w[: len(w) // 1024 * 1024].reshape(-1, 1024) * np.hanning(1024))) for w in (wave, whole)
    ]
    levels = [20 * np.log10(s.mean(0) + 1e-3) for s in spectra]
    assert np.abs(levels[0] - levels[1]).mean() < 1.5


def test_joints_are_no_jumps_and_no_dips(codec, codes):
    blocks, decoder = streamed(codec, codes, 0.6)
    wave = np.concatenate(blocks)
    usual = np.quantile(np.abs(np.diff(wave)), 0.999)
    level = np.sqrt(np.convolve(np.square(wave), np.ones(1200) / 1200, "same"))
    for joint in np.cumsum([len(b) for b in blocks])[:-1]:
        assert np.abs(np.diff(wave[joint - 5 : joint + 5])).max() <= usual
        around = np.median(level[joint - 4800 : joint + 6000])
        assert level[joint : joint + decoder.fade].min() > 0.4 * around


def test_memory_does_not_grow(codec, codes):
    decoder = StreamDecoder(codec, 0.6)
    held = []
    for frame in np.tile(codes, 2).T:
        decoder.push(frame)
        held.append(len(decoder._frames))
    assert max(held) <= decoder.window + 2 * decoder.context


def test_the_limiter_never_clips_and_leaves_the_rest_alone():
    wave = np.linspace(-4, 4, 10001, dtype=np.float32)
    limited = soft_limit(wave)
    assert np.abs(limited).max() <= 0.99
    quiet = np.abs(wave) <= 0.8
    assert np.array_equal(limited[quiet], wave[quiet])
    assert (np.diff(limited) >= 0).all()


def test_a_growing_file_can_be_read_after_every_block(tmp_path):
    path = tmp_path / "x.partial.wav"
    with GrowingWav(path, RATE) as file:
        for number in range(1, 4):
            file.write(np.full(1000, 0.5, np.float32))
            wave, rate = soundfile.read(path)
            assert (len(wave), rate) == (1000 * number, RATE)
            assert wave == pytest.approx(0.5, abs=1e-4)
