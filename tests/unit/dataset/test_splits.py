import itertools
from collections import Counter
from pathlib import Path

import pytest

from ssmttm.dataset.splits import DUPLICATE, SPLITS, assign, collaborators, normalize_artist, split_of, split_units
from ssmttm.errors import UserError
from ssmttm.stages import splits
from ssmttm.tables import SCHEMAS, read_table, write_table


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Beyoncé", "BEYONCE"),
        ("Guns N' Roses", "guns n roses"),
        ("J. S. Bach", "J.S. Bach"),
        ("The Band", "band"),
        ("Max feat. Moritz", "Max"),
        ("Max (ft Moritz)", "max"),
        ("Max, featuring Moritz & Co", " MAX "),
        ("Straße", "STRASSE"),
        (None, ""),
        ("!!!", None),
    ],
)
def test_spellings_of_one_artist_meet(a: str | None, b: str | None) -> None:
    assert normalize_artist(a) == normalize_artist(b)


@pytest.mark.parametrize(
    ("a", "b"), [("Max", "Maxine"), ("Feather", "Fe"), ("The", ""), ("坂本龍一", "久石譲"), ("Left", "Le")]
)
def test_different_artists_stay_apart(a: str, b: str) -> None:
    assert normalize_artist(a) != normalize_artist(b)


def test_shares_are_met_and_depend_on_nothing_but_name_and_salt() -> None:
    counts = Counter(split_of(f"artist {i}", "salt", 0.15, 0.25) for i in range(4000))
    assert counts["test"] / 4000 == pytest.approx(0.25, abs=0.03)
    assert counts["validation"] / 4000 == pytest.approx(0.15, abs=0.03)
    assert split_of("maxstack", "lantern", 0.15, 0.25) == "train"  # must never change


def test_a_larger_test_share_only_adds_to_test() -> None:
    for i in range(300):
        if split_of(f"artist {i}", "s", 0.1, 0.2) == "test":
            assert split_of(f"artist {i}", "s", 0.1, 0.3) == "test"


def test_no_artist_is_in_two_splits() -> None:
    names = {f"t{i}": ("Artist " if i % 2 else "ARTIST ") + str(i % 40) for i in range(400)}
    rows = assign([(f"{t}@0", t) for t in names], names, "salt", 0.2, 0.2)
    assert len(rows) == 400
    assert {r["split"] for r in rows} == set(SPLITS)
    seen: dict[str, str] = {}
    for row in rows:
        assert seen.setdefault(row["artist"], row["split"]) == row["split"]


def test_an_empty_split_is_an_error_that_says_which_and_what_to_do() -> None:
    with pytest.raises(UserError, match=r"validation and test|train and|1 artists.*data\.split\.salt"):
        assign([("a@0", "a")], {"a": "Solo"}, "salt", 0.2, 0.2)


def test_clips_of_another_data_set_are_refused() -> None:
    with pytest.raises(UserError, match="b is not among the licensed"):
        assign([("b@0", "b")], {"a": "Solo"}, "salt", 0.2, 0.2)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada & Bob", ["ada", "bob"]),
        ("Ada vs. The Bobs", ["ada", "bobs"]),
        ("Ada, Bob; Cleo / Dan + Eve", ["ada", "bob", "cleo", "dan", "eve"]),
        ("Ada x Bob", ["ada", "bob"]),
        ("Ada feat. Bob & Cleo", ["ada", "bob", "cleo"]),
        ("Ada (ft Bob)", ["ada", "bob"]),
        ("Ada and Bob with Cleo", ["ada", "bob", "cleo"]),
        ("Ada＆Bob", ["ada", "bob"]),
        ("Earth, Wind & Fire", ["earth", "wind", "fire"]),
        ("Alexander", []),
        ("Malcolm X", []),
        ("The XX", []),
        ("Band Aid", []),
        ("&", []),
        (" , , ", []),
        (None, []),
    ],
)
def test_names_that_list_several_are_taken_apart(name: str | None, parts: list[str]) -> None:
    assert collaborators(name) == parts


def units(*artists: str | None) -> list[str]:
    """The units of tracks that name these artists."""
    named = dict(zip(map(str, range(len(artists))), artists, strict=True))
    return list(split_units(named, {}).values())


def test_a_collaboration_goes_with_those_who_have_tracks_of_their_own() -> None:
    assert units("Bob", "Ada & Bob", "Cleo") == ["ada bob", "ada bob", "cleo"]
    assert units("Jay-Z", "Beyoncé", "Beyonce & JAY-Z", "Beyoncé feat. Kendrick") == ["beyonce"] * 4
    assert len(set(units("Ada & Bob", "Bob & Cleo", "Ada", "Bob", "Cleo", "Dan"))) == 2


def test_a_guest_who_has_tracks_of_his_own_joins_the_host() -> None:
    assert units("Ada feat. Bob", "Bob", "Cleo feat. Dan") == ["ada", "ada", "cleo"]


def test_band_names_stay_whole_unless_a_part_is_an_artist() -> None:
    assert units("Earth, Wind & Fire", "Wind & Rain") == ["earth wind fire", "wind rain"]
    assert units("Simon & Garfunkel", "Simon Says") == ["simon garfunkel", "simon says"]
    assert units("Simon & Garfunkel", "Garfunkel") == ["garfunkel", "garfunkel"]


@pytest.mark.parametrize(
    "credit",
    [
        "Nora Lindqvist",
        "Nora (Pixelkatt) Lindqvist",
        "Nora 'Pixelkatt' Lindqvist",
        "Nora “Pixelkatt” Lindqvist",
        "Nora „Pixelkatt“ Lindqvist",
        "Nora «Pixelkatt» Lindqvist",
        "Nora Lindqvist [Pixelkatt]",
        "Pixelkatt",
        "Jo Marsh, Nora Lindqvist, Tumbleweed",
        'Jo Marsh & Nora "Pixelkatt" Lindqvist',
        "Jo Marsh; Nora (Pixelkatt) Lindqvist",
        "Tumbleweed feat. Nora Lindqvist",
    ],
)
def test_a_nickname_parts_nobody_from_oneself(credit: str) -> None:
    one, other, stranger = units('Nora "Pixelkatt" Lindqvist', credit, "Nora Lindgren")
    assert one == other != stranger
    assert len(set(units("Jo Marsh, Nora 'Pixelkatt' Lindqvist", "Nora Lindqvist", "Jo Marsh", "Marsh"))) == 2


def test_a_nickname_in_common_makes_nobody_one_artist() -> None:
    assert len(set(units('Olaf "DJ" Brandt', 'Mina "DJ" Sato', "Kit (live)", "Pam (live)"))) == 4
    assert len(set(units("Guns N' Roses", "Rock 'n' Roll Club", "Guns Roses", "Rock Roll Club"))) >= 3
    assert units('"Sputnik"', "Sputnik", '""') == ["sputnik", "sputnik", "unknown artist"]


def test_unnamed_artists_join_nothing() -> None:
    named = {"a": "Ada", "b": "Bob", "u": None, "v": "???"}
    assert split_units(named, {"a": "u", "b": "v"}) == {
        "a": "ada",
        "b": "bob",
        "u": "unknown artist",
        "v": "unknown artist",
    }


def test_two_names_of_one_recording_are_one_unit() -> None:
    named = {"1": "Kevin", "2": "Incompetent", "3": "Kevin", "4": "Zoe"}
    assert split_units(named, {"1": "2"}) == {"1": "incompetent", "2": "incompetent", "3": "incompetent", "4": "zoe"}


def test_the_unit_does_not_depend_on_order() -> None:
    tracks = {"1": "Cleo & Ada", "2": "Bob", "3": "Ada", "4": "Bob & Cleo", "5": "Cleo", "6": "Dan"}
    expected = split_units(tracks, {"6": "5"})
    assert set(expected.values()) == {"ada"}
    for order in itertools.islice(itertools.permutations(tracks.items()), 0, None, 37):
        assert split_units(dict(order), {"6": "5"}) == expected


def test_a_chain_of_duplicates_is_one_unit_in_any_order() -> None:
    named = {f"t{letter}": letter for letter in "abcdefghi"}
    pairs = [("te", "td"), ("td", "tc"), ("ti", "th"), ("tc", "ta"), ("tg", "tg")]
    for order in itertools.permutations(pairs):
        assert list(split_units(named, dict(order)).values()) == ["a", "b", "a", "a", "a", "f", "g", "h", "h"]


def test_clips_of_duplicates_are_in_no_split() -> None:
    names = {f"t{i}": f"Artist {i % 40}" for i in range(400)}
    replaced = {f"t{i}": f"t{i + 1}" for i in range(0, 400, 10)}
    rows = assign([(f"{t}@0", t) for t in names], names, "salt", 0.2, 0.2, replaced)
    assert len(rows) == 400
    assert {r["track_id"] for r in rows if r["split"] == DUPLICATE} == set(replaced)
    seen: dict[str, str] = {}
    for row in rows:
        if row["split"] != DUPLICATE:
            assert seen.setdefault(row["artist"], row["split"]) == row["split"]


def test_a_split_of_nothing_but_duplicates_is_empty() -> None:
    names = {str(i): f"Artist {i}" for i in range(60)} | {"unnamed": None}
    clips = [(f"{t}@0", t) for t in names]
    splits_of = {r["track_id"]: r["split"] for r in assign(clips, names, "s", 0.2, 0.2)}
    assert splits_of["unnamed"] == "train"
    left_out = [t for t, split in splits_of.items() if split == "test"]
    with pytest.raises(UserError, match="no clip falls into test"):
        assign(clips, names, "s", 0.2, 0.2, dict.fromkeys(left_out, "unnamed"))


def test_duplicates_of_another_data_set_are_refused() -> None:
    with pytest.raises(UserError, match="track b is not among the licensed"):
        assign([("a@0", "a")], {"a": "Solo"}, "salt", 0.2, 0.2, {"a": "b"})


def test_held_out_artists_are_in_test_with_all_who_share_tracks_with_them() -> None:
    names: dict[str, str | None] = {f"t{i}": f"Artist {i}" for i in range(40)}
    names |= {"x": "Ada 'Dot' Byte", "y": "Ada 'Dot' Byte feat. Bob", "z": "Bob & Ada 'Dot' Byte"}
    clips = [(f"{t}@0", t) for t in names]
    before = {r["track_id"]: r["split"] for r in assign(clips, names, "s", 0.2, 0.2)}
    moved = [t for t, split in before.items() if split != "test" and t not in "xyz"][:3]
    held_out = [str(names[t]).upper() for t in moved] + ["Ada Byte"]
    after = {r["track_id"]: r["split"] for r in assign(clips, names, "s", 0.2, 0.2, held_out=held_out)}
    assert after == before | dict.fromkeys([*moved, "x", "y", "z"], "test")


def test_a_held_out_artist_who_is_not_there_is_named() -> None:
    names: dict[str, str | None] = {f"t{i}": f"Artist {i}" for i in range(40)}
    with pytest.raises(UserError, match=r"data\.split\.held_out: no track is by 'Artiste 1'"):
        assign([(f"{t}@0", t) for t in names], names, "s", 0.2, 0.2, held_out=["Artist 1", "Artiste 1"])


def test_a_name_of_a_million_characters_takes_no_time() -> None:
    assert len(normalize_artist(" (" * 500_000 + "x")) < 1000
    assert len(collaborators("a," * 500_000)) < 1000


def test_the_stage_leaves_duplicates_out(tmp_path: Path) -> None:
    names = {f"t{i:02}": f"Artist {i % 30}" for i in range(60)}
    licensed = dict.fromkeys(SCHEMAS["licensed"].names) | {"license_evidence": [], "tags": []}
    clip = dict.fromkeys(SCHEMAS["clips"].names)
    duplicate = {"duplicate_of": "t31", "kind": "near", "similarity": 0.9, "offset_s": 0.0, "detail": ""}
    write_table(tmp_path / "l", "licensed", [licensed | {"track_id": t, "artist": a} for t, a in names.items()])
    write_table(tmp_path / "c", "clips", [clip | {"clip_id": f"{t}@0", "track_id": t} for t in names])
    write_table(tmp_path / "d", "duplicates", [duplicate | {"track_id": "t01"}])
    spec = {"split": {"salt": "s", "validation": 0.2, "test": 0.2}}
    splits.run(spec, [tmp_path / "c"], tmp_path / "l", tmp_path / "d", tmp_path / "out")
    found = {r["track_id"]: r["split"] for r in read_table(tmp_path / "out", "splits").to_pylist()}
    assert len(found) == 60
    assert [t for t, split in found.items() if split == DUPLICATE] == ["t01"]
