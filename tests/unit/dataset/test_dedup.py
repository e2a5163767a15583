import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from codes import noisy, random_codes

from ssmttm.audio.matching import CODE_SECONDS
from ssmttm.dataset.artists import split_units
from ssmttm.dataset.dedup import Recording, find_duplicates, obligations
from ssmttm.errors import UserError
from ssmttm.stages import duplicates
from ssmttm.tables import SCHEMAS, read_table, write_table

CODES = random_codes(1, 400)


def recording(track_id: str, **changes: Any) -> Recording:
    facts = {
        "license": "CC-BY-4.0",
        "audio_sha256": f"hash of {track_id}",
        "codes": noisy(CODES, 0.02, seed=len(track_id)),
        "duration_s": 52.0,
        "sample_rate": 44100,
        "bit_rate": 128000.0,
        "lossless": False,
    }
    return Recording(track_id, **(facts | changes))


def test_licenses_are_ordered_by_what_they_ask_for() -> None:
    ordered = [
        ["CC0-1.0", "CC-PDDC", "LicenseRef-public-domain", "CC-BY-NC-4.0 OR CC0-1.0"],
        ["CC-BY-3.0", "CC-BY-3.0-DE", "MIT", "(CC-BY-4.0 OR GPL-2.0-or-later)", "CC0-1.0 AND CC-BY-4.0"],
        ["CC-BY-SA-4.0", "GPL-2.0-or-later", "LicenseRef-CC-BY-SA-2.0-DE", "GPL-3.0-only WITH Font-exception-2.0"],
        ["CC-BY-NC-2.5"],
        ["CC-BY-NC-SA-3.0", "CC-BY-4.0 AND CC-BY-NC-SA-3.0"],
        ["CC-BY-ND-4.0"],
        ["CC-BY-NC-ND-4.0"],
    ]
    assert [{obligations(license) for license in group} for group in ordered] == [{rank} for rank in range(7)]


@pytest.mark.parametrize(
    ("better", "worse", "why"),
    [
        ({"license": "CC0-1.0"}, {"lossless": True}, "license: CC0-1.0, not CC-BY-4.0"),
        ({"lossless": True, "sample_rate": 22050}, {}, "lossless"),
        ({"sample_rate": 48000, "bit_rate": 64000.0}, {}, "48000, not 44100 Hz"),
        ({"bit_rate": 320000.0}, {"duration_s": 60.0}, "320, not 128 kbit/s"),
        ({}, {"bit_rate": None}, "128, not 0 kbit/s"),
        ({"duration_s": 53.0}, {}, "53.00, not 52.00 s"),
        ({"lossless": True, "bit_rate": 500e3, "duration_s": 53.0}, {"lossless": True, "bit_rate": 900e3}, "53.00"),
        ({}, {}, "first by name"),
    ],
)
@pytest.mark.parametrize("kind", ["exact", "near"])
def test_the_better_license_and_then_the_better_quality_is_kept(
    better: dict[str, Any], worse: dict[str, Any], why: str, kind: str
) -> None:
    same = {"audio_sha256": "same", "codes": CODES} if kind == "exact" else {}
    # The better one has the later name, unless names decide.
    names = ("z", "other") if better or worse else ("other", "z")
    rows = find_duplicates([recording(names[0], **same, **better), recording(names[1], **same, **worse)], 0.8)
    assert [(r["track_id"], r["duplicate_of"], r["kind"]) for r in rows] == [(names[1], names[0], kind)]
    assert why in rows[0]["detail"]


def test_exact_duplicates_need_no_codes() -> None:
    same = {"audio_sha256": "same", "codes": np.zeros(0, np.uint32)}
    (row,) = find_duplicates([recording("a:1", **same), recording("b:1", **same), recording("c:22")], 0.8)
    assert (row["track_id"], row["duplicate_of"], row["similarity"], row["offset_s"]) == ("b:1", "a:1", 1.0, 0.0)


def test_the_offset_says_how_much_later_the_kept_one_starts() -> None:
    whole, trimmed = recording("z whole", codes=CODES), recording("a part", codes=CODES[10:], duration_s=50.0)
    (row,) = find_duplicates([trimmed, whole], 0.8)
    assert (row["track_id"], row["duplicate_of"]) == ("a part", "z whole")
    assert row["offset_s"] == pytest.approx(-10 * 1365 / 11025)
    (row,) = find_duplicates([replace(trimmed, track_id="z"), replace(whole, track_id="a")], 0.8)
    assert row["offset_s"] == pytest.approx(-10 * 1365 / 11025)
    (row,) = find_duplicates([replace(trimmed, license="CC0-1.0"), whole], 0.8)
    assert row["track_id"] == "z whole"
    assert row["offset_s"] == pytest.approx(10 * 1365 / 11025)


def test_the_threshold_decides() -> None:
    pair = [recording("a", codes=CODES), recording("b", codes=noisy(CODES, 0.1))]
    assert find_duplicates(pair, 0.95) == []
    (row,) = find_duplicates(pair, 0.85)
    assert row["similarity"] == pytest.approx(0.9, abs=0.01)


def chain() -> list[Recording]:
    """b shares half with a and half with c, which share nothing."""
    parts = [random_codes(seed, 200) for seed in (5, 6)]
    codes = {"a": parts[0], "b": np.concatenate(parts), "c": parts[1]}
    return [recording(name, codes=part) for name, part in codes.items()]


def test_a_chain_does_not_make_its_ends_duplicates_of_one_another() -> None:
    a, b, c = chain()
    assert [r["track_id"] for r in find_duplicates([a, b, replace(c, license="CC0-1.0")], 0.8)] == ["b"]
    rows = find_duplicates([a, replace(b, license="CC0-1.0"), c], 0.8)
    assert [(r["track_id"], r["duplicate_of"]) for r in rows] == [("a", "b"), ("c", "b")]


def test_what_holds_another_and_more_is_kept_whatever_the_licenses() -> None:
    part = recording("part", codes=CODES, license="CC0-1.0", duration_s=50.0)
    longer = np.concatenate([random_codes(7, 300), noisy(CODES, 0.05), random_codes(8, 350)])
    whole = recording("whole", codes=longer, license="CC-BY-NC-SA-3.0", duration_s=130.0)
    copy = recording("copy", codes=noisy(longer, 0.02), license="CC0-1.0", duration_s=130.0)
    (row,) = find_duplicates([part, whole], 0.8)
    assert (row["track_id"], row["duplicate_of"]) == ("part", "whole")
    assert row["detail"] == "kept because it holds more: 130.00, not 50.00 s"
    assert row["offset_s"] == pytest.approx(-300 * CODE_SECONDS)
    rows = find_duplicates([part, whole, copy], 0.8)
    assert [(r["track_id"], r["duplicate_of"]) for r in rows] == [("part", "copy"), ("whole", "copy")]
    # What is no more than twice as long is no whole of which the other is a part.
    (row,) = find_duplicates([part, replace(whole, codes=longer[:750])], 0.8)
    assert row["track_id"] == "whole"


def test_a_minute_in_common_is_enough_to_leave_one_out() -> None:
    piece = random_codes(9, 600)
    tracks = [
        recording("a", codes=np.concatenate([random_codes(10, 1200), piece]), license="CC0-1.0"),
        recording("b", codes=np.concatenate([noisy(piece, 0.05), random_codes(11, 1300)])),
    ]
    (row,) = find_duplicates(tracks, 0.8)
    assert (row["track_id"], row["duplicate_of"]) == ("b", "a")
    assert "license" in row["detail"]


def test_a_part_under_another_name_falls_into_the_split_of_the_whole() -> None:
    whole = np.concatenate([random_codes(12, 900), CODES, random_codes(13, 900)])
    tracks = [recording("part", codes=CODES), recording("whole", codes=whole)]
    left_out = {r["track_id"]: r["duplicate_of"] for r in find_duplicates(tracks, 0.8)}
    units = split_units({"part": "Ada", "whole": "Zoe", "other": "Ada"}, left_out)
    assert len(set(units.values())) == 1


def test_an_exact_copy_of_a_near_duplicate_is_referred_to_the_one_that_is_kept() -> None:
    copy = {"audio_sha256": "same", "codes": noisy(CODES, 0.03)}
    rows = find_duplicates([recording("x", **copy), recording("y", **copy), recording("z", license="CC0-1.0")], 0.8)
    assert [(r["track_id"], r["duplicate_of"], r["kind"]) for r in rows] == [("x", "z", "near"), ("y", "z", "near")]


def test_no_kept_recording_duplicates_another_and_what_is_left_out_refers_to_a_kept_one() -> None:
    rng = np.random.default_rng(0)
    tracks = [recording(f"{n:03}", codes=noisy(random_codes(n % 25, 300), rng.uniform(0, 0.15), n)) for n in range(120)]
    rows = find_duplicates(tracks, 0.8)
    left_out = {r["track_id"] for r in rows}
    assert not left_out & {r["duplicate_of"] for r in rows}
    kept = [t for t in tracks if t.track_id not in left_out]
    assert find_duplicates(kept, 0.8) == []
    assert len(kept) >= 25


def test_order_makes_no_difference() -> None:
    tracks = [*chain(), recording("d", codes=CODES), recording("e", codes=noisy(CODES, 0.05)), recording("f2")]
    tracks += [replace(t, track_id=f"copy of {t.track_id}", license="CC0-1.0") for t in tracks[::2]]
    first = find_duplicates(tracks, 0.8)
    assert len(first) >= 5
    for order in itertools.islice(itertools.permutations(tracks), 0, None, 40001):
        assert find_duplicates(order, 0.8) == first


def stored(folder: Path, shards: list[list[Recording]], licensed: list[str]) -> dict[str, Any]:
    """The inputs of the stage as files."""
    paths = []
    for i, tracks in enumerate(shards):
        rows = [
            {
                "track_id": t.track_id,
                "duration_s": t.duration_s,
                "audio_sha256": t.audio_sha256,
                "codes": t.codes.tolist(),
                "sample_rate": t.sample_rate,
                "channels": 2,
                "bit_rate": t.bit_rate,
                "lossless": t.lossless,
            }
            for t in tracks
        ]
        write_table(folder / f"fingerprints/{i}.parquet", "fingerprints", rows)
        paths.append(folder / f"fingerprints/{i}.parquet")
    known = {t.track_id: t.license for tracks in shards for t in tracks}
    empty = dict.fromkeys(SCHEMAS["licensed"].names) | {"license_evidence": [], "tags": []}
    rows = [empty | {"track_id": name, "license": known.get(name, "CC0-1.0")} for name in licensed]
    write_table(folder / "licensed.parquet", "licensed", rows)
    return {"fingerprints": paths, "licensed": folder / "licensed.parquet", "out": folder / "duplicates.parquet"}


SPEC = {"duplicates": {"similarity": 0.8}}


def test_the_stage_finds_duplicates_across_shards_and_sources(tmp_path: Path) -> None:
    shards = [
        [recording("debian:a/1", license="CC-BY-SA-3.0"), recording("debian:a/2", codes=random_codes(9, 300))],
        [],
        [recording("jamendo:1", bit_rate=None)],
    ]
    files = stored(tmp_path, shards, ["debian:a/1", "debian:a/2", "jamendo:1", "local:unused"])
    duplicates.run(SPEC, **files)
    (row,) = read_table(files["out"], "duplicates").to_pylist()
    assert (row["track_id"], row["duplicate_of"], row["kind"]) == ("debian:a/1", "jamendo:1", "near")
    assert "license" in row["detail"]


def test_no_tracks_are_no_duplicates(tmp_path: Path) -> None:
    files = stored(tmp_path, [[], []], [])
    duplicates.run(SPEC, **files)
    assert read_table(files["out"], "duplicates").num_rows == 0


def test_a_track_in_two_shards_is_an_error(tmp_path: Path) -> None:
    files = stored(tmp_path, [[recording("a")], [recording("a")]], ["a"])
    with pytest.raises(UserError, match=r"1\.parquet: track a is in two shards"):
        duplicates.run(SPEC, **files)


def test_fingerprints_of_another_data_set_are_refused(tmp_path: Path) -> None:
    files = stored(tmp_path, [[recording("a")]], ["b"])
    with pytest.raises(UserError, match="track a is not among the licensed"):
        duplicates.run(SPEC, **files)
