import base64
import hashlib
import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from melodies import RATE, melody

from ssmttm.audio.algorithms import standard
from ssmttm.audio.chromaprint import compressed
from ssmttm.audio.fingerprint import Fingerprint, Fingerprinter, decode_codes
from ssmttm.audio.matching import CODE_SECONDS, MOST_CODES, compare
from ssmttm.audio.streams import decode
from ssmttm.errors import UserError

# What fpcalc of chromaprint 1.5.1 says of melody(7, 5.0) as a 16-bit WAV file: compressed, and raw.
TEXT = "AQAAE9Kn7EHeIGGC18dPoXoyND-Dm0ceHH3RzMeTHbljPFmONx-cjdmQyw30HAQIYI5AIARAbjhhDBIECWIB"
RAW = [
    3231334410, 3231351307, 3231351528, 2157480616, 2497227432, 2419632888, 2468920008, 2452265544, 2452259401,
    2989130313, 2989003353, 2720584553, 2724774121, 2733360360, 2750044392, 2984917480, 2977508232, 2971152009,
    2434278027,
]  # fmt: skip


def fingerprint(wave: np.ndarray, block: int = 1 << 20) -> Fingerprint:
    taker = Fingerprinter(RATE)
    for start in range(0, len(wave), block):
        taker.feed(wave[start : start + block])
    return taker.result()


def test_a_compressed_chromaprint_reads_as_the_reference_program_states_it() -> None:
    codes = decode_codes(TEXT)
    assert codes.dtype == np.uint32
    assert codes.tolist() == RAW


def test_codes_are_those_of_the_reference_program() -> None:
    codes = fingerprint(melody(7, 5.0)).codes
    assert len(codes) == len(RAW)
    unequal = np.bitwise_count(codes ^ np.array(RAW, np.uint32)).sum()
    assert unequal <= 2  # the last digits of a sine differ between machines


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AQ",
        "no base64!",
        "AQAA",
        TEXT[:40],
        base64.urlsafe_b64encode(b"\x01\xff\xff\xff\x00").decode(),
        base64.urlsafe_b64encode(b"\x01\x00\x00\x01\xb6\x6d\xdb\x00").decode(),  # eight distances of 6 are 48 bits
        base64.urlsafe_b64encode(b"\x01\x00\x00\x01\x07").decode(),  # a large distance without its rest
    ],
)
def test_what_is_no_chromaprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="chromaprint"):
        decode_codes(text)


def test_no_codes_are_no_error() -> None:
    assert decode_codes("AQAAAA").tolist() == []


@pytest.mark.parametrize("block", [1, 977, 24000, 30001])
def test_blocks_make_no_difference(block: int) -> None:
    wave = melody(7, 5.0)[: 4 * RATE] if block > 1 else melody(7, 5.0)[:3000]
    whole, parts = fingerprint(wave), fingerprint(wave, block)
    assert parts.audio_sha256 == whole.audio_sha256
    assert parts.codes.tolist() == whole.codes.tolist()


def test_a_block_that_its_owner_reuses_is_not_seen_to_change() -> None:
    block = melody(7, 5.0).copy()
    taker = Fingerprinter(RATE)
    taker.feed(block)
    block[:] = 0.0
    assert taker.result().codes.tolist() == fingerprint(melody(7, 5.0)).codes.tolist()


def test_containers_of_the_same_samples_have_one_hash_and_other_samples_another() -> None:
    whole = np.rint(melody(7, 5.0) * 60000).astype(np.int16)
    hashes = set()
    for kind in ("WAV", "FLAC", "AIFF"):
        file = io.BytesIO()
        soundfile.write(file, whole, RATE, format=kind, subtype="PCM_16")
        hashes.add(fingerprint(decode(file.getvalue(), RATE, 10.0)).audio_sha256)
    assert hashes == {hashlib.sha256(whole.astype("<i2").tobytes()).hexdigest()}
    assert fingerprint(whole[:-1] / 32768).audio_sha256 not in hashes


def test_peaks_above_full_scale_count_as_full_scale() -> None:
    wave = 4 * melody(7, 5.0)
    assert fingerprint(wave).audio_sha256 == fingerprint(np.clip(wave, -1, 1)).audio_sha256


@pytest.mark.parametrize("gain", [0.002, 0.1, 2.0, 8.0])
def test_level_does_not_change_the_codes(gain: float) -> None:
    wave = melody(7, 5.0)
    unequal = np.bitwise_count(fingerprint(gain * wave).codes ^ fingerprint(wave).codes).sum()
    assert unequal <= 2


@pytest.mark.parametrize(
    "wave",
    [np.zeros(0), np.zeros(10 * RATE), np.full(10 * RATE, 2e-5), melody(7, 5.0)[: 2 * RATE], melody(7, 5.0)[:7]],
    ids=["empty", "silent", "inaudible", "2 s", "7 samples"],
)
def test_silence_and_too_little_have_no_codes(wave: np.ndarray) -> None:
    found = fingerprint(wave.astype(np.float32))
    assert found.codes.dtype == np.uint32
    assert len(found.codes) == 0
    assert len(found.audio_sha256) == 64


@pytest.mark.parametrize("rate", [8000, 11025, 24000, 44100])
def test_a_long_recording_has_the_codes_it_would_have_in_one_piece(rate: int) -> None:
    wave = np.concatenate([melody(seed, 65.0 * rate / RATE) for seed in range(4)])
    taker = Fingerprinter(rate)
    for start in range(0, len(wave), 1 << 16):
        taker.feed(wave[start : start + (1 << 16)])
    scaled = wave * np.float32(0.9 / np.abs(wave).max())
    whole = decode_codes(standard.Chromaprinter(sampleRate=rate, maxLength=0)(scaled))
    codes = taker.result().codes
    assert len(codes) == len(whole) > 2050
    assert np.bitwise_count(codes ^ whole).mean() < 0.1


def test_two_minutes_of_samples_are_held_and_two_hours_are_coded() -> None:
    taker, block, most = Fingerprinter(8000), np.resize(melody(7, 5.0), 400_000), 0
    for _ in range(160):
        taker.feed(block)
        most = max(most, sum(len(part) for part in taker._waiting))
    assert most < 175 * 8000
    assert len(taker.result().codes) * CODE_SECONDS == pytest.approx(7200, abs=120)
    assert len(taker.result().codes) <= MOST_CODES


def test_silence_within_keeps_the_place_of_what_follows() -> None:
    tune = melody(7, 20.0)
    late = fingerprint(np.concatenate([tune, np.zeros(280 * RATE, np.float32), tune])).codes
    codes = fingerprint(tune).codes
    found = compare(codes, late[1000:])
    assert found is not None and found.similarity > 0.95
    assert (1000 - found.offset) * CODE_SECONDS == pytest.approx(300.0, abs=0.2)


@pytest.mark.parametrize("wave", [np.full(100, np.nan), np.full(100, np.inf), np.zeros((2, 100))])
def test_what_is_not_finite_or_not_mono_is_refused(wave: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite mono"):
        Fingerprinter(RATE).feed(wave.astype(np.float32))


def test_pyacoustid_gives_the_same_codes_where_essentia_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("chromaprint", reason="needs pyacoustid and the system's libchromaprint")
    waves = [melody(7, 5.0), melody(3, 20.0), np.random.default_rng(1).normal(0, 0.2, 8 * RATE).clip(-1, 1)]
    ours = [fingerprint(wave).codes for wave in waves]
    monkeypatch.setitem(sys.modules, "ssmttm.audio.algorithms", None)
    for wave, codes in zip(waves, ours):
        assert fingerprint(wave).codes.tolist() == codes.tolist()


def test_samples_reach_pyacoustid_as_16_bit_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fingerprinter:
        """Stands in for chromaprint's, and prints what it is fed."""

        def start(self, sample_rate: int, channels: int) -> None:
            assert (sample_rate, channels) == (RATE, 1)

        def feed(self, data: bytes) -> None:
            self.fed = np.frombuffer(data, "<i2")

        def finish(self) -> bytes:
            return f"{self.fed.min()} {self.fed.max()} {len(self.fed)}".encode()

    monkeypatch.setitem(sys.modules, "ssmttm.audio.algorithms", None)
    monkeypatch.setitem(sys.modules, "chromaprint", SimpleNamespace(Fingerprinter=Fingerprinter))
    assert compressed(np.array([-1.0, 0.5, 1.0], np.float32), RATE) == "-32767 32767 3"


def test_without_both_libraries_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ssmttm.audio.algorithms", None)
    monkeypatch.setitem(sys.modules, "chromaprint", None)
    with pytest.raises(UserError, match=r"pip install essentia, or pip install 'ssmttm\[librosa\]'"):
        fingerprint(melody(7, 5.0))
