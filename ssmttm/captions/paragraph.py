"""From facts about a clip to a paragraph: two to four sentences that name what is known.

The first sentence says what it is and what plays; the others, in varying order, tell of tempo and
key, of the sound, and of rhythm and missing voices.
"""

import random

from ssmttm.captions.facts import (
    Facts,
    article,
    bpm_phrases,
    count,
    genres,
    instruments,
    join,
    key_name,
    moods,
    pace,
    qualities,
    tempo_class,
    voices,
)

FEWEST_WORDS, MOST_WORDS = 30, 70

_MOST_INSTRUMENTS, _MOST_MOODS = 4, 2
_TEMPOS = {
    "slow": ("slow", "unhurried"),
    "mid-tempo": ("moderate", "neither slow nor fast"),
    "brisk": ("brisk", "lively"),
    "fast": ("fast", "rapid"),
}
_UNUSUAL = {
    "dark": ("the sound is dark", "the sound is dark and deep"),
    "bright": ("the sound is bright", "the sound is bright and crisp"),
    "sparse": ("the notes are sparse", "there are few notes"),
    "dense": ("the notes follow each other quickly", "there are many quick notes"),
    "even": ("the volume hardly changes", "the volume stays even"),
    "wide": ("the volume changes a lot", "there are large changes in volume"),
}
_USUAL = {
    "neutral": ("the sound is neither dark nor bright", "the sound lies between dark and bright"),
    "steady notes": ("the notes are neither sparse nor dense", "the notes come at a moderate rate"),
    "some dynamics": ("the volume changes moderately", "there are moderate changes in volume"),
}
"""Said only where a paragraph would be too short without."""
_NO_VOICES = ("there are no vocals", "no vocals are heard")
_DANCEABLE = ("the rhythm is easy to dance to", "the groove is danceable")
_LENGTH = ", of which about {:.0f} seconds are heard here"
_CUT = "the excerpt starts and ends wherever it was cut out, without regard to the form of the whole piece"


def write_paragraph(facts: Facts, seed: int) -> str:
    """One paragraph of 30 to 70 words; the same facts and seed give the same paragraph."""
    choice = random.Random(seed)
    first = _opening(facts, choice)
    measures = _measures(facts, choice)
    ends = [choice.choice(_NO_VOICES)] if "instrumental" in facts.tags and "instrumental" not in first else []
    ends += [choice.choice(_DANCEABLE)] if "danceable" in qualities(facts) else []
    sounds = [choice.choice(_UNUSUAL[q]) for q in qualities(facts) if q in _UNUSUAL]

    def words() -> int:
        return sum(map(count, [first, measures, *sounds, *ends])) + (len(sounds) > 1) + (len(ends) > 1)

    def too_short() -> bool:
        return words() < FEWEST_WORDS or not (measures or sounds or ends)

    usual = [choice.choice(_USUAL[q]) for q in qualities(facts) if q in _USUAL]
    while usual and too_short():
        sounds.append(usual.pop(0))
    if words() < FEWEST_WORDS:
        first += _LENGTH.format(facts.seconds)
    if too_short():
        ends.append(_CUT)
    while words() > MOST_WORDS and (sounds or ends):
        (sounds or ends).pop()
    rest = [part for part in (measures, join(sounds), join(ends)) if part]
    choice.shuffle(rest)
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in [first, *rest])


def _opening(facts: Facts, choice: random.Random) -> str:
    parts = instruments(facts)[:_MOST_INSTRUMENTS] + voices(facts)
    adjectives = ", ".join([*pace(facts), *moods(facts)[:_MOST_MOODS]])
    instrumental = "instrumental" if "instrumental" in facts.tags and choice.random() < 0.5 else ""
    noun = choice.choice(("piece", "track", "piece of music"))
    thing = article(" ".join(filter(None, [adjectives, *genres(facts), instrumental, noun])))
    if not parts:
        return choice.choice(("this is {}", "the recording is {}", "here is {}")).format(thing)
    heads = ("this is {0} with {1}", "{0} with {1}", "{0} featuring {1}", "{1} can be heard in {0}")
    return choice.choice(heads).format(thing, join(parts))


def _measures(facts: Facts, choice: random.Random) -> str:
    """The sentence on tempo and key; empty when neither is known."""
    tempo, key = tempo_class(facts), key_name(facts)
    if not tempo:
        return choice.choice(("the key is {}", "it is in {}", "it is in the key of {}")).format(key) if key else ""
    pace, bpm = choice.choice(_TEMPOS[tempo[1][0]]), choice.choice(bpm_phrases(facts))
    head = choice.choice(("the tempo is {0}, at {1}", "it moves at {1}, which is {0}")).format(pace, bpm)
    return head + (choice.choice((", and the key is {}", ", in {}", ", in the key of {}")).format(key) if key else "")
