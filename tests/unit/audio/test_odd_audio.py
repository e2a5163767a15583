"""Files with odd headers: each is either read or refused for a reason, and never stops a job."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile
from debs import flac, tone
from ogg import with_headers_twice

from ssmttm.audio import vorbis
from ssmttm.audio.streams import Undecodable, decode, glance, probe, stream
from ssmttm.sources import local
from ssmttm.sources.contract import Context

RATE = 24000
CLIPS = {"seconds": 1.0, "max_track_seconds": 60.0}


def wav(**changes: int) -> bytes:
    """Two seconds of a tone as RIFF, with other numbers in its `fmt ` chunk; it starts at byte 20."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(2.0), 8000, format="WAV", subtype="PCM_16")
    data = bytearray(buffer.getvalue())
    assert data[12:16] == b"fmt "
    for name, (start, size) in {"tag": (20, 2), "channels": (22, 2), "rate": (24, 4), "bits": (34, 2)}.items():
        if name in changes:
            data[start : start + size] = changes[name].to_bytes(size, "little")
    return bytes(data)


def matroska(codec: bytes) -> bytes:
    """A Matroska file of one audio track with a codec of that name, and no music."""

    def element(identity: str, content: bytes) -> bytes:
        return bytes.fromhex(identity) + (0x10000000 | len(content)).to_bytes(4, "big") + content

    header = element("1a45dfa3", element("4282", b"matroska"))
    audio = element("e1", element("b5", np.array(8000.0, ">f4").tobytes()) + element("9f", b"\x01"))
    track = element("d7", b"\x01") + element("73c5", b"\x01") + element("83", b"\x02") + element("86", codec) + audio
    cluster = element("1f43b675", element("e7", b"\x00") + element("a3", b"\x81\x00\x00\x80" + bytes(100)))
    return header + element("18538067", element("1654ae6b", element("ae", track)) + cluster)


ODD = {
    "an unknown format tag": wav(tag=0x1234),
    "0 bits": wav(bits=0),
    "no channel": wav(channels=0),
    "65,535 channels": wav(channels=0xFFFF),
    "0 samples per second": wav(rate=0),
    "an unknown codec in Matroska": matroska(b"A_NOBODY/KNOWS"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_header_is_refused_by_every_reader(name: str) -> None:
    for read in (probe, glance, lambda data: decode(data, RATE, 60.0), lambda data: list(stream(data, RATE, 30.0))):
        with pytest.raises(Undecodable, match=r"."):
            read(ODD[name])


def test_an_odd_file_is_one_rejected_row_and_the_others_are_listed(tmp_path: Path) -> None:
    (tmp_path / "song.flac").write_bytes(flac(2.0))
    for number, data in enumerate(ODD.values()):
        (tmp_path / f"{number}.wav").write_bytes(data)
    names = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / "table.csv").write_text("file,license\n" + "".join(f"{name},CC0-1.0\n" for name in names))
    settings = {"folder": str(tmp_path), "table": str(tmp_path / "table.csv")}
    rows = {row.url: row.record() for row in local.list_tracks(settings, Context(CLIPS, {}, tmp_path / "cache"))}
    assert sorted(rows) == names and rows.pop("song.flac")["problem"] is None
    assert {row["problem"] for row in rows.values()} == {"undecodable"}
    assert all(row["problem_detail"] for row in rows.values())


@pytest.mark.parametrize("name", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "W64", "RF64"])
def test_damaged_headers_raise_nothing_but_undecodable(name: str) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.tile(tone(1.0), 2), 8000, format=name)
    whole, generator = buffer.getvalue(), random.Random(name)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(generator.choice([1, 2, 8])):
            damaged[generator.randrange(min(len(damaged), 120))] = generator.choice([0, 255, generator.randrange(256)])
        for read in (probe, glance, lambda data: decode(data, RATE, 600.0)):
            try:
                read(bytes(damaged))
            except Undecodable as error:
                assert str(error)


@pytest.fixture(scope="module")
def ogg() -> bytes:
    """Twelve seconds of a rising tone and of noise, Vorbis in stereo, with tags."""
    n = np.arange(12 * 44100)
    rising = 0.4 * np.sin(2 * np.pi * (200 + 50 * n / 44100) * n / 44100)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(n))
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", 44100, 2, "VORBIS", format="OGG") as file:
        file.title, file.artist, file.comment, file.tracknumber = "Nörth", "Ada", "By hand", "3"
        file.license = "https://creativecommons.org/licenses/by/4.0/"
        file.write(np.stack([rising, noise], axis=1).astype(np.float32))
    return buffer.getvalue()


def test_vorbis_with_repeated_headers_is_read_by_libsndfile(ogg: bytes, tmp_path: Path) -> None:
    twice = with_headers_twice(ogg)
    expected = decode(ogg, RATE, 60.0)
    found = decode(twice, RATE, 60.0)
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    for read in (probe, glance):
        info, plain = read(twice), read(ogg)
        assert (info.sample_rate, info.channels, info.tags) == (plain.sample_rate, plain.channels, plain.tags)
        assert (info.codec, info.lossless) == ("vorbis", False)
        assert info.duration_s == pytest.approx(12.0) and info.duration_s == pytest.approx(plain.duration_s, abs=0.01)
        assert info.bit_rate == pytest.approx(8 * len(twice) / 12)
    path = tmp_path / "twice.ogg"
    path.write_bytes(twice)
    assert probe(path) == probe(twice)


def test_libsndfile_starts_where_it_is_asked_to(ogg: bytes) -> None:
    whole = decode(ogg, RATE, 60.0)
    blocks = list(stream(with_headers_twice(ogg), RATE, 8.0))
    assert 5.9 < blocks[0].start_s <= 8.0 and not blocks[0].joined and all(block.joined for block in blocks[1:])
    found = np.concatenate([block.wave for block in blocks])
    start = round(blocks[0].start_s * RATE)
    assert len(found) == pytest.approx(len(whole) - start, abs=2)
    np.testing.assert_allclose(found[2000:-2000], whole[start + 2000 :][: len(found) - 4000], atol=1e-3)


def test_what_both_decoders_read_is_the_same(ogg: bytes) -> None:
    facts, info = vorbis.facts(ogg), probe(ogg)
    assert facts is not None
    assert (facts.sample_rate, facts.channels, facts.tags) == (info.sample_rate, info.channels, info.tags)
    joined = np.concatenate([wave for _, wave in vorbis.blocks(ogg, 0.0)])
    np.testing.assert_allclose(joined, decode(ogg, 44100, 60.0), atol=1e-5)


def test_libsndfile_is_asked_for_vorbis_alone(ogg: bytes) -> None:
    assert vorbis.facts(wav()) is None and vorbis.facts(flac(1.0)) is None
    assert vorbis.facts(b"") is None and vorbis.facts(ogg[:100]) is None
    assert vorbis.comments(b"OggS" + bytes(40)) == {}
