import re

import pytest
from clip_facts import random_facts

from ssmttm.captions.facts import Facts
from ssmttm.captions.tags import choose, contradict, evident
from ssmttm.captions.write import write_caption
from ssmttm.pretrained.musicnn import TAGS

FULL = Facts(
    seconds=10.0,
    tags=("electronic", "synth", "drums", "male vocal", "calm"),
    source_tags=("chiptune",),
    tempo_bpm=152.0,
    tempo_confidence=1.0,
    key="F#",
    scale="minor",
    key_strength=0.9,
    dynamic_complexity_db=6.0,
    trend_db=0.0,
    onset_rate_hz=7.0,
    spectral_centroid_hz=2000.0,
    bass=0.9,
    flatness=0.4,
)

# What each fact may be called, and nothing else may.
WORDS = {
    "electronic": r"electronic",
    "synth": r"synthesizers",
    "drums": r"drums",
    "male vocal": r"male vocals",
    "calm": r"calm",
    "chiptune": r"chiptune",
    "tempo": r"BPM|beats per minute|fast|rapid|slow|unhurried|mid-tempo|paced|brisk",
    "key": r"major|minor|\bkey\b",
    "dynamics": r"volume",
    "onsets": r"dense|sparse",
    "centroid": r"bright|dark",
    "bass": r"bass|thin",
    "flatness": r"noisy|pure",
}


def captions(facts, count=300):
    return [write_caption(facts, seed) for seed in range(count)]


def mentioned(topic, facts):
    return any(re.search(WORDS[topic], caption, re.IGNORECASE) for caption in captions(facts))


def test_the_seed_decides_the_caption():
    assert captions(FULL) == captions(FULL)
    assert len(set(captions(FULL))) > 50


def test_captions_have_8_to_36_words_and_read_like_sentences():
    for seed in range(600):
        caption = write_caption(random_facts(seed), seed)
        assert 8 <= len(caption.split()) <= 36, caption
        assert re.fullmatch(r"[A-Z0-9].*[^.]\.", caption), caption
        assert not re.search(r"  | ,|,,|\{|None|nan|\ba [aeio]|\ban [^aeiouI]", caption), caption


def test_a_caption_of_no_facts_claims_nothing():
    for caption in captions(Facts(seconds=10.0)):
        assert 8 <= len(caption.split()) <= 36
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
        ("tempo", {"tempo_bpm": 171.0}),
        ("dynamics", {"dynamic_complexity_db": 2.0}),
        ("bass", {"bass": 0.5}),
        ("flatness", {"flatness": 0.05}),
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


def test_a_caption_never_contradicts_itself():
    for seed in range(600):
        caption = write_caption(random_facts(seed), seed)
        sung = re.search(
            r"with [^.]*vocals|choir|[Ff]emale|[Mm]ale", caption.replace("no vocals", "").replace("without vocals", "")
        )
        assert not (sung and re.search(r"no vocals|without vocals|instrumental", caption)), caption
        assert not (re.search(r"slow|unhurried", caption) and re.search(r"\bfast|rapid|brisk", caption)), caption


def test_nothing_is_stacked_and_every_measured_fact_is_said():
    for caption in captions(FULL):
        assert len(re.findall(r"\bwith(?!out)\b", caption)) <= 1, caption
        for topic, pattern in WORDS.items():
            assert re.search(pattern, caption, re.IGNORECASE), (topic, caption)


def test_loudness_tempo_and_opinions_are_not_heard():
    assert choose({"loud": 0.9, "quiet": 0.9, "soft": 0.9, "slow": 0.8, "fast": 0.8, "weird": 0.9}, 9, 0.1) == []


def heard(**probabilities):
    return dict.fromkeys(TAGS, 0.0) | {name.replace("_", " "): p for name, p in probabilities.items()}


MEASURED = {"tempo": True, "onset_rate_hz": 4.0, "flatness": 0.05}


def test_a_genre_is_the_tracks_and_an_instrument_the_clips():
    clip, track = heard(piano=0.5, flute=0.5, ambient=0.1), heard(piano=0.1, flute=0.05, ambient=0.3, techno=0.1)
    assert evident(clip, track, MEASURED, 5, 0.2) == ["piano", "ambient"]


def test_what_the_analysis_does_not_bear_out_is_not_said():
    clip = heard(techno=0.5, drums=0.4, indian=0.6)
    assert evident(clip, clip, MEASURED, 5, 0.2) == ["techno", "drums"]
    assert evident(clip, clip, MEASURED | {"tempo": False}, 5, 0.2) == ["drums"]
    assert evident(clip, clip, MEASURED | {"onset_rate_hz": 1.0}, 5, 0.2) == []
    assert evident(heard(indian=0.6, sitar=0.4), heard(indian=0.6, sitar=0.4), MEASURED, 5, 0.2) == ["indian", "sitar"]


def test_contradicting_tags_leave_the_likelier():
    kept = choose({"metal": 0.5, "techno": 0.4, "no vocals": 0.3, "vocal": 0.6, "drums": 0.2}, 5, 0.1)
    assert kept == ["vocal", "metal", "drums"]
    assert contradict("rock", "classical")
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
