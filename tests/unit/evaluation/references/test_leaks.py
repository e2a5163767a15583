import numpy as np
import pytest
from foreign_files import codes, tune

from ssmttm.evaluation.references.leaks import PROBES, by_sound, threshold


def test_other_music_and_held_sounds_are_no_copies():
    time = np.arange(24000 * 40) / 24000
    drones = {f: codes(np.sin(2 * np.pi * f * time).astype(np.float32)) for f in (220.0, 221.0, 440.0)}
    tunes = {str(s): codes(tune(12, 24000, s)) for s in range(8)}
    tracks = [("drone", drones[220.0]), *((f"t{s}", codes(tune(40, 24000, 50 + s))) for s in range(4))]
    others = tunes | {str(f): c for f, c in drones.items() if f != 220.0}
    assert by_sound(others, tracks, 0.8) == ([], [])
    shorter = {f"{name} {n}": c[start : start + n] for name, c in others.items() for n in PROBES for start in (0, 9)}
    assert by_sound(shorter, tracks, 0.8)[0] == []


@pytest.mark.parametrize("start", [3.1, 17.77, 25.0])
def test_an_excerpt_of_five_seconds_or_more_is_found_wherever_it_begins(start):
    whole = tune(40, 24000, 3)
    part = whole[round(start * 24000) :][: 10 * 24000]
    tracks = [("other", codes(tune(40, 24000, 4))), ("whole", codes(whole))]
    lengths = {f"{seconds} s": codes(part[: round(seconds * 24000)]) for seconds in (10, 8, 6, 5)}
    leaks, unheard = by_sound(lengths, tracks, 0.8)
    assert {(leak.clip_id, leak.track_id) for leak in leaks} == {(name, "whole") for name in lengths}
    assert unheard == []


def test_what_is_too_short_or_silent_to_be_compared_is_named():
    whole = tune(40, 24000, 3)
    silent = codes(np.r_[whole[:240], np.zeros(10 * 24000, np.float32)])
    given = {"short": codes(whole[: 3 * 24000]), "silent": silent, "nothing": codes(np.zeros(240000, np.float32))}
    leaks, unheard = by_sound(given | {"long": codes(whole[: 10 * 24000])}, [("whole", codes(whole))], 0.8)
    assert [leak.clip_id for leak in leaks] == ["long"]
    assert sorted(unheard) == ["nothing", "short", "silent"]


def test_shorter_probes_must_agree_more():
    needed = [threshold(n, 0.8) for n in PROBES]
    assert needed[0] == pytest.approx(0.8) and needed == sorted(needed) and needed[-1] < 0.9
    assert all(threshold(n, 0.95) < 1 for n in PROBES)
