import random
import time

import pytest
from debs import DEP5

from ssmttm.sources.debian.copyright import find_paragraph, holders, match_strength, read_copyright


@pytest.mark.parametrize(
    ("glob", "path", "strength"),
    [
        ("*", "usr/share/games/g/a.ogg", 0),
        ("debian/*", "usr/share/debian/a.ogg", 0),
        ("sounds/eat.wav", "usr/share/games/g/sounds/eat.wav", 2),
        ("sounds/*", "usr/share/games/g/sounds/deep/eat.wav", 2),
        ("data/mus*.ogg", "usr/share/games/zaz/mus1.ogg", 1),
        ("data/*.ogg", "usr/share/games/zaz/mus1.ogg", 0),
        ("data/*", "usr/share/games/zaz/mus1.ogg", 0),
        ("src/data/music/*.ogg", "usr/share/games/g/music/a.ogg", 2),
        ("other/*", "usr/share/games/g/music/a.ogg", 0),
        ("music/b.ogg", "usr/share/games/g/music/a.ogg", 0),
        ("*.ogg", "usr/share/games/g/a.ogg", 1),
        (r"music/\*.ogg", "usr/share/g/music/a.ogg", 0),
        (r"music/\*.ogg", "usr/share/g/music/*.ogg", 2),
        ("music/?.ogg", "usr/share/g/music/a.ogg", 2),
    ],
)
def test_globs_match_by_trailing_components(glob: str, path: str, strength: int) -> None:
    assert match_strength(glob, path) == strength


def paragraphs(*pairs: tuple[str, str]) -> str:
    body = "\n".join(f"Files: {files}\nCopyright: X\nLicense: {license}\n" for files, license in pairs)
    return f"Format: https://example.org/1.0/\nSource: https://example.org/src\n\n{body}"


def test_more_components_win_and_a_later_paragraph_breaks_a_tie() -> None:
    parsed = read_copyright(paragraphs(("*", "MIT"), ("g/music/a.ogg", "A"), ("music/*", "B"), ("music/a.*", "C")))
    assert find_paragraph(parsed, "usr/share/g/music/a.ogg").license == "A"
    assert find_paragraph(parsed, "usr/share/h/music/a.ogg").license == "C"
    assert find_paragraph(parsed, "usr/share/h/other/z.ogg") is None
    assert parsed.catch_all.license == "MIT"


@pytest.mark.parametrize("glob", ["*", "**", "***", "*/*", "*/**", "?*", "*?", "./*", "/*", "*.*", "./**/*", "."])
def test_a_pattern_that_names_nothing_is_a_catch_all_however_it_is_written(glob: str) -> None:
    parsed = read_copyright(paragraphs((glob, "CC-BY-3.0")))
    assert parsed.catch_all.license == "CC-BY-3.0"
    assert find_paragraph(parsed, "usr/share/g/music/a.ogg") is None
    assert find_paragraph(parsed, "usr/g.love/music/a.ogg", "music/a.ogg") is None


@pytest.mark.parametrize("glob", ["music/*", "*.ogg", "*/music/?*", "a*", "src/**"])
def test_a_pattern_that_names_something_is_no_catch_all(glob: str) -> None:
    assert read_copyright(paragraphs((glob, "CC-BY-3.0"))).catch_all is None


@pytest.mark.parametrize("glob", ["debian/*", "debian/**", "debian/*.*", "./debian/?*"])
def test_the_packaging_is_neither_music_nor_a_catch_all(glob: str) -> None:
    parsed = read_copyright(paragraphs((glob, "CC-BY-3.0")))
    assert parsed.catch_all is None
    assert find_paragraph(parsed, "usr/share/debian/a.ogg") is None


def test_inside_an_archive_paths_are_anchored_and_the_last_match_applies() -> None:
    parsed = read_copyright(paragraphs(("*", "MIT"), ("data/sfx/a.ogg", "A"), ("data/*", "B")))
    assert find_paragraph(parsed, "usr/g.love/data/sfx/a.ogg", "data/sfx/a.ogg").license == "B"
    assert find_paragraph(parsed, "usr/g.love/data/sfx/a.ogg").license == "A"


def test_leading_dot_slash_and_commas_are_understood() -> None:
    parsed = read_copyright(paragraphs(("./music/a.ogg, ./music/b.ogg", "A")))
    assert parsed.paragraphs[0].globs == ("music/a.ogg", "music/b.ogg")
    assert parsed.homepage == "https://example.org/src"


def test_a_download_as_the_source_gives_its_folder_as_the_homepage() -> None:
    text = "The songs were downloaded and repackaged from\nhttps://example.org/d/one.tar.bz2\nhttps://example.org/d/two.zip"
    assert read_copyright(text).homepage == "https://example.org/d/"


def test_a_license_without_a_known_name_keeps_its_text() -> None:
    text = paragraphs(("music/*", "custom")) + "\nLicense: custom\n Licensed under CC BY 3.0.\n .\n Enjoy.\n"
    assert read_copyright(text).paragraphs[0].license == "custom\nLicensed under CC BY 3.0.\n\nEnjoy."


@pytest.mark.parametrize(
    "text", ["", "This package was debianized by X.\n", "\0\1\2", "Format: x\n\nFiles: *\nbroken\n"]
)
def test_what_is_no_dep5_becomes_free_text(text: str) -> None:
    parsed = read_copyright(text)
    assert parsed.paragraphs == ()
    assert parsed.text == text


def test_a_license_field_may_be_spelled_licence() -> None:
    parsed = read_copyright(paragraphs(("*", "GPL-3+"), ("music/*", "CC-BY-SA-3.0")).replace("License:", "Licence:"))
    assert find_paragraph(parsed, "usr/share/g/music/a.ogg").license == "CC-BY-SA-3.0"
    assert parsed.catch_all.license == "GPL-3+"


def test_a_paragraph_without_a_license_does_not_stop_the_others() -> None:
    parsed = read_copyright("Format: x\n\nFiles: a/*\n\n" + DEP5.split("\n\n", 2)[2])
    assert [p.license for p in parsed.paragraphs] == ["", "CC-BY-SA-3.0"]


def test_holders_are_cleaned_of_years_and_addresses() -> None:
    text = "Copyright (C) 2009, 2011-2013, Ada Tune <ada@example.org>\n (c) 2002 by Bob Bee (bob@example.org)\n © 2010"
    assert holders(text) == ("Ada Tune", "Bob Bee")
    text = "no-copyright\n Cy Dee (http://example.org)\n 2010 Cy Dee\n Eve Eff (www.example.com)"
    assert holders(text) == ("Cy Dee", "Eve Eff")


@pytest.mark.parametrize(
    "text",
    [
        "Upstream Author:  Ada Tune <ada@example.org>\n\nCopyright: 2009",
        "It was downloaded\n\nUpstream Authors:\n\t Ada Tune\n\t2010\n\nLicense:\n Bob Bee\n",
        "upstream author(s): Ada Tune",
    ],
)
def test_free_text_can_name_its_authors(text: str) -> None:
    assert read_copyright(text).authors == ("Ada Tune",)
    assert read_copyright(text.replace("pstream", "pset")).authors == ()


def test_many_globs_and_files_take_no_time() -> None:
    globs = "\n ".join(f"./dat/snd/{i % 50}/file{i}.ogg" for i in range(5000))
    parsed = read_copyright(paragraphs(("*", "MIT"), (globs, "A"), ("dat/*/x.ogg", "B")))
    started = time.perf_counter()
    for i in range(100):
        assert find_paragraph(parsed, f"usr/share/g/dat/snd/{i % 50}/file{i}.ogg").license == "A"
    assert time.perf_counter() - started < 2


def test_random_copyright_files_never_raise() -> None:
    generator = random.Random(1)
    for _ in range(150):
        lines = DEP5.splitlines(keepends=True)
        for _ in range(generator.randint(1, 6)):
            line = generator.randrange(len(lines))
            lines[line] = (
                generator.choice(["", "\n", ": x\n", "Files:\n", " .\n", "\tq\n", "Files: *\n"]) + lines[line][3:]
            )
        find_paragraph(read_copyright("".join(lines)), "usr/share/g/data/music/a.ogg")
