import io
import random

import av
import numpy as np
import pytest
import soundfile
from debs import flac, tone

from ssmttm.audio import encode_audio
from ssmttm.corpus.audio import TooLong, Undecodable, decode, probe


def encoded(wave: np.ndarray, rate: int, container: str, codec: str, sample_format: str, layout: str) -> bytes:
    """`wave` `[channels, n]` through one of FFmpeg's encoders."""
    buffer = io.BytesIO()
    if codec == "vorbis":
        soundfile.write(buffer, wave.T, rate, format="OGG", subtype="VORBIS")
        return buffer.getvalue()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        out.metadata["title"] = "A Test"
        resampler = av.AudioResampler(sample_format, layout, rate)
        planar = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave, np.float32), "fltp", layout)
        planar.sample_rate = rate
        for frame in resampler.resample(planar):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "sample_format"),
    [
        ("wav", "pcm_u8", "u8"),
        ("wav", "pcm_s16le", "s16"),
        ("wav", "pcm_s24le", "s32"),
        ("wav", "pcm_f32le", "flt"),
        ("wav", "pcm_f64le", "dbl"),
        ("flac", "flac", "s16"),
        ("ogg", "vorbis", ""),  # by libsndfile: the wheel's FFmpeg only decodes it
        ("ogg", "libopus", "flt"),
        ("mp3", "libmp3lame", "fltp"),
        ("mp4", "aac", "fltp"),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_containers_and_codecs_give_the_same_mono_tone(
    container: str, codec: str, sample_format: str, layout: str
) -> None:
    rate, seconds = 48000, 1.5
    wave = tone(seconds, rate, 440.0)
    channels = wave[None] if layout == "mono" else np.stack([wave, np.zeros_like(wave)])
    data = encoded(channels, rate, container, codec, sample_format, layout)
    info = probe(data)
    assert info.duration_s == pytest.approx(seconds, abs=0.08)
    found = decode(data, 24000, 10.0)
    assert found.dtype == np.float32
    assert len(found) / 24000 == pytest.approx(seconds, abs=0.08)
    spectrum = np.abs(np.fft.rfft(found[4000:28000]))
    assert np.argmax(spectrum) == 440  # bins of 1 Hz
    expected = 0.25 if layout == "mono" else 0.125  # the mean with a silent channel
    assert np.abs(found[4000:28000]).max() == pytest.approx(expected, rel=0.12)


def test_without_resampling_lossless_audio_comes_back_exactly() -> None:
    wave = tone(3.0)
    assert np.abs(decode(encode_audio(wave, 8000), 8000, 10.0) - wave).max() < 1e-4


def test_streamed_resampling_equals_one_pass() -> None:
    wave = tone(9.0, 44100)
    whole = decode(encode_audio(wave, 44100), 24000, 20.0)
    assert len(whole) == pytest.approx(9.0 * 24000, abs=2)
    reference = tone(9.0, 24000)[: len(whole)]
    assert np.abs(whole[500:-500] - reference[500 : len(whole) - 500]).max() < 1e-3


def test_peaks_above_one_are_kept_and_what_is_no_number_becomes_zero() -> None:
    wave = 8 * tone(1.0, 8000)
    wave[100], wave[200] = np.nan, np.inf
    data = encoded(wave[None], 8000, "wav", "pcm_f32le", "flt", "mono")
    found = decode(data, 8000, 5.0)
    assert np.isfinite(found).all()
    assert found.max() == pytest.approx(2.0, rel=1e-3)
    assert (found[100], found[200]) == (0.0, 0.0)


def test_longer_than_the_bound_is_refused() -> None:
    with pytest.raises(TooLong, match="longer than 1 s"):
        decode(flac(3.0), 8000, 1.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"some text",
        bytes(5000),
        b"OggS" + bytes(500),
        b"fLaC" + bytes(500),
        b"ID3\x04\0\0\0\0\0\0",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
    ],
)
def test_what_is_no_audio_is_undecodable(data: bytes) -> None:
    for read in (probe, lambda d: decode(d, 8000, 5.0)):
        with pytest.raises(Undecodable):
            read(data)


def test_damage_never_raises_anything_but_undecodable() -> None:
    whole = bytearray(encoded(tone(2.0, 48000)[None], 48000, "ogg", "vorbis", "", "mono"))
    generator = random.Random(5)
    for _ in range(40):
        damaged = bytearray(whole[: generator.randrange(len(whole))])
        for _ in range(generator.randrange(30)):
            if damaged:
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        for read in (probe, lambda d: decode(d, 8000, 5.0)):
            try:
                result = read(bytes(damaged))
            except (Undecodable, TooLong):
                continue
            assert not isinstance(result, np.ndarray) or np.isfinite(result).all()
