"""The tables of words beside the modules of licenses."""

from pathlib import Path

import pytest

import ssmttm.licenses
from ssmttm.licenses import words
from ssmttm.licenses.vocabulary import Remembered, fold, read_groups, read_rows
from ssmttm.provenance import PACKAGE, fingerprint

FOLDER = Path(ssmttm.licenses.__file__).parent
TABLES = sorted(FOLDER.rglob("*.tsv"))


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_table_lies_beside_its_module_has_equal_rows_and_says_nothing_twice(table: Path) -> None:
    assert table.with_suffix(".py").is_file()
    rows = read_rows(str(table))
    assert len({len(row) for row in rows}) == 1
    assert len({tuple(row) for row in rows}) == len(rows)
    assert all(row[-1].strip() == row[-1] != "" for row in rows if row[0] != "spaceless")


def test_words_are_folded_as_texts_are() -> None:
    for canonical, phrase in words.phrases("license", "grammar", "place", "glued"):
        assert phrase == phrase.lower() and canonical, phrase
        assert fold(fold(phrase)) == fold(phrase)


def test_every_combination_of_a_phrase_without_spaces_is_one() -> None:
    english = dict(words.spaceless_phrases())
    assert english["この作品は"] == english["本楽曲は、"] == " this work is licensed under a "
    assert english["のもとで公開しています"] == "  "
    assert "で" not in english
    lengths = [len(phrase) for phrase, _ in words.spaceless_phrases()]
    assert lengths == sorted(lengths, reverse=True)


def test_a_changed_table_changes_the_fingerprint(tmp_path: Path) -> None:
    root = tmp_path / "ssmttm"
    (root / "licenses").mkdir(parents=True)
    for name in ("vocabulary.py", "words.py", "words.tsv"):
        (root / "licenses" / name).write_bytes((PACKAGE / "licenses" / name).read_bytes())
    before = fingerprint("ssmttm.licenses.words", root=root)
    with (root / "licenses" / "words.tsv").open("a", encoding="utf-8") as file:
        file.write("word\tplain\tmoreover\n")
    assert fingerprint("ssmttm.licenses.words", root=root) != before


def test_groups_keep_the_order_of_their_rows(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# a comment\none\tfirst\ntwo\tsecond\none\tthird\n", encoding="utf-8")
    assert read_groups(str(tmp_path / "a.py")) == {"one": ["first", "third"], "two": ["second"]}


def test_long_strings_are_not_remembered() -> None:
    lengths = Remembered(len)
    assert (lengths["abc"], lengths["x" * 100]) == (3, 100)
    assert list(lengths) == ["abc"]
