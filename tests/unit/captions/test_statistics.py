import json
import random

import pytest

from ssmttm.captions.statistics import SAMPLE, statistics


def captions_of(words, count, length, seed=0):
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=length)) for _ in range(count)]


def test_lengths_are_counted_in_words():
    found = statistics(["one", "one two", "one two three", "one two three four"])
    assert found["captions"] == 4
    assert found["words"] == {
        "mean": 2.5,
        "minimum": 1,
        "lower_quartile": 1.75,
        "median": 2.5,
        "upper_quartile": 3.25,
        "maximum": 4,
    }


def test_case_and_punctuation_make_no_new_words():
    found = statistics(["A calm piece, in C sharp.", "a CALM piece: in c sharp"])
    assert found["vocabulary"]["distinct_words"] == 6
    assert found["vocabulary"]["type_token_ratio"] == 0.5


def test_repetition_is_told_from_variety():
    same = statistics(["a slow piano piece"] * 50)
    words = [f"word{i}" for i in range(2000)]
    different = statistics(captions_of(words, 300, 12))
    assert same["repetition"]["duplicates"] == pytest.approx(0.98)
    assert same["repetition"]["openings"] == [{"words": "a slow", "share": 1.0}]
    assert different["repetition"]["duplicates"] == 0
    for key in ("distinct_bigrams", "distinct_trigrams"):
        assert same["repetition"][key] < 0.05
        assert different["repetition"][key] > 0.95
    assert same["vocabulary"]["type_token_ratio"] < 0.05 < 0.5 < different["vocabulary"]["type_token_ratio"]


def test_more_captions_of_the_same_kind_have_the_same_figures():
    words = [f"word{i}" for i in range(300)]
    few, many = (statistics(captions_of(words, count, 20, seed=count)) for count in (200, 5000))
    assert few["sample_words"] == many["sample_words"] == SAMPLE
    assert few["vocabulary"]["type_token_ratio"] == pytest.approx(many["vocabulary"]["type_token_ratio"], rel=0.03)
    assert few["repetition"]["distinct_bigrams"] == pytest.approx(many["repetition"]["distinct_bigrams"], rel=0.03)


def test_word_pairs_do_not_span_captions():
    assert statistics(["a b", "c d"])["repetition"]["distinct_bigrams"] == 1.0
    assert statistics(["a b", "a b", "b a"])["repetition"]["distinct_bigrams"] == pytest.approx(2 / 3)


def test_a_caption_longer_than_a_sample_is_cut():
    found = statistics([" ".join(["a", "b"] * SAMPLE)])
    assert found["vocabulary"]["type_token_ratio"] == pytest.approx(2 / SAMPLE)


@pytest.mark.parametrize("captions", [["music"], ["", "…"], ["🎵 東京"]])
def test_odd_captions_give_plain_json(captions):
    found = statistics(captions)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["repetition"]["distinct_trigrams"] is None


def test_no_captions_have_no_statistics():
    with pytest.raises(ValueError, match="no captions"):
        statistics([])
