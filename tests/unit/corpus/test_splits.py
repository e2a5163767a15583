from collections import Counter

import pytest

from ssmttm.corpus.splits import SPLITS, assign, normalize_artist, split_of
from ssmttm.errors import UserError


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
