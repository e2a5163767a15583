import itertools

import pytest

from ssmttm.dataset.artists import collaborators, normalize_artist, split_units


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


def test_a_name_of_a_million_characters_takes_no_time() -> None:
    assert len(normalize_artist(" (" * 500_000 + "x")) < 1000
    assert len(collaborators("a," * 500_000)) < 1000
