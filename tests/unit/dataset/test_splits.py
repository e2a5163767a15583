from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ssmttm.dataset.splits import DUPLICATE, SPLITS, Artist, allot, assign
from ssmttm.errors import UserError
from ssmttm.stages import splits
from ssmttm.tables import SCHEMAS, read_table, write_table

SETTINGS: Any = {"seed": 1, "validation": 0.2, "test": 0.2}


def corpus(artists: int = 30, seed: int = 0) -> tuple[list[tuple[str, str]], dict[str, str], dict[str, list[str]]]:
    """Clips, artists and kinds of tracks: artists of very different size, two thirds of them of one of three kinds."""
    random = np.random.default_rng(seed)
    clips, names, kinds = [], {}, {}
    for i in range(artists):
        for j in range(int(random.integers(1, 12))):
            track = f"t{i:02}-{j}"
            names[track] = f"Artist {i}"
            kinds[track] = [f"kind {i % 3}"] if i % 3 else []
            clips += [(f"{track}@{k}", track) for k in range(int(random.integers(1, 9)))]
    return clips, names, kinds


def split_of(rows: list[Any], what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        if row["split"] != DUPLICATE:
            assert found.setdefault(row[what], row["split"]) == row["split"]
    return found


def test_no_artist_is_in_two_splits_and_the_numbers_of_artists_are_the_shares() -> None:
    clips, names, kinds = corpus()
    rows = assign(clips, names, SETTINGS, kinds=kinds)
    assert [r["clip_id"] for r in rows] == [clip for clip, _ in clips]
    assert Counter(split_of(rows, "artist").values()) == {"train": 18, "validation": 6, "test": 6}


def test_splits_are_alike_in_hours_and_kinds_and_far_more_so_than_by_chance() -> None:
    clips, names, kinds = corpus()

    def unlikeness(rows: list[Any]) -> float:
        wanted = {"train": 0.6, "validation": 0.2, "test": 0.2}
        total = 0.0
        for kind in ("", "kind 1", "kind 2"):
            of_kind = Counter(r["split"] for r in rows if not kind or kind in kinds[r["track_id"]])
            total += sum(abs(of_kind[s] / of_kind.total() - share) for s, share in wanted.items())
        return total

    balanced = [unlikeness(assign(clips, names, SETTINGS | {"seed": seed}, kinds=kinds)) for seed in range(3)]
    order = np.random.default_rng(5)
    chance = []
    for _ in range(20):
        drawn = dict(
            zip(sorted(set(names.values())), order.permutation(["train"] * 18 + ["validation"] * 6 + ["test"] * 6))
        )
        chance.append(unlikeness([{"track_id": t, "split": drawn[names[t]]} for _, t in clips]))
    assert max(balanced) < 0.35 < np.median(chance)


def test_the_seed_decides_and_the_order_of_clips_does_not() -> None:
    clips, names, kinds = corpus()
    first = split_of(assign(clips, names, SETTINGS, kinds=kinds), "track_id")
    turned = dict(reversed(names.items()))
    assert split_of(assign(clips[::-1], turned, SETTINGS, kinds=kinds), "track_id") == first
    assert split_of(assign(clips, names, SETTINGS | {"seed": 2}, kinds=kinds), "track_id") != first


def test_known_and_tuning_tracks_are_of_artists_in_train_who_keep_some() -> None:
    clips, names, kinds = corpus()
    rows = assign(clips, names, SETTINGS | {"known": 0.1, "tuning": 0.2}, kinds=kinds)
    tracks = split_of(rows, "track_id")
    trained = {names[t] for t, split in tracks.items() if split == "train"}
    spared = [t for t, split in tracks.items() if split in ("known", "tuning")]
    assert {names[t] for t in spared} <= trained
    of_train = sum(names[t] in trained for t in tracks)
    counts = Counter(tracks.values())
    assert counts["known"] == round(0.1 * of_train)
    assert counts["tuning"] == round(0.2 * of_train)
    assert len({names[t] for t in spared}) > len(spared) / 3  # not all of one artist
    without = split_of(assign(clips, names, SETTINGS, kinds=kinds), "track_id")
    assert {t: s for t, s in tracks.items() if t not in spared} == {t: s for t, s in without.items() if t not in spared}


def test_tracks_that_can_not_be_spared_are_an_error() -> None:
    names = {f"t{i}": f"Artist {i}" for i in range(10)}
    with pytest.raises(UserError, match=r"split\.known: a share of 0\.1 of the 6 tracks by 6 artists .* 0 can be"):
        assign([(f"{t}@0", t) for t in names], names, SETTINGS | {"known": 0.1})


def test_the_least_of_artists_and_tracks_is_met_or_named() -> None:
    clips, names, kinds = corpus()
    least = {"test": {"artists": 9, "tracks": 70}, "validation": {"artists": 2}}
    found = split_of(assign(clips, names, SETTINGS | {"least": least}, kinds=kinds), "track_id")
    tested = [t for t, split in found.items() if split == "test"]
    assert len(tested) >= 70
    assert len({names[t] for t in tested}) == 9
    with pytest.raises(UserError, match=r"split\.least: .* test 170 tracks .* the most that test got .* add music"):
        assign(clips, names, SETTINGS | {"least": {"test": {"tracks": 170}}}, kinds=kinds)
    with pytest.raises(UserError, match=r"30 artists \(.*\) are too few: train needs 20, .* test needs 8.* 6 to val"):
        assign(clips, names, SETTINGS | {"least": {"train": {"artists": 20}, "test": {"artists": 8}}}, kinds=kinds)


@pytest.mark.parametrize("artists", [1, 2])
def test_too_few_artists_for_three_splits_are_an_error_that_says_what_to_do(artists: int) -> None:
    names = {f"t{i}": f"Artist {i}" for i in range(artists)}
    with pytest.raises(UserError, match=rf"data\.split: {artists} artists? \(artist 0.*\) are too few: .*add music"):
        assign([(f"{t}@0", t) for t in names], names, SETTINGS)


def test_three_artists_are_one_in_each_split() -> None:
    names = {f"t{i}": f"Artist {i}" for i in range(3)}
    assert sorted(split_of(assign([(f"{t}@0", t) for t in names], names, SETTINGS), "artist").values()) == sorted(
        SPLITS
    )


def test_thousands_of_artists_are_assigned_in_seconds() -> None:
    random = np.random.default_rng(0)
    artists = {f"a{i:05}": Artist(Counter({f"t{i}": 1}), Counter({f"k{random.integers(20)}": 1})) for i in range(2000)}
    counts = Counter(allot(artists, SETTINGS, {}).values())
    assert counts == {"train": 1200, "validation": 400, "test": 400}


def test_clips_of_another_data_set_are_refused() -> None:
    with pytest.raises(UserError, match="b is not among the licensed"):
        assign([("b@0", "b")], {"a": "Solo"}, SETTINGS)


def test_duplicates_of_another_data_set_are_refused() -> None:
    with pytest.raises(UserError, match="track b is not among the licensed"):
        assign([("a@0", "a")], {"a": "Solo"}, SETTINGS, {"a": "b"})


def test_clips_of_duplicates_are_in_no_split_and_count_for_nothing() -> None:
    clips, names, kinds = corpus()
    replaced = {f"t{i:02}-0": f"t{i + 1:02}-0" for i in range(0, 28, 4)}
    rows = assign(clips, names, SETTINGS, replaced, kinds)
    assert len(rows) == len(clips)
    assert {r["track_id"] for r in rows if r["split"] == DUPLICATE} == set(replaced)
    split_of(rows, "artist")
    left = [(clip, track) for clip, track in clips if track not in replaced]
    assert split_of(rows, "track_id") == split_of(assign(left, names, SETTINGS, replaced, kinds), "track_id")


def test_held_out_artists_are_where_they_are_named_with_all_who_share_tracks_with_them() -> None:
    clips, names, _ = corpus(40)
    names |= {"x": "Ada 'Dot' Byte", "y": "Ada 'Dot' Byte feat. Bob", "z": "Bob & Ada 'Dot' Byte"}
    clips += [(f"{t}@0", t) for t in "xyz"]
    held_out = {"test": ["ARTIST 7", "Ada Byte"], "validation": ["artist 3"]}
    rows = assign(clips, names, SETTINGS | {"held_out": held_out})
    found = split_of(rows, "track_id")
    assert {found[t] for t in "xyz"} == {"test"}
    by_artist = {names[t]: split for t, split in found.items()}
    assert (by_artist["Artist 7"], by_artist["Artist 3"]) == ("test", "validation")
    assert Counter(split_of(rows, "artist").values())["test"] == round(0.2 * 41)


def test_where_all_held_out_artists_are_named_nothing_is_drawn() -> None:
    clips, names, _ = corpus(10)
    held_out = {"test": [f"Artist {i}" for i in range(3)], "validation": ["Artist 3", "Artist 4"]}
    found = [
        split_of(assign(clips, names, {"seed": seed, "validation": 0.2, "test": 0.1, "held_out": held_out}), "artist")
        for seed in range(4)
    ]
    assert found == [found[0]] * 4
    assert Counter(found[0].values()) == {"train": 5, "validation": 2, "test": 3}


def test_a_held_out_artist_who_is_not_there_is_named() -> None:
    clips, names, _ = corpus()
    with pytest.raises(UserError, match=r"data\.split\.held_out\.test: no track is by 'Artiste 1'"):
        assign(clips, names, SETTINGS | {"held_out": {"test": ["Artist 1", "Artiste 1"]}})


def test_the_stage_leaves_duplicates_out(tmp_path: Path) -> None:
    names = {f"t{i:02}": f"Artist {i % 30}" for i in range(60)}
    licensed = dict.fromkeys(SCHEMAS["licensed"].names) | {"license_evidence": [], "tags": []}
    clip = dict.fromkeys(SCHEMAS["clips"].names)
    duplicate = {"duplicate_of": "t31", "kind": "near", "similarity": 0.9, "offset_s": 0.0, "detail": ""}
    write_table(tmp_path / "l", "licensed", [licensed | {"track_id": t, "artist": a} for t, a in names.items()])
    write_table(tmp_path / "c", "clips", [clip | {"clip_id": f"{t}@0", "track_id": t} for t in names])
    write_table(tmp_path / "d", "duplicates", [duplicate | {"track_id": "t01"}])
    spec = {"split": {"seed": 1, "validation": 0.2, "test": 0.2}}
    splits.run(spec, [tmp_path / "c"], tmp_path / "l", tmp_path / "d", tmp_path / "out")
    found = {r["track_id"]: r["split"] for r in read_table(tmp_path / "out", "splits").to_pylist()}
    assert len(found) == 60
    assert [t for t, split in found.items() if split == DUPLICATE] == ["t01"]


def test_kinds_are_stated_genres_and_collections() -> None:
    assert splits.kinds_of("debian:zaz-data/mus1.ogg", ["Techno", "loud"], None) == ["techno", "debian:zaz-data"]
    assert splits.kinds_of("jamendo:1234", [], "x") == ["jamendo"]
