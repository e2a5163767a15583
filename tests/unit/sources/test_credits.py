import random
import time

import pytest

from ssmttm.sources.debian import credits

LANDS = ["Living Caves", "Crossroads", "Icy Lands", "Land of Mirrors", "R'Lyeh"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Copyright (C) 2009, 2011-2013, Ada Tune <ada@example.org>", "Ada Tune"),
        ("2010 by Bob Bee (bob@example.org)", "Bob Bee"),
        ('Cy "Nick" Dee (www.example.com)', 'Cy "Nick" Dee'),
        ("Dee Dee (http://www.example.com/x)", "Dee Dee"),
        ("Eve eve_0@example.com", "Eve"),
        ("Composed and performed by Fred", "Fred"),
        ("The Band - www.example.com", "The Band"),
        ("Bach, J.S.", "Bach, J.S."),
        ("Songs: Ohia", "Songs: Ohia"),
        ("Megt\u00c3\u00b6rt \u00c3\u0081lom", "Megtört Álom"),
        ("Bjo\u0308rk", "Bj\u00f6rk"),
        ("a\nb\tc\x00d", "a b c d"),
        *[(place, "") for place in ["", "<Unknown>", "www.example.com/me", "4", "Various Artists", "no-copyright"]],
        ("Caf\ufffd", ""),
    ],
)
def test_names_are_freed_of_everything_that_is_no_name(text: str, name: str) -> None:
    assert credits.person(text) == name


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("caves", "Living Caves"),
        ("crossroads", "Crossroads"),
        ("icyland", "Icy Lands"),
        ("mirror", "Land of Mirrors"),
        ("rlyeh", "R'Lyeh"),
        ("swamp", "hr3-swamp"),
    ],
)
def test_of_several_titles_in_one_tag_the_one_that_the_file_name_means_is_taken(file: str, title: str) -> None:
    assert credits.title(";".join(LANDS), f"music/hr3-{file}.ogg") == title


@pytest.mark.parametrize(
    "tag", [None, "", "Track 07", "07 - Track 07", "AudioTrack 3", "untitled", "Caf\ufffd", "x" * 400]
)
def test_a_tag_without_a_title_gives_way_to_the_file_name(tag: str | None) -> None:
    assert credits.title(tag, "m/07_-_Blue_Sky.ogg") == "Blue Sky"


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("01_-_Ezer_Ev.ogg", "Ezer Ev"),
        ("02_orphanage.ogg", "orphanage"),
        ("12. Night.mp3", "Night"),
        ("8-Bit-Mayhem.ogg", "8-Bit-Mayhem"),
        ("99 Balloons.ogg", "99 Balloons"),
        ("12.ogg", "12"),
        ("_.ogg", "_"),
        ("夜の歌.ogg", "夜の歌"),
    ],
)
def test_file_names_become_titles(path: str, title: str) -> None:
    assert credits.name_title(path) == title


def test_a_title_that_was_copied_to_other_files_stays_with_the_file_that_it_fits() -> None:
    tracks = [("m/dawn.ogg", "Dawn", "Ada"), ("m/dusk.ogg", "Dawn", "Ada"), ("m/noon.ogg", "Dawn", "Bob")]
    assert credits.distinct_titles(tracks) == ["Dawn", "dusk", "Dawn"]
    copied = [(f"m/{name}.ogg", "My Album", "Ada") for name in ("one_a", "two_b", "three_c")]
    assert credits.distinct_titles(copied) == ["one a", "two b", "three c"]
    assert credits.distinct_titles([("m/1.ogg", "Nocturne", "Ada"), ("m/2.ogg", "Nocturne", "Ada")]) == ["Nocturne"] * 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("van_theme.ogg", 'Manuel "Vanethian" Marino'),
        ("David01.ogg", "David Reeves (Destructavator)"),
        ("azrael1.ogg", "azrael1322"),
        ("karlmacklin_geoscape.ogg", "Karl Macklin"),
        ("TheThings-azrael1322.ogg", "azrael1322"),
        ("journey.ogg", None),
        ("david_karl.ogg", None),
        ("01.ogg", None),
    ],
)
def test_a_file_name_can_say_which_of_several_holders_it_is_by(path: str, name: str | None) -> None:
    names = ['Manuel "Vanethian" Marino', "Gren", "David Reeves (Destructavator)", "azrael1322", "Karl Macklin"]
    assert credits.named_in(path, names) == name


def test_several_artists_are_all_named_and_places_are_not() -> None:
    assert credits.artist({"artist": "Ada;Bob;Ada"}) == "Ada, Bob"
    assert credits.artist({"artist": "<Unknown>", "composer": "Cy"}) == "Cy"
    assert credits.artist({"album_artist": "4"}) is None
    assert credits.genres("Rock;(None)/Pop, Rock") == ["Rock", "Pop"]
    assert (credits.album("none"), credits.album("1984"), credits.album("Blue\nAlbum")) == (None, "1984", "Blue Album")


def test_hostile_metadata_takes_no_time_and_never_raises() -> None:
    generator = random.Random(1)
    started = time.perf_counter()
    for text in [c * 10**6 for c in ("a.", "(", "by ", "1999-", "<", "@", ";", "composed a ", "\ud800", "\0")]:
        for function in (credits.person, credits.clean, credits.genres, credits.album):
            function(text)
        credits.title(text, f"m/{text[:200]}.ogg")
    for _ in range(300):
        text = "".join(chr(generator.randrange(0x3000)) for _ in range(40))
        credits.title(text, f"{text}.ogg")
        credits.named_in(text, [text, "Ada"])
    assert time.perf_counter() - started < 2
