import pytest
from clip_facts import random_facts

from ssmttm.captions.check import invented
from ssmttm.captions.facts import Facts
from ssmttm.captions.styles import write_all

FACTS = Facts(
    seconds=30.0,
    tags=("synth", "drums", "male vocal", "calm"),
    source_tags=("chiptune",),
    tempo_bpm=152.4,
    tempo_confidence=1.0,
    key="F#",
    scale="minor",
    key_strength=0.9,
    dynamic_complexity_db=6.0,
    onset_rate_hz=7.0,
    spectral_centroid_hz=2000.0,
)


def test_what_the_templates_write_is_never_rejected():
    for seed in range(250):
        facts = random_facts(seed)
        for text in write_all(facts, seed).values():
            assert invented(text, facts) == [], (text, facts)


@pytest.mark.parametrize(
    "text",
    [
        "A calm chiptune track in F# minor at 152 BPM, with synths, percussion and a man singing.",
        "Driving drums and bright synthesizer lines carry this fast, dense chiptune piece; male vocals join in.",
        "In F-sharp minor, a male vocalist sings over electronic drums. The 30-second excerpt is calm and quick.",
        "Around 153 beats per minute, F♯ minor.",
    ],
)
def test_the_same_facts_in_other_words_pass(text):
    assert invented(text, FACTS) == []


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("A calm chiptune track at 120 BPM.", "120"),
        ("A chiptune track in F minor.", "f minor"),
        ("A chiptune track in F sharp major.", "f sharp major"),
        ("A chiptune track in a major key.", "major"),
        ("A chiptune track with electric guitar.", "electric guitar"),
        ("A chiptune track with saxophones.", "saxophones"),
        ("A jazzy chiptune track.", "jazzy"),
        ("A hip-hop track.", "hip-hop"),
        ("A slow chiptune track.", "slow"),
        ("A melancholic chiptune track.", "melancholic"),
        ("A dark chiptune track.", "dark"),
        ("A woman sings.", "woman"),
        ("A choir sings.", "choir"),
        ("Instrumental chiptune.", "instrumental"),
        ("Chiptune without any vocals.", "without any vocals"),
        ("Two synthesizers play.", "two"),
        ("A chiptune track of the 80s.", "80"),
        ("In 4/4 time.", "4"),
        ("A chiptune track with an 808.", "808"),
    ],
)
def test_what_is_not_among_the_facts_is_found(text, claim):
    assert claim in invented(text, FACTS)


def test_voices_count_only_when_they_are_not_denied():
    silent = Facts(30.0, ("instrumental", "piano"))
    assert invented("A piano piece with no vocals.", silent) == []
    assert invented("A piano piece with vocals.", silent) == ["vocals"]


def test_an_uncertain_tempo_or_key_is_no_fact():
    unsure = Facts(**(vars(FACTS) | {"tempo_confidence": 0.5, "key_strength": 0.3}))
    assert invented("It moves fast at 152 BPM in F sharp minor.", unsure) == ["f sharp minor", "152", "fast"]


def test_plain_words_inside_others_are_no_claims():
    assert invented("A classically structured, heartbeat-like, harpooned and rapturous chiptune.", FACTS) == []
