from itertools import pairwise

import numpy as np
import pytest
from debs import tone

from ssmttm.audio.loudness import PEAK_CEILING, loudness
from ssmttm.audio.streams import Block
from ssmttm.dataset.clips import Clip, clip_starts, finish, pieces

RATE = 8000
SETTINGS = {
    "seconds": 2.0,
    "sample_rate": RATE,
    "loudness_lufs": -18.0,
    "silence_lufs": -50.0,
    "max_track_seconds": 60.0,
}


def blocks(samples: int, seed: int = 0, gaps: tuple[int, ...] = (), skip: int = 0) -> list[Block]:
    """The numbers 0 … samples - 1 at 10 a second, in blocks of random size; `skip` numbers are lost at each gap."""
    generator = np.random.default_rng(seed)
    found, at, joined = [], 0, False
    borders = [*gaps, samples]
    while at < samples:
        border = next(b for b in borders if b > at)
        end = min(at + int(generator.integers(1, 60)), border)
        found.append(Block(at / 10, np.arange(at, end, dtype=np.float32), joined))
        joined = True
        at = end
        if end == border:
            at, joined = end + skip, False
    return found


def cut(found: list[Block], length: int, starts: list[int] | None = None) -> list[int]:
    """Where the pieces start, by their content, after checking that it is in one piece."""
    first = []
    for start_s, wave in pieces(iter(found), length, 10, starts):
        np.testing.assert_array_equal(wave, np.arange(wave[0], wave[0] + length))
        assert start_s == pytest.approx(wave[0] / 10)
        first.append(int(wave[0]))
    return first


@pytest.mark.parametrize("seed", range(8))
def test_pieces_are_exact_disjoint_and_in_order_however_the_track_is_cut_into_blocks(seed: int) -> None:
    assert cut(blocks(1007, seed), 25) == list(range(0, 1000, 25))
    assert cut(blocks(99, seed), 100) == []
    assert cut(blocks(100, seed), 100) == [0]


@pytest.mark.parametrize("seed", range(8))
def test_no_piece_spans_a_gap(seed: int) -> None:
    assert cut(blocks(300, seed, gaps=(110, 125), skip=3), 50) == [0, 50, 128, 178, 228]
    assert cut(blocks(300, seed, gaps=(40, 80)), 50) == [80, 130, 180, 230]


@pytest.mark.parametrize("seed", range(8))
def test_chosen_starts_are_kept_where_they_can_be(seed: int) -> None:
    assert cut(blocks(1000, seed), 50, [0, 100, 500, 950]) == [0, 100, 500, 950]
    assert cut(blocks(1000, seed), 50, []) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_chosen_piece_that_a_gap_would_break_comes_after_it(seed: int) -> None:
    assert cut(blocks(1000, seed, gaps=(120,), skip=10), 50, [100, 500]) == [130, 500]
    assert cut(blocks(1000, seed, gaps=(120,), skip=300), 50, [100, 200, 300]) == [420, 470, 520]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("missing", [1, 7, 40, 50])
def test_a_track_that_ends_early_moves_its_last_piece_back(seed: int, missing: int) -> None:
    assert cut(blocks(1000 - missing, seed), 50, [450, 950]) == [450, 950 - missing]
    assert cut(blocks(1000 - missing, seed), 50, [950]) == [950 - missing]


def test_a_piece_is_not_moved_back_over_another_or_over_a_gap() -> None:
    assert cut(blocks(990), 50, [900, 950]) == [900]
    assert cut(blocks(990, gaps=(945,)), 50, [950]) == []


def test_nothing_is_read_after_the_last_chosen_piece_or_held_from_long_before() -> None:
    read = 0

    def counted():
        nonlocal read
        for block in blocks(100_000):
            read = int(block.wave[-1])
            yield block

    assert [wave[0] for _, wave in pieces(counted(), 100, 10, [50_000])] == [50_000]
    assert 50_099 <= read < 50_200


def test_every_capped_track_gives_as_many_pieces_as_fit() -> None:
    for samples in range(1, 80, 3):
        for cap in (1, 2, 3, 7):
            for real in {max(samples - 2, 1), samples, samples + 2}:  # the duration may be a little wrong
                found = cut(blocks(real), 10, clip_starts(samples, 10, cap))
                assert len(found) <= cap and len(set(found)) == len(found)
                assert all(b - a >= 10 for a, b in pairwise(found))
                if real >= samples:
                    assert len(found) == min(cap, samples // 10)


def finished(wave: np.ndarray) -> Clip:
    return finish(1.5, wave, SETTINGS)


@pytest.mark.parametrize("gain", [0.05, 0.3, 1.0, 3.9])
def test_every_clip_is_brought_to_the_target(gain: float) -> None:
    clip = finished(gain * tone(2.0))
    assert loudness(clip.wave, RATE) == pytest.approx(-18.0, abs=0.05)
    assert clip.loudness_lufs == pytest.approx(loudness(gain * tone(2.0), RATE), abs=1e-3)
    assert clip.peak == pytest.approx(np.abs(clip.wave).max())
    assert (clip.start_s, clip.wave.dtype, clip.wave.shape) == (1.5, np.float32, (16000,))


def test_peaks_reduce_the_gain_instead_of_being_clipped() -> None:
    wave = 0.02 * tone(2.0)
    wave[::1000] = 0.9  # a few spikes over quiet sound
    clip = finished(wave)
    assert clip.peak == pytest.approx(PEAK_CEILING, abs=1e-6)
    centred = wave - wave.mean()
    np.testing.assert_allclose(clip.wave / clip.wave[0], centred / centred[0], atol=1e-5)  # scaled, not bent
    assert loudness(clip.wave, RATE) < -18.0


def test_an_offset_is_removed_and_costs_no_loudness() -> None:
    clip = finished(tone(2.0) + np.float32(0.5))
    assert abs(clip.wave.mean()) < 1e-6
    assert clip.quality.dc_offset == pytest.approx(0.5, abs=1e-5)
    assert clip.loudness_lufs == pytest.approx(finished(tone(2.0)).loudness_lufs, abs=0.01)
    assert clip.peak == pytest.approx(finished(tone(2.0)).peak, rel=1e-3)


@pytest.mark.parametrize("wave", [np.zeros(16000, np.float32), np.full(16000, 0.5, np.float32), 1e-4 * tone(2.0)])
def test_silence_has_no_wave(wave: np.ndarray) -> None:
    clip = finished(wave)
    assert clip.wave is None and clip.quality is None
    assert clip.loudness_lufs < -50


def test_the_piece_itself_is_left_alone() -> None:
    wave = tone(2.0) + np.float32(0.1)
    before = wave.copy()
    finished(wave)
    np.testing.assert_array_equal(wave, before)


def test_a_cap_chooses_evenly_and_always_the_same() -> None:
    assert clip_starts(1000, 10, 4) == [120, 370, 620, 870]
    assert clip_starts(35, 10, 4) == [0, 10, 20]
    assert clip_starts(9, 10, None) == []
    for count in range(1, 60):
        for cap in range(1, 60):
            starts = clip_starts(count * 10 + 3, 10, cap)
            assert len(set(starts)) == len(starts) == min(cap, count)
            assert starts == sorted(starts) and starts[-1] + 10 <= count * 10
