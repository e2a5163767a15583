from collections.abc import Callable

import numpy as np
import pytest
import soxr
from codes import noisy, random_codes
from melodies import RATE, melody

from ssmttm.audio import matching
from ssmttm.audio.fingerprint import Fingerprinter
from ssmttm.audio.matching import CODE_SECONDS, MOST_CODES, candidates, compare

SILENCE = 627964279
DISTINCT = range(20, 28)


def codes_of(wave: np.ndarray, rate: int = RATE) -> np.ndarray:
    taker = Fingerprinter(rate)
    taker.feed(wave)
    return taker.result().codes


def hiss(wave: np.ndarray) -> np.ndarray:
    return wave + np.random.default_rng(0).normal(0.0, 0.01, len(wave)).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "offset_s"),
    [
        (lambda w: 2.0 * w, 0.0),
        (lambda w: 0.5 * w, 0.0),
        (np.tanh, 0.0),
        (hiss, 0.0),
        (lambda w: w[RATE:], 1.0),
        (lambda w: np.concatenate([np.zeros(3 * RATE, np.float32), w]), -3.0),
        (lambda w: w[: 12 * RATE], 0.0),
    ],
    ids=["louder", "quieter", "saturated", "noise", "trimmed", "silence before", "an excerpt"],
)
def test_a_damaged_recording_is_found_again_where_it_is(
    change: Callable[[np.ndarray], np.ndarray], offset_s: float
) -> None:
    wave = melody(20, 20.0)
    codes, other = codes_of(wave), codes_of(change(wave))
    found = compare(codes, other)
    assert found is not None
    assert found.similarity > 0.9
    assert found.offset * CODE_SECONDS == pytest.approx(offset_s, abs=0.13)
    assert candidates([codes, other]).tolist() == [[0, 1]]


def test_another_rate_is_the_same_recording() -> None:
    wave = melody(20, 20.0)
    found = compare(codes_of(wave), codes_of(soxr.resample(wave, RATE, 11025), 11025))
    assert found is not None
    assert found.similarity > 0.98


def test_different_tunes_of_the_same_sounds_are_not_alike() -> None:
    every = [codes_of(melody(number, 20.0)) for number in DISTINCT]
    assert len(candidates(every)) == 0
    for i, a in enumerate(every):
        for b in every[:i]:
            found = compare(a, b)
            assert found is None or found.similarity < 0.75


def test_similarity_is_the_share_of_equal_bits_and_symmetric() -> None:
    codes = random_codes(1, 900)
    other = noisy(codes, 0.05)[200:]
    found = compare(codes, other)
    assert found is not None
    assert found.similarity == pytest.approx(0.95, abs=0.005)
    assert (found.offset, found.overlap) == (200, 700)
    assert compare(other, codes) == found._replace(offset=-200)


def test_a_passage_of_less_than_half_the_shorter_is_no_match() -> None:
    passage = random_codes(1, 200)
    a = np.concatenate([passage, random_codes(2, 300)])
    b = np.concatenate([random_codes(3, 300), passage])
    assert compare(a, b) is None
    assert compare(a, b[200:]) is not None


def test_less_than_ten_seconds_are_no_match() -> None:
    codes = random_codes(1, 900)
    assert compare(codes, codes[:59]) is None
    assert compare(codes, codes[:61]) is not None
    assert candidates([codes, codes[:59]]).tolist() == []


def test_silence_matches_nothing_and_does_not_count() -> None:
    quiet = np.full(500, SILENCE, np.uint32)
    a = np.concatenate([quiet, random_codes(1, 300)])
    b = np.concatenate([quiet, random_codes(2, 300)])
    assert compare(a, b) is None
    assert compare(quiet, quiet) is None
    found = compare(a, np.concatenate([random_codes(1, 300), quiet]))
    assert found is not None
    assert (found.similarity, found.offset, found.overlap) == (1.0, 500, 300)
    assert candidates([a, b, quiet, quiet]).tolist() == []


def test_a_held_chord_is_no_evidence() -> None:
    held = np.full(900, 123456789, np.uint32)
    assert compare(held, held) is None
    assert candidates([held, held]).tolist() == []


def test_equal_codes_in_another_order_are_no_evidence() -> None:
    codes = random_codes(1, 300)
    assert candidates([codes, codes[::-1]]).tolist() == []
    assert compare(codes, codes[::-1]) is None


def test_every_planted_pair_is_found_and_nothing_else() -> None:
    every = [random_codes(seed, 400) for seed in range(300)]
    planted = [(i, i + 150) for i in range(0, 150, 3)]
    for i, j in planted:
        every[j] = noisy(every[i], 0.06, seed=i)[10:]
    assert candidates(every).tolist() == [list(pair) for pair in planted]


def test_many_copies_are_linked_without_comparing_all() -> None:
    codes = random_codes(1, 400)
    pairs = candidates([noisy(codes, 0.01, seed) for seed in range(200)])
    assert len(pairs) < 200 * 100
    reached = {0}
    for i, j in pairs.tolist():
        if i in reached:
            reached.add(j)
    assert reached == set(range(200))


def test_parts_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [noisy(random_codes(seed // 3, 300), 0.02, seed) for seed in range(60)]
    whole = candidates(every)
    monkeypatch.setattr("ssmttm.audio.matching._PAIRS_AT_ONCE", 500)
    assert candidates(every).tolist() == whole.tolist()


@pytest.mark.parametrize("every", [[], [np.zeros(0, np.uint32)], [np.zeros(0, np.uint32)] * 3])
def test_nothing_to_compare_gives_no_pairs(every: list[np.ndarray]) -> None:
    assert candidates(every).shape == (0, 2)


def test_codes_that_do_not_fit_the_index_are_refused() -> None:
    with pytest.raises(ValueError, match=str(MOST_CODES)):
        candidates([random_codes(1, MOST_CODES + 1)])


def test_a_part_within_others_music_is_found_where_it_is() -> None:
    piece, around = random_codes(1, 1530), random_codes(2, 1480)
    whole = np.concatenate([around[:900], noisy(piece, 0.08), around[900:]])
    other = np.concatenate([piece, random_codes(3, 1400)])
    found = compare(whole, other)
    assert found is not None
    assert found.offset == 900 and found.overlap == pytest.approx(1530, abs=8)
    assert found.similarity == pytest.approx(0.92, abs=0.01)
    assert candidates([whole, other]).tolist() == [[0, 1]]


def test_a_minute_is_enough_and_less_is_not_unless_it_is_half() -> None:
    for common, expected in ((500, True), (300, False)):
        piece = random_codes(1, common)
        a = np.concatenate([random_codes(2, 700), piece, random_codes(3, 700)])
        b = np.concatenate([random_codes(4, 100), noisy(piece, 0.05), random_codes(5, 900)])
        assert (compare(a, b) is not None) == expected
        assert compare(a, piece) is not None


def test_what_is_packed_tells_all_bits_apart_that_count() -> None:
    codes = [np.resize(random_codes(7, 80), 80) for _ in range(33)]
    for bit in range(32):
        codes[bit + 1] = codes[0] ^ np.uint32(1 << bit)
    assert {int(pair[1]) - 1 for pair in candidates(codes).tolist() if pair[0] == 0} == {4, 6, 10, 16}


def test_keys_taken_in_parts_give_the_same_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = [noisy(random_codes(n % 9, 300), 0.05, n) for n in range(30)]
    whole = candidates(tracks).tolist()
    assert len(whole) > 20
    monkeypatch.setattr(matching, "_ENTRIES_AT_ONCE", 700)
    assert candidates(tracks).tolist() == whole
