import io
import random
import struct
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from debs import flac, tone
from PIL import Image

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.streams import Block, NotFinite, TooLong, Undecodable, decode, glance, probe, stream

RATE = 24000
STEP_S = 0.5


def encoded(
    wave: np.ndarray, rate: int, container: str, codec: str, sample_format: str, layout: str, start_s: float = 0.0
) -> bytes:
    """`wave` `[channels, n]` through one of FFmpeg's encoders, its clock starting at `start_s`."""
    buffer = io.BytesIO()
    if codec == "vorbis":
        soundfile.write(buffer, wave.T, rate, format="OGG", subtype="VORBIS")
        return buffer.getvalue()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        out.metadata["title"] = "A Test"
        resampler = av.AudioResampler(sample_format, layout, rate)
        planar = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave, np.float32), "fltp", layout)
        planar.sample_rate, planar.pts = rate, round(start_s * rate)
        for frame in resampler.resample(planar):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return buffer.getvalue()


def wav(wave: np.ndarray, rate: int, subtype: str = "PCM_16") -> bytes:
    """`wave` `[n]` or `[n, channels]` as a RIFF file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


def stairs(seconds: float, rate: int) -> np.ndarray:
    """A tone that is 100 Hz higher every half second: its frequency says where in the file it is."""
    frequency = 300 + 100 * np.floor(np.arange(round(seconds * rate)) / rate / STEP_S)
    return (0.25 * np.sin(2 * np.pi * np.cumsum(frequency) / rate)).astype(np.float32)


CODECS = {
    "ogg vorbis": ("ogg", "vorbis", ""),  # by libsndfile: the wheel's FFmpeg only decodes it
    "ogg opus": ("ogg", "libopus", "flt"),
    "mp3": ("mp3", "libmp3lame", "fltp"),
    "flac": ("flac", "flac", "s16"),
    "mp4 aac": ("mp4", "aac", "fltp"),
    "adts aac": ("adts", "aac", "fltp"),
    "matroska opus": ("matroska", "libopus", "flt"),
    "mpegts mp3": ("mpegts", "libmp3lame", "fltp"),
    "asf mp3": ("asf", "libmp3lame", "fltp"),
    "flv aac": ("flv", "aac", "fltp"),
    "avi mp3": ("avi", "libmp3lame", "fltp"),
    "wavpack": ("wv", "wavpack", "s16p"),
    "caf": ("caf", "pcm_s16be", "s16"),
    "aiff": ("aiff", "pcm_s16be", "s16"),
    "wav u8": ("wav", "pcm_u8", "u8"),
    "wav s16": ("wav", "pcm_s16le", "s16"),
    "wav s24": ("wav", "pcm_s24le", "s32"),
    "wav s32": ("wav", "pcm_s32le", "s32"),
    "wav float": ("wav", "pcm_f32le", "flt"),
    "wav double": ("wav", "pcm_f64le", "dbl"),
}


@cache
def staircase(name: str, seconds: float, rate: int = 48000) -> bytes:
    """`stairs`, mono, by one of CODECS."""
    return encoded(stairs(seconds, rate)[None], rate, *CODECS[name], "mono")


def step_of(wave: np.ndarray) -> int:
    """Which step of `stairs` a short piece at RATE is from."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), RATE))
    return round((np.argmax(spectrum) - 300) / 100)


def stretches(source: bytes | Path) -> list[tuple[float, np.ndarray]]:
    """What lies between gaps, as (start in s, samples)."""
    found: list[tuple[float, list[np.ndarray]]] = []
    for block in stream(source, RATE):
        if not block.joined:
            found.append((block.start_s, []))
        start, waves = found[-1]
        assert block.start_s == pytest.approx(start + sum(map(len, waves)) / RATE, abs=1e-6)
        waves.append(block.wave)
    return [(start, np.concatenate(waves)) for start, waves in found]


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_containers_and_codecs_give_the_same_mono_tone(name: str, layout: str) -> None:
    seconds = 1.5
    wave = tone(seconds, 48000, 440.0)
    channels = wave[None] if layout == "mono" else np.stack([wave, np.zeros_like(wave)])
    data = encoded(channels, 48000, *CODECS[name], layout)
    info = probe(data)
    assert info.duration_s == pytest.approx(seconds, abs=0.08)
    assert (info.sample_rate, info.channels) == (48000, len(channels))
    ((start, found),) = stretches(data)
    assert start == 0 and found.dtype == np.float32
    assert len(found) / RATE == pytest.approx(seconds, abs=0.08)
    spectrum = np.abs(np.fft.rfft(found[4000:28000]))
    assert np.argmax(spectrum) == 440  # bins of 1 Hz
    expected = 0.25 if layout == "mono" else 0.125  # the mean with a silent channel
    assert np.abs(found[4000:28000]).max() == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 88200, 96000, 192000])
def test_every_sample_rate_becomes_the_wanted_one(rate: int) -> None:
    found = decode(wav(tone(2.0, rate, 440.0), rate), RATE, 10.0)
    assert len(found) == pytest.approx(2.0 * RATE, abs=2)
    reference = tone(2.0, RATE, 440.0)
    assert np.abs(found[500:47000] - reference[500:47000]).max() < 2e-3


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("container", ["wav", "flac"])
def test_channels_are_averaged(container: str, channels: int) -> None:
    planes = np.stack([tone(1.0, 8000, 200.0 * (c + 1)) for c in range(channels)], axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, planes, 8000, format=container.upper(), subtype="PCM_16")
    found = decode(buffer.getvalue(), 8000, 5.0)
    assert np.abs(found - planes.mean(axis=1)).max() < 1e-4


@pytest.mark.parametrize("name", ["ogg vorbis", "ogg opus", "mp3", "flac", "matroska opus"])
def test_the_encoders_delay_is_not_heard(name: str) -> None:
    wave = np.random.default_rng(0).standard_normal(48000).astype(np.float32)
    wave = np.convolve(wave, np.hanning(64) / 32, "same").astype(np.float32) * 0.2  # below 1 kHz: every codec keeps it
    found = decode(encoded(wave[None], 48000, *CODECS[name], "mono"), 48000, 5.0)
    assert len(found) == pytest.approx(len(wave), abs=2)
    spectrum = np.fft.rfft(found[:47000], 1 << 17) * np.fft.rfft(wave[:47000], 1 << 17).conj()
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    assert min(lag, (1 << 17) - lag) <= 1


def test_bytes_and_a_path_are_the_same_source(tmp_path: Path) -> None:
    data = encoded(tone(3.0, 48000)[None], 48000, *CODECS["ogg opus"], "mono")
    path = tmp_path / "a strange\nname.mp3"
    path.write_bytes(data)
    assert probe(path) == probe(data)
    np.testing.assert_array_equal(decode(path, RATE, 9.0), decode(data, RATE, 9.0))
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp3")


@pytest.mark.parametrize(
    ("name", "codec", "lossless"),
    [
        ("mp3", "mp3", False),
        ("ogg vorbis", "vorbis", False),
        ("flac", "flac", True),
        ("wavpack", "wavpack", True),
        ("wav s16", "pcm_s16le", True),
    ],
)
def test_a_probe_says_codec_bit_rate_and_whether_it_is_lossless(name: str, codec: str, lossless: bool) -> None:
    data = staircase(name, 5.0)
    info = probe(data)
    assert (info.codec, info.lossless) == (codec, lossless)
    assert 0.6 < info.bit_rate / (8 * len(data) / 5.0) < 1.01  # the rest is the container


def test_tags_have_keys_in_lower_case() -> None:
    assert probe(encoded(tone(1.0, 48000)[None], 48000, *CODECS["ogg opus"], "mono")).tags["title"] == "A Test"


def test_without_resampling_lossless_audio_comes_back_exactly() -> None:
    wave = tone(3.0)
    assert np.abs(decode(encode_audio(wave, 8000), 8000, 10.0) - wave).max() < 1e-4


def test_streamed_resampling_equals_one_pass() -> None:
    wave = tone(9.0, 44100)
    whole = decode(encode_audio(wave, 44100), RATE, 20.0)
    assert len(whole) == pytest.approx(9.0 * RATE, abs=2)
    reference = tone(9.0, RATE)[: len(whole)]
    assert np.abs(whole[500:-500] - reference[500 : len(whole) - 500]).max() < 1e-3


def test_peaks_above_one_are_kept() -> None:
    assert decode(wav(8 * tone(1.0), 8000, "FLOAT"), 8000, 5.0).max() == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_numbers_are_a_gap(bad: float, subtype: str) -> None:
    wave = stairs(4.0, RATE)
    wave[RATE : RATE + 100] = bad
    wave[RATE + 200] = bad  # a crumb between two bad samples is left out, too
    (first, before), (second, after) = stretches(wav(wave, RATE, subtype))
    assert (first, second) == (0.0, pytest.approx((RATE + 201) / RATE))
    np.testing.assert_array_equal(before, wave[:RATE])
    np.testing.assert_array_equal(after, wave[RATE + 201 :])


def test_a_bad_sample_at_the_end_of_a_block_is_a_gap_too() -> None:
    wave = stairs(8.0, RATE)
    bad = np.arange(1, 12) * 16384 - 1
    wave[bad] = np.nan
    found = stretches(wav(wave, RATE, "FLOAT"))
    assert [round(start * RATE) for start, _ in found] == [0, *(bad + 1)]


def test_a_gap_does_not_ring_into_what_follows() -> None:
    wave = np.zeros(2 * 48000, np.float32)
    wave[47000:48000] = 1.0
    wave[48000] = np.nan
    _, (_, after) = stretches(wav(wave, 48000, "FLOAT"))
    assert np.abs(after).max() == 0


def test_nothing_but_what_is_no_number_is_said_so() -> None:
    with pytest.raises(NotFinite, match="finite"):
        decode(wav(np.full(8000, np.nan), 8000, "FLOAT"), 8000, 5.0)


@pytest.mark.parametrize(
    "name", ["ogg vorbis", "ogg opus", "flac", "matroska opus", "mpegts mp3", "asf mp3", "flv aac"]
)
@pytest.mark.parametrize("damage", ["cut out", "overwritten"])
def test_lost_packets_are_a_gap_and_positions_after_it_are_right(name: str, damage: str) -> None:
    data = staircase(name, 12.0)
    middle = len(data) // 2
    length = len(data) // (6 if damage == "cut out" else 20)
    noise = random.Random(3).randbytes(length) if damage == "overwritten" else b""
    found = stretches(data[:middle] + noise + data[middle + length :])
    assert len(found) >= 2
    whole = [(start, wave) for start, wave in found if len(wave) > RATE]
    assert len(whole) == 2 and whole[1][0] > len(whole[0][1]) / RATE
    for start, wave in whole:
        inside = np.ceil((start + 0.1) / STEP_S) * STEP_S + 0.2  # well inside a step
        first = round((inside - start) * RATE)
        assert step_of(wave[first : first + 2400]) == int(inside / STEP_S)
    end = whole[1][0] + len(whole[1][1]) / RATE
    assert end == pytest.approx(12.0, abs=0.1)


@pytest.mark.parametrize("name", ["mp3", "adts aac"])
def test_damage_is_a_gap_where_no_clock_tells_how_much_is_lost(name: str) -> None:
    data = staircase(name, 12.0)
    middle = len(data) // 2
    found = stretches(data[:middle] + bytes(len(data) // 20) + data[middle + len(data) // 20 :])
    assert len(found) >= 2
    for start, wave in found:
        assert start + len(wave) / RATE < 12.1


@pytest.mark.parametrize("name", ["ogg vorbis", "ogg opus", "mp3", "flac", "wav s16", "matroska opus", "wavpack"])
def test_a_truncated_file_gives_what_is_left(name: str) -> None:
    data = staircase(name, 10.0)
    half = data[: len(data) // 2]
    info, found = probe(half), stretches(half)
    assert 2 < info.duration_s < 6
    seconds = len(found[0][1]) / RATE
    assert seconds == pytest.approx(info.duration_s, abs=0.15)
    assert step_of(found[0][1][-6000:-3600]) == pytest.approx(seconds / STEP_S, abs=1.5)


def test_a_clock_that_starts_anew_is_a_gap_and_time_goes_on() -> None:
    data = staircase("ogg vorbis", 3.0)
    (first, before), (second, after) = stretches(data + data)
    assert (first, second) == (0.0, pytest.approx(3.0, abs=0.03))
    assert len(before) / RATE == pytest.approx(3.0, abs=0.03)
    assert step_of(after[2400:4800]) == 0
    assert probe(data + data).duration_s == pytest.approx(6.0, abs=0.05)


def ogg_checksum(page: bytes) -> int:
    """The CRC of an Ogg page (RFC 3533, section 6) whose own field is zero."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


@pytest.mark.parametrize("position", [2**32 - 113, 10**9])
def test_a_broken_last_time_stamp_makes_no_file_longer(position: int) -> None:
    data = io.BytesIO()
    soundfile.write(data, stairs(3.0, RATE), RATE, format="OGG", subtype="VORBIS")
    file = bytearray(data.getvalue())
    last = file.rfind(b"OggS")
    file[last + 6 : last + 14] = struct.pack("<Q", position)
    file[last + 22 : last + 26] = bytes(4)
    file[last + 22 : last + 26] = struct.pack("<I", ogg_checksum(file[last:]))
    assert probe(bytes(file)).duration_s == pytest.approx(3.0, abs=0.05)
    assert glance(bytes(file)).duration_s == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize(("rate", "layout"), [(44100, "mono"), (48000, "stereo")])
def test_the_shape_may_change_on_the_way(rate: int, layout: str) -> None:
    channels = 1 if layout == "mono" else 2
    data = staircase("mpegts mp3", 2.0)
    later = np.stack([stairs(2.0, rate)] * channels)
    found = stretches(data + encoded(later, rate, *CODECS["mpegts mp3"], layout))
    assert sum(len(wave) for _, wave in found) / RATE == pytest.approx(4.0, abs=0.2)
    assert all(np.abs(wave).max() < 0.5 for _, wave in found)
    assert len(found) > 1


@pytest.mark.parametrize("channels", [(1, 2), (2, 1)])
def test_channels_may_come_and_go_without_a_gap(channels: tuple[int, int]) -> None:
    parts = [
        encoded(np.stack([stairs(3.0, 48000)] * n), 48000, *CODECS["adts aac"], "mono" if n == 1 else "stereo")
        for n in channels
    ]
    ((_, found),) = stretches(parts[0] + parts[1])
    assert len(found) / RATE == pytest.approx(6.0, abs=0.1)
    for start in (0.6, 3.7):
        assert found[round(start * RATE) :][:RATE].std() == pytest.approx(0.25 / np.sqrt(2), rel=0.05)
    assert (step_of(found[:RATE][6000:8400]), step_of(found[round(3.25 * RATE) :][:2400])) == (0, 0)


@pytest.mark.parametrize("start_s", [-0.5, 7.0])
def test_time_counts_from_the_first_sample(start_s: float) -> None:
    data = encoded(stairs(3.0, 48000)[None], 48000, *CODECS["matroska opus"], "mono", start_s)
    ((start, found),) = stretches(data)
    assert start == 0
    assert probe(data).duration_s == pytest.approx(len(found) / RATE, abs=0.05)
    if start_s > 0:
        with av.open(io.BytesIO(data)) as container:
            assert container.start_time / av.time_base > 6  # so late


def lying_headers() -> dict[str, bytes]:
    mp3 = bytearray(staircase("mp3", 5.0))
    info = mp3.index(b"Info") + 8  # the number of frames
    mp3[info : info + 4] = struct.pack(">I", 1_000_000)
    longer = bytes(mp3[:info]) + struct.pack(">I", 250) + bytes(mp3[info + 4 :])  # 6 s
    endless = bytearray(staircase("flac", 5.0))
    endless[21:26] = bytes([endless[21] | 0x0F]) + b"\xff\xff\xff\xff"
    unknown = bytearray(staircase("flac", 5.0))
    unknown[21] &= 0xF0  # STREAMINFO: 36 bits for the number of samples
    unknown[22:26] = bytes(4)
    riff = bytearray(wav(stairs(5.0, 48000), 48000))
    size = riff.index(b"data") + 4
    riff[size : size + 4] = struct.pack("<I", 0xFFFFFFFF)
    return {
        "mp3": bytes(mp3),
        "mp3 by a second": longer,
        "flac": bytes(unknown),
        "endless flac": bytes(endless),
        "wav": bytes(riff),
    }


@pytest.mark.parametrize("name", ["mp3", "mp3 by a second", "flac", "endless flac", "wav"])
def test_a_headers_wrong_duration_is_not_believed(name: str) -> None:
    data = lying_headers()[name]
    assert probe(data).duration_s == pytest.approx(5.0, abs=0.1)
    assert sum(len(wave) for _, wave in stretches(data)) / RATE == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize(
    "name", [*CODECS, "lying mp3", "lying mp3 by a second", "lying flac", "lying endless flac", "lying wav"]
)
def test_a_glance_finds_the_same_as_a_probe(name: str) -> None:
    data = staircase(name, 5.0) if name in CODECS else lying_headers()[name.removeprefix("lying ")]
    quick, whole = glance(data), probe(data)
    assert quick.duration_s == pytest.approx(whole.duration_s, abs=0.1)
    assert (quick.sample_rate, quick.channels, quick.codec) == (whole.sample_rate, whole.channels, whole.codec)


@cache
def hissing(name: str) -> bytes:
    """8 s at 48 kHz that are nowhere the same, loud and faint by turns, by one of CODECS or as "variable" MP3.

    "variable" begins with a table of contents, "tableless" does not.
    """
    noise = np.random.default_rng(0).standard_normal(8 * 48000)
    loudness = np.where(np.arange(len(noise)) // 24000 % 3 == 0, 0.2, 0.01)
    wave = (loudness * np.convolve(noise, np.hanning(48) / 24, "same")).astype(np.float32)
    if name in CODECS:
        return encoded(wave[None], 48000, *CODECS[name], "mono")
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", 48000, 1, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    ) as out:
        out.write(wave)
    data = buffer.getvalue()
    assert b"Xing" in data[:500]
    return data if name == "variable" else data.replace(b"Xing", bytes(4), 1)


@pytest.mark.parametrize("name", [*(n for n in CODECS if not n.startswith("wav ")), "wav s16", "variable", "tableless"])
@pytest.mark.parametrize("start_s", [3.0, 6.5])
def test_sought_audio_is_where_reading_through_finds_it(name: str, start_s: float) -> None:
    data = hissing(name)
    blocks = list(stream(data, 48000, start_s))
    assert blocks[0].start_s <= start_s
    assert blocks[0].start_s > start_s - 2.1 or name == "matroska opus"  # which is sought by its clusters
    assert [block.joined for block in blocks] == [False] + [True] * (len(blocks) - 1)
    found, whole = np.concatenate([b.wave for b in blocks]), decode(data, 48000, 60.0)
    first = round(blocks[0].start_s * 48000)
    # Some clocks tick in milliseconds: up to 48 samples off.
    at = min(range(-50, 51), key=lambda lag: np.square(whole[first + lag :][:4800] - found[:4800]).sum())
    assert abs(at) < 50
    length = min(len(found), len(whole) - first - at)
    assert length > len(found) - 2000
    difference = found[:length] - whole[first + at :][:length]
    assert np.square(difference).mean() < (0.01 if "aac" in name else 1e-6) * np.square(found).mean()  # AAC draws noise


def test_past_its_end_a_file_gives_nothing_wrong() -> None:
    for name in ("ogg vorbis", "mp3", "flac", "wav s16", "mp4 aac"):
        try:
            blocks = list(stream(staircase(name, 5.0), RATE, 60.0))
        except Undecodable:
            continue
        for block in blocks:
            assert block.start_s + len(block.wave) / RATE < 5.1


def test_a_cover_picture_is_not_audio() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (9, 9)).save(picture, "PNG")
    content = b"\0image/png\0\x03\0" + picture.getvalue()
    body = b"APIC" + struct.pack(">IH", len(content), 0) + content
    size = bytes((len(body) >> s) & 0x7F for s in (21, 14, 7, 0))
    data = b"ID3\x03\0\0" + size + body + staircase("mp3", 3.0)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video
    assert probe(data).duration_s == pytest.approx(3.0, abs=0.05)
    ((_, found),) = stretches(data)
    assert len(found) / RATE == pytest.approx(3.0, abs=0.05)


def test_longer_than_the_bound_is_refused() -> None:
    with pytest.raises(TooLong, match="longer than 1 s"):
        decode(flac(3.0), 8000, 1.0)
    assert len(decode(flac(3.0), 8000, 3.0)) == 24000


def test_what_is_not_asked_for_is_not_decoded() -> None:
    blocks = stream(wav(tone(600.0, 8000), 8000), 8000)
    first = next(blocks)
    assert isinstance(first, Block) and len(first.wave) < 100_000
    blocks.close()


@pytest.mark.parametrize(
    ("offset", "field", "value", "message"),
    [(12, "<I", 1, "1 samples per second"), (12, "<I", 2**31 - 1, "samples per second"), (10, "<H", 255, "channels")],
)
def test_a_shape_that_no_music_has_is_refused(offset: int, field: str, value: int, message: str) -> None:
    data = bytearray(wav(tone(2.0, 8000), 8000))
    start = data.index(b"fmt ") + offset
    data[start : start + struct.calcsize(field)] = struct.pack(field, value)
    for read in (probe, lambda d: decode(d, 8000, 1e9)):
        with pytest.raises(Undecodable, match=f"{message}|no sample"):
            read(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"some text",
        bytes(5000),
        b"OggS" + bytes(500),
        b"fLaC" + bytes(500),
        b"ID3\x04\0\0\0\0\0\0",
        wav(np.zeros(0), 8000),
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period/></MPD>",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 9 RTP/AVP 0\n",
    ],
)
def test_what_is_no_audio_is_undecodable(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.m3u8").write_bytes(data)
    for source in (data, tmp_path / "x.m3u8"):
        for read in (probe, lambda s: decode(s, 8000, 5.0)):
            with pytest.raises(Undecodable):
                read(source)


@pytest.mark.parametrize("name", ["ogg vorbis", "mp3", "flac", "mp4 aac", "matroska opus", "wav float", "adts aac"])
def test_damage_never_raises_anything_but_undecodable(name: str) -> None:
    whole = bytearray(encoded(tone(1.0, 48000)[None], 48000, *CODECS[name], "mono"))
    generator = random.Random(5)
    for _ in range(15):
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
