import re

import pytest
from clip_facts import random_facts

from ssmttm.captions.facts import Facts
from ssmttm.captions.tags import choose, contradict
from ssmttm.captions.write import _HEADS, write_caption

FULL = Facts(
    seconds=10.0,
    tags=("electronic", "synth", "drums", "male vocal", "loud"),
    source_tags=("chiptune",),
    tempo_bpm=152.0,
    tempo_confidence=1.0,
    key="F#",
    scale="minor",
    key_strength=0.9,
    danceability=2.0,
    dynamic_complexity_db=6.0,
    onset_rate_hz=7.0,
    spectral_centroid_hz=2000.0,
)

# What each fact may be called, and nothing else may.
WORDS = {
    "electronic": r"electronic",
    "synth": r"synthesizers",
    "drums": r"drums",
    "male vocal": r"male vocals",
    "loud": r"loud",
    "chiptune": r"chiptune",
    "tempo": r"BPM|beats per minute|fast|rapid|slow|unhurried|mid-tempo|paced|brisk",
    "key": r"major|minor|\bkey\b",
    "danceability": r"danc",
    "dynamics": r"volume|dynamics",
    "onsets": r"notes",
    "centroid": r"bright|dark|deep",
}


def captions(facts, count=300):
    return [write_caption(facts, seed) for seed in range(count)]


def mentioned(topic, facts):
    return any(re.search(WORDS[topic], caption, re.IGNORECASE) for caption in captions(facts))


def test_the_seed_decides_the_caption():
    assert captions(FULL) == captions(FULL)
    assert len(set(captions(FULL))) > 150


def test_captions_have_8_to_30_words_and_read_like_sentences():
    for seed in range(600):
        caption = write_caption(random_facts(seed), seed)
        assert 8 <= len(caption.split()) <= 30, caption
        assert re.fullmatch(r"[A-Z0-9].*[^.]\.", caption), caption
        assert not re.search(r"  | ,|,,|\{|None|nan|\ba [aeio]|\ban [^aeiouI]", caption), caption


def test_a_caption_of_no_facts_claims_nothing():
    for caption in captions(Facts(seconds=10.0)):
        assert 8 <= len(caption.split()) <= 30
        assert not any(re.search(pattern, caption, re.IGNORECASE) for pattern in WORDS.values()), caption


def test_every_fact_is_mentioned_now_and_then():
    for topic in WORDS:
        assert mentioned(topic, FULL), topic


@pytest.mark.parametrize(
    ("topic", "change"),
    [
        ("tempo", {"tempo_confidence": 0.5}),
        ("tempo", {"tempo_bpm": None}),
        ("key", {"key_strength": 0.5}),
        ("key", {"key": None}),
        ("danceability", {"danceability": 1.0}),
        ("danceability", {"tempo_confidence": 0.0}),
        ("dynamics", {"dynamic_complexity_db": 3.0}),
        ("onsets", {"onset_rate_hz": 4.0}),
        ("centroid", {"spectral_centroid_hz": 700.0}),
        ("chiptune", {"source_tags": ()}),
        *((tag, {"tags": tuple(t for t in FULL.tags if t != tag)}) for tag in FULL.tags),
    ],
)
def test_what_is_unknown_or_uncertain_is_never_mentioned(topic, change):
    assert not mentioned(topic, Facts(**(vars(FULL) | change)))


def test_tempo_and_key_are_those_measured():
    for caption in captions(FULL):
        numbers = re.findall(r"\d+", caption)
        assert set(numbers) <= {"152"}, caption
        if "minor" in caption:
            assert "F sharp minor" in caption


def test_a_confident_tempo_overrules_the_tags():
    slow = Facts(**(vars(FULL) | {"tags": ("fast", "piano"), "tempo_bpm": 60.0, "onset_rate_hz": 3.0}))
    assert not any(re.search(r"fast|rapid", caption) for caption in captions(slow))


def test_a_caption_never_contradicts_itself():
    for seed in range(600):
        caption = write_caption(random_facts(seed), seed)
        sung = re.search(
            r"with [^.]*vocals|choir|[Ff]emale|[Mm]ale", caption.replace("no vocals", "").replace("without vocals", "")
        )
        assert not (sung and re.search(r"no vocals|without vocals|instrumental", caption)), caption
        assert not (re.search(r"slow|unhurried", caption) and re.search(r"\bfast|rapid|brisk", caption)), caption


def test_there_are_a_dozen_structures_at_least():
    skeleton = {re.split(r" (?:with|featuring|built|that|can|for)\b", c)[0] for c in captions(FULL, 600)}
    assert len(_HEADS) >= 12
    assert len(skeleton) > 12


def test_contradicting_tags_leave_the_likelier():
    kept = choose({"fast": 0.5, "slow": 0.4, "no vocals": 0.3, "vocal": 0.6, "drums": 0.2}, 5, 0.1)
    assert kept == ["vocal", "fast", "drums"]
    assert contradict("slow", "fast")
    assert contradict("choir", "instrumental")
    assert not contradict("guitar", "drums")


def test_synonyms_are_one_tag():
    assert choose({"no vocal": 0.2, "no voice": 0.5, "no vocals": 0.3}, 5, 0.1) == ["instrumental"]
    assert choose({"vocals": 0.9, "woman": 0.5, "female": 0.4}, 5, 0.1) == ["female vocal"]


def test_threshold_and_number_bound_the_tags():
    probabilities = {"guitar": 0.5, "drums": 0.4, "rock": 0.3, "flute": 0.05}
    assert choose(probabilities, 2, 0.1) == ["guitar", "drums"]
    assert choose(probabilities, 9, 0.1) == ["guitar", "drums", "rock"]
    assert choose(probabilities, 0, 0.1) == []
