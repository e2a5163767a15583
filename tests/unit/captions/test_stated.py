from itertools import combinations
from pathlib import Path

import pytest

from ssmttm.captions.stated import stated_genres, stated_tags
from ssmttm.captions.tags import contradict
from ssmttm.captions.vocabulary import INSTRUMENTS, MOODS, VOICES

MOODTHEME = Path(__file__).parents[4] / "shared/data/mtg-jamendo/autotagging_moodtheme.head3000.tsv"


def test_source_tags_are_clean_genres():
    assert stated_genres(["Electronic", "electronic", "Space  Rock"], "x") == ["electronic", "space rock"]
    assert stated_genres(["Drum & Bass; Dub"], None) == ["drum & bass", "dub"]
    assert stated_genres(["http://example.org", "2009", "Other", "", "a" * 40], None) == []
    assert stated_genres(["the best music of this or any year"], None) == []
    assert stated_genres(None, None) == stated_tags(None) == []


def test_the_artist_is_never_a_genre():
    assert stated_genres(["MaxStack", "music by maxstack", "Techno"], "Maxstack") == ["techno"]


def test_genres_moods_instruments_and_uses_are_told_apart():
    tags = ["triphop", "film", "melancholic", "dream", "acousticguitar", "voice", "piano", "computer"]
    assert stated_genres(tags, None) == ["trip hop"]
    assert stated_tags(tags) == ["melancholic", "dreamy", "acoustic guitar", "vocal", "piano"]


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("Acoustic Guitar", "acoustic guitar"),
        ("drum machine", "drum machine"),
        ("drum-machine", "drum machine"),
        ("singing", "vocal"),
        ("Female", "female vocal"),
        ("no vocals", "instrumental"),
        ("Instrumental", "instrumental"),
        ("beats", "beat"),
        ("synthesizer", "synth"),
    ],
)
def test_other_spellings_are_one_tag_and_no_genre(word, tag):
    assert stated_tags([word]) == [tag]
    assert stated_genres([word], None) == []


def test_stated_tags_do_not_contradict_one_another():
    assert stated_tags(["happy", "sad", "slow", "fast", "instrumental", "choir"]) == ["happy", "instrumental"]


def test_words_that_are_run_together_are_split():
    assert stated_genres(["instrumentalpop", "singersongwriter"], None) == ["pop", "singer-songwriter"]
    assert stated_genres(["instrumentalrock"], None) == ["rock"]
    assert stated_tags(["instrumentalrock"]) == ["instrumental"]


def test_genres_that_contradict_one_another_and_loudness_are_left_out():
    assert stated_genres(["classical", "techno", "baroque"], None) == ["classical", "baroque"]
    assert stated_genres(["loud", "fast", "rock"], None) == ["rock"]
    assert stated_tags(["loud", "fast", "quiet"]) == []


def test_numbers_are_bounded():
    assert len(stated_tags(MOODS)) <= 10
    assert len([t for t in stated_tags(list(INSTRUMENTS)) if t in INSTRUMENTS]) == 4


def test_real_jamendo_tags_are_all_understood_as_moods_or_uses():
    if not MOODTHEME.is_file():
        pytest.skip("the MTG-Jamendo metadata are not beside the project")
    rows = [line.split("\t")[5:] for line in MOODTHEME.read_text(encoding="utf-8").splitlines()[1:]]
    known = INSTRUMENTS.keys() | set(MOODS) | VOICES.keys() | {"instrumental"}
    described = 0
    for row in rows:
        words = [tag.removeprefix("mood/theme---") for tag in row]
        tags = stated_tags(words)
        assert set(tags) <= known
        assert not any(contradict(a, b) for a, b in combinations(tags, 2))
        assert set(stated_genres(words, None)) <= {"ambient", "ballad"}, words
        described += bool(tags)
    assert described > len(rows) / 2
