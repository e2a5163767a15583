import pytest

from ssmttm.sources.debian.grants import grant, part_about

DUAL = """\
For all tracks *except* track3_enhanced:

`Some Album` - Copyright (C) 2021 Ada Tune

'Some Album' is licensed under CC-BY-SA-3.0.

---

track3_enhanced is derived from albums/original/track3,
and is licensed under the GNU General Public License Version 2 or later.

[EN]
Attribution-ShareAlike 3.0
-----------------------------------------------
Under CC BY-SA 3.0 you are free to do things.
"""

LIST = """\
mus1.ogg, mus2.ogg, music/deep.ogg:
\tCopyright Ada Tune
\tReleased under CC-BY-SA <http://creativecommons.org/licenses/by-sa/3.0/>

picture.png:
\tCopyright 2007 Bob Bee, CC-BY 4.0

bonus.ogg, level*.png:
\tReleased under GPLv3
"""


def test_an_exception_splits_a_license_file_between_the_files() -> None:
    others = ["track1.opus", "track2.opus"]
    assert part_about(DUAL, "a/track3_enhanced.opus", others).startswith("track3_enhanced is derived")
    assert "CC" not in part_about(DUAL, "a/track3_enhanced.opus", others)
    rest = part_about(DUAL, "a/track1.opus", ["track3_enhanced.opus", "track2.opus"])
    assert "CC-BY-SA-3.0" in rest
    assert "General Public" not in rest


def test_a_list_of_files_speaks_about_each_file_only() -> None:
    names = ["mus1.ogg", "mus2.ogg", "bonus.ogg", "new.ogg", "deep.ogg"]
    for name in ("mus1.ogg", "mus2.ogg", "deep.ogg"):
        assert "by-sa" in part_about(LIST, f"g/{name}", names)
    assert "GPLv3" in part_about(LIST, "g/bonus.ogg", names)
    assert part_about(LIST, "g/new.ogg", names) is None


def test_a_heading_speaks_for_the_paragraphs_below_it_up_to_a_rule() -> None:
    text = "For song_a only:\n\nCC BY 3.0\n\nreally\n\n----\n\nMIT license for the rest"
    assert part_about(text, "song_a.ogg", ["song_b.ogg"]) == "For song_a only:\n\nCC BY 3.0\n\nreally"
    assert part_about(text, "song_b.ogg", ["song_a.ogg"]) == "MIT license for the rest"


@pytest.mark.parametrize("word", ["except", "excluding", "other than", "apart from", "but not"])
def test_an_excepted_file_that_nothing_else_names_has_no_evidence(word: str) -> None:
    text = f"All music {word} blue_sky is under CC BY 4.0.\n\nCC BY 4.0 lets you share."
    assert part_about(text, "m/blue_sky.ogg", ["red.ogg"]) is None
    assert part_about(text, "m/red.ogg", ["blue_sky.ogg"]) == text


def test_a_file_that_is_not_licensed_is_not_taken_for_licensed() -> None:
    text = "The music is under CC BY 4.0.\n\nblue_sky.ogg is not under CC BY 4.0."
    assert part_about(text, "m/blue_sky.ogg", []) is None
    assert part_about(text, "m/red.ogg", ["blue_sky.ogg"]) == "The music is under CC BY 4.0."


def test_common_words_and_web_addresses_name_no_file() -> None:
    text = "All music in this game is CC BY 3.0, see http://example.org/songs/a.ogg\n\nEnjoy the theme!"
    for name in ("music.ogg", "theme.ogg", "other.ogg"):
        assert part_about(text, name, ["music.ogg", "theme.ogg", "a.ogg"]) == text


def test_names_with_spaces_are_found() -> None:
    text = "A New Journey.ogg: CC BY 3.0\n\nEverything else: all rights reserved"
    assert part_about(text, "A New Journey.ogg", []) == "A New Journey.ogg: CC BY 3.0"


def test_the_text_of_a_license_after_its_grant_is_left_out_and_kept_where_it_is_all() -> None:
    terms = "You must credit the Licensor under this Public License, who gives no warranty and has no liability. " * 8
    code = f"Creative Commons Legal Code\n\nAttribution 3.0 Unported\n\n{terms}long text about CC BY-NC 4.0"
    assert grant(f"My songs are licensed CC BY 3.0.\n\n{code}") == "My songs are licensed CC BY 3.0."
    several = "CC BY 3.0 for some and GPL version 2 for others, who knows."
    assert grant(f"{several}\n\n{code}") == several
    vague = "My songs are under Creative Commons."
    assert grant(f"{vague}\n\n{code}") == f"{vague}\n\n{code}"
    assert grant(code) == code
    assert grant(f"Thanks for listening!\n\n{code}").endswith("CC BY-NC 4.0")
    end = "Creative Commons may be contacted at https://creativecommons.org/."
    tail = "The last song is not mine."
    assert grant(f"My songs are licensed CC BY 3.0.\n\n{code}\n{end}\n\n{tail}").endswith(f"CC BY 3.0.\n\n{tail}")
