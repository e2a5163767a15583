from pathlib import Path

import pytest

from ssmttm.errors import UserError
from ssmttm.licenses.documents.document import understand
from ssmttm.sources.jamendo.licenses import Stated, read_licenses, split_credit

BY, NC = "http://creativecommons.org/licenses/by/3.0/", "http://creativecommons.org/licenses/by-nc/2.0/fr/"


def credit(number: int, title: str = "Title", artist: str = "Artist") -> str:
    return f"{title} by {artist} from Jamendo: http://www.jamendo.com/track/{number}"


def available(url: str = BY, name: str = "Creative Commons Attribution") -> str:
    return f"Available under a {name} license: {url}"


def read(folder: Path, *lines: str, end: str = "\n") -> dict[str, Stated]:
    path = folder / "audio_licenses.txt"
    path.write_bytes(end.join(lines).encode())
    return read_licenses(path, path.name)


def test_a_block_is_read_as_published(tmp_path: Path) -> None:
    found = read(tmp_path, "00/7400.mp3", credit(7400), available(NC), "", "14/214.mp3", credit(214), available(), "")
    assert list(found) == ["00/7400.mp3", "14/214.mp3"]
    stated = found["00/7400.mp3"]
    assert (stated.credit, stated.page, stated.problem) == (
        "Title by Artist",
        "http://www.jamendo.com/track/7400",
        None,
    )
    assert stated.licenses == [(available(NC), NC, 3)]
    assert found["14/214.mp3"].licenses == [(available(), BY, 7)]


@pytest.mark.parametrize(
    "lines",
    [
        ["\ufeff00/1.mp3", credit(1), available(), "", "01/101.mp3", credit(101), available(NC)],
        [
            "",
            "",
            "00/1.mp3  ",
            f"  {credit(1)}",
            f"{available()} ",
            "  ",
            "",
            "01/101.mp3",
            credit(101),
            available(NC),
            "",
            "",
        ],
        ["00/1.mp3", credit(1), available(), "--", "01/101.mp3", credit(101), available(NC), "--"],
        ["./00/1.low.mp3", credit(1), available(), "01/101.mp3", credit(101), available(NC)],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_odd_spacing_and_separators_change_nothing(tmp_path: Path, lines: list[str], end: str) -> None:
    found = read(tmp_path, *lines, end=end)
    assert {path: [s.url for s in f.licenses] for path, f in found.items()} == {"00/1.mp3": [BY], "01/101.mp3": [NC]}
    assert all(f.problem is None and f.credit == "Title by Artist" for f in found.values())


def test_blocks_of_one_path_are_all_kept_and_repeated_ones_count_once(tmp_path: Path) -> None:
    block = ["00/1.mp3", credit(1), available(), ""]
    found = read(tmp_path, *block, *block, "00/1.mp3", credit(1, "Other"), available(NC))
    assert [s.url for s in found["00/1.mp3"].licenses] == [BY, NC]
    assert found["00/1.mp3"].credit == "Title by Artist"


@pytest.mark.parametrize(
    "lines",
    [
        ["01/101.mp3"],
        ["01/101.mp3", credit(101)],
        ["01/101.mp3", "Title by Artist from Jam"],
        ["01/101.mp3", credit(101), "All rights reserved: http://x.org"],
        ["01/101.mp3", "CC BY 4.0 by Artist from Jamendo: http://x.org/by/3.0/"],
    ],
)
def test_a_block_without_a_license_is_a_problem_of_its_track_only(tmp_path: Path, lines: list[str]) -> None:
    found = read(tmp_path, "00/1.mp3", credit(1), available(), "", *lines)
    assert found["00/1.mp3"].problem is None
    assert found["01/101.mp3"].licenses == []
    assert found["01/101.mp3"].problem == "audio_licenses.txt, line 5: the block of 01/101.mp3 states no license"


def test_a_missing_path_never_gives_a_track_the_next_ones_license(tmp_path: Path) -> None:
    found = read(tmp_path, "00/1.mp3", credit(1), available(), credit(101), available(NC), "")
    assert found["00/1.mp3"].problem == "audio_licenses.txt, line 1: the block of 00/1.mp3 mixes up two tracks"
    with pytest.raises(UserError, match=r"audio_licenses.txt, line 5: 'Title by .* belongs to no track"):
        read(tmp_path, "00/1.mp3", credit(1), available(), "", credit(101), available(NC), "")


def test_a_cut_address_never_becomes_a_freer_license(tmp_path: Path) -> None:
    text = available("http://creativecommons.org/licenses/by-nc-nd/3.0/")
    for length in range(len("Available under"), len(text)):
        (stated,) = read(tmp_path, "00/1.mp3", credit(1), text[:length]).values()
        said = {understand("catalog", s.text, s.url).license for s in stated.licenses}
        assert said <= {None, "CC-BY-NC-ND-3.0"}


def test_a_title_may_hold_line_breaks_and_look_like_a_license(tmp_path: Path) -> None:
    (stated,) = read(tmp_path, "00/1.mp3", "Long", credit(1, "title"), available(NC)).values()
    assert (stated.credit, [s.url for s in stated.licenses]) == ("Long title by Artist", [NC])
    (stated,) = read(tmp_path, "00/1.mp3", credit(1, "Available under the sun"), available(NC)).values()
    assert (stated.credit, [s.url for s in stated.licenses]) == ("Available under the sun by Artist", [NC])
    (stated,) = read(tmp_path, "00/1.mp3", "A", available(BY), credit(1, "trick"), available(NC)).values()
    assert stated.problem.endswith("mixes up two tracks")


def test_a_statement_over_two_lines_or_with_two_addresses_is_kept_whole(tmp_path: Path) -> None:
    (stated,) = read(tmp_path, "00/1.mp3", credit(1), "Available under a CC license:", NC).values()
    assert stated.licenses == [(f"Available under a CC license:\n{NC}", NC, 3)]
    (stated,) = read(tmp_path, "00/1.mp3", credit(1), f"{available(BY)} or {NC}.").values()
    assert [s.url for s in stated.licenses] == [BY, NC]
    (stated,) = read(tmp_path, "00/1.mp3", credit(1), "Available under a Free Art license:").values()
    assert [s.url for s in stated.licenses] == [None]


def test_a_line_of_a_million_characters_is_a_problem_of_its_track(tmp_path: Path) -> None:
    lines = [
        "00/1.mp3",
        credit(1, "x" * 1_000_000),
        available(),
        "",
        "01/101.mp3",
        credit(101),
        available() + "x" * 1_000_000,
    ]
    found = read(tmp_path, *lines)
    assert found["01/101.mp3"].problem.endswith("has a line of more than 65536 bytes")
    assert found["00/1.mp3"].credit is None  # the end of the line was not read
    assert found["00/1.mp3"].licenses[0].url == BY


def test_what_is_no_license_file_is_refused(tmp_path: Path) -> None:
    for lines in (["<!doctype html>", "<p>"], ["TRACK_ID\tARTIST_ID"], ["a" * 64 + " 00/1.mp3"]):
        with pytest.raises(UserError, match=r"line 1: .*belongs to no track; a block starts with a path"):
            read(tmp_path, *lines)
    (tmp_path / "x").write_bytes(b"00/1.mp3\ncaf\xe9 by B\n")
    with pytest.raises(UserError, match="line 2, byte 4: not UTF-8"):
        read_licenses(tmp_path / "x", "x")


@pytest.mark.parametrize(
    ("text", "artist", "expected"),
    [
        ("Title by Artist", None, ("Title", "Artist")),
        ("Stand by Me by Ben", None, ("Stand by Me", "Ben")),
        ("Song by Death by Chocolate", "Death by Chocolate", ("Song", "Death by Chocolate")),
        ("Song by Death by Chocolate", None, ("Song by Death", "Chocolate")),
        ("Song by Other", "Artist", ("Song", "Other")),
        ("No artist", None, ("No artist", None)),
        (" by Artist", None, ("", "Artist")),
    ],
)
def test_credits_are_split_at_the_last_by_unless_the_artist_is_known(
    text: str, artist: str | None, expected: tuple[str, str | None]
) -> None:
    assert split_credit(text, artist) == expected
