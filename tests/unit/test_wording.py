"""Text from elsewhere in messages: one line, bounded, safe for a terminal."""

import pytest

from ssmttm.wording import counted, one_line, quoted, some, valid_unicode


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, ""),
        (" a\r\n\tb  c ", "a b c"),
        ("red\x1b[31m\u202eback\u2028line\x00", "red [31m back line"),
        ("caf\u00e9 \u97f3\u6a02", "caf\u00e9 \u97f3\u6a02"),
        ("\udcff lone", "lone"),
    ],
)
def test_one_line_is_printable_and_valid_unicode(text: str | None, line: str) -> None:
    assert one_line(text) == line
    one_line(text).encode("utf-8")


def test_one_line_is_bounded_and_says_where_it_was_cut() -> None:
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcdef…"
    assert one_line("a " * 10_000_000, 3) == "a a…"


def test_quoted_text_keeps_what_it_is_as_escapes() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert quoted("x" * 100, 3) == "'xxx…'"


def test_undecodable_bytes_become_replacement_characters() -> None:
    path = b"a\xff.ogg".decode("utf-8", "surrogateescape")
    assert valid_unicode(path) == "a\ufffd.ogg"
    assert valid_unicode("caf\u00e9") == "caf\u00e9"


def test_lists_and_counts() -> None:
    assert some(["a", "b", "c"], 2) == "a, b and 1 more"
    assert (counted(1, "file"), counted(2, "copy", "copies")) == ("1 file", "2 copies")
