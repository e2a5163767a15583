import re
from collections import Counter

import pytest
from clip_facts import KEY, TAG_WORDS, confident_tempo, known_key, permitted, random_facts, words_of

from ssmttm.captions.facts import Facts
from ssmttm.captions.styles import STYLES, choose_style, write_all
from ssmttm.captions.vocabulary import INSTRUMENTS

MANY = range(600)
FULL = Facts(
    seconds=30.0,
    tags=("calm", "piano", "electric guitar", "saxophone", "double bass", "female vocal", "guitar"),
    source_tags=("rhythm and blues", "drum and bass"),
    tempo_bpm=92.3,
    tempo_confidence=1.0,
    key="Bb",
    scale="major",
    key_strength=0.9,
    dynamic_complexity_db=6.0,
    onset_rate_hz=7.0,
    spectral_centroid_hz=2000.0,
)


@pytest.mark.parametrize("style", STYLES)
def test_no_word_says_more_than_the_facts(style):
    for seed in MANY:
        facts = random_facts(seed)
        text = STYLES[style](facts, seed)
        assert not set(words_of(text)) - permitted(facts), (text, facts)


@pytest.mark.parametrize("style", STYLES)
def test_numbers_keys_and_voices_read_back_are_those_of_the_facts(style):
    for seed in MANY:
        facts = random_facts(seed)
        text = STYLES[style](facts, seed)
        for number, unit in re.findall(r"(\d+) (BPM|beats per minute|seconds)", text):
            expected = facts.seconds if unit == "seconds" else facts.tempo_bpm
            assert int(number) == round(expected), text
        assert len(re.findall(r"\d+", text)) == len(re.findall(r"\d+ (?:BPM|beats per minute|seconds)", text)), text
        assert set(KEY.findall(text)) <= {known_key(facts)}, text
        sung = re.sub(r"\b(?:[Nn]o|without) vocals", "", text)
        if "instrumental" in facts.tags:
            assert "vocals" not in sung, text
        else:
            assert sung == text and "instrumental" not in text


def test_the_list_of_tags_holds_each_fact_exactly_once():
    for seed in MANY:
        facts = random_facts(seed)
        items = STYLES["tags"](facts, seed).split(", ")
        assert len(set(items)) == len(items), items
        assert (f"{facts.tempo_bpm:.0f} BPM" in items) if confident_tempo(facts) else "BPM" not in " ".join(items)
        assert ("".join(known_key(facts)[:2]) + f" {facts.scale}" in items) if known_key(facts) else True
        for tag in facts.tags:
            kinds = [t for t in facts.tags if t != tag and t.endswith(tag) and tag in ("guitar", "piano", "bass")]
            said = TAG_WORDS.get(tag, tag) if tag != "instrumental" else tag
            if tag in INSTRUMENTS and not kinds and not (tag == "synth" and "pads" in facts.tags):
                assert said in items, (tag, items)


def test_a_paragraph_has_two_to_four_sentences_and_30_to_70_words():
    longest = Facts(**(vars(FULL) | {"source_tags": ("a b c d", "e f g h"), "tags": (*FULL.tags, "instrumental")}))
    for seed in MANY:
        for facts in (random_facts(seed), longest, Facts(30.0), Facts(10.0, ("piano",))):
            text = STYLES["paragraph"](facts, seed)
            assert 30 <= len(text.split()) <= 70, text
            assert 2 <= text.count(". ") + 1 <= 4, text
            assert re.fullmatch(r"[A-Z](?:[^.]|\. [A-Z])*\.", text), text
            assert not re.search(r"  | ,|,,|\{|None|nan|\ba [aeio]|\ban [^aeiouI]", text), text


def test_a_paragraph_names_tempo_and_key_and_the_first_instruments_when_they_are_known():
    for seed in MANY:
        facts = random_facts(seed)
        text = STYLES["paragraph"](facts, seed)
        assert confident_tempo(facts) == bool(re.search(r"BPM|beats per minute", text)), text
        assert bool(known_key(facts)) == bool(KEY.search(text)), text
        played = [t for t in facts.tags if t in INSTRUMENTS][:4]
        kinds = [t for t in played if t not in ("guitar", "piano", "bass", "synth")]
        assert all(TAG_WORDS.get(t, t) in text.casefold() for t in kinds), text


def test_of_a_general_instrument_and_its_kind_the_kind_is_named():
    texts = write_all(FULL, 0)
    for style in ("tags", "paragraph"):
        assert "electric guitar" in texts[style]
        assert not re.search(r"(?<!electric )guitar", texts[style])


def test_a_kind_of_voice_needs_no_general_one_beside_it():
    texts = write_all(Facts(10.0, ("vocal", "female vocal")), 0).values()
    assert all(text.count("vocals") == 1 for text in texts)


def test_a_source_that_calls_it_dark_is_not_contradicted():
    facts = Facts(10.0, ("dark",), spectral_centroid_hz=2500.0)
    assert not any("bright" in text for seed in range(200) for text in write_all(facts, seed).values())


def test_nothing_known_is_called_music_and_no_more():
    assert STYLES["tags"](Facts(10.0), 3) == "music"


@pytest.mark.parametrize("style", STYLES)
def test_the_seed_decides_and_gives_variety(style):
    texts = [STYLES[style](FULL, seed) for seed in range(200)]
    assert texts == [STYLES[style](FULL, seed) for seed in range(200)]
    assert len(set(texts)) > 50


def test_mixed_takes_each_style_equally_often_and_always_the_same_for_a_clip():
    chosen = [choose_style("mixed", f"a:{i}@0", 1) for i in range(3000)]
    assert chosen == [choose_style("mixed", f"a:{i}@0", 1) for i in range(3000)]
    assert all(900 < count < 1100 for count in Counter(chosen).values())
    assert set(chosen) == set(STYLES)
    assert [choose_style("mixed", f"a:{i}@0", 2) for i in range(3000)] != chosen


def test_a_named_style_is_everywhere():
    assert {choose_style("paragraph", str(i), 1) for i in range(50)} == {"paragraph"}
