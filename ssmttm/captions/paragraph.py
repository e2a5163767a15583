"""From facts about a clip to a paragraph: two to four sentences that name what is known.

The first sentence says what it is and what plays; the others, in varying order, tell of tempo and
key, of the sound, and of rhythm and missing voices.
"""

import random

from ssmttm.captions.facts import Facts
from ssmttm.captions.vocabulary import WORDS, article, count
from ssmttm.wording import listed

FEWEST_WORDS, MOST_WORDS = 30, 70

_MOST_INSTRUMENTS, _MOST_MOODS = 4, 2
_TEMPOS = {
    "slow": ("slow", "unhurried"),
    "mid-tempo": ("moderate", "neither slow nor fast"),
    "brisk": ("brisk", "lively"),
    "fast": ("fast", "rapid"),
}
_NO_VOICES = ("there are no vocals", "no vocals are heard")
_LENGTH = ", of which about {:.0f} seconds are heard here"
_CUT = "the excerpt starts and ends wherever it was cut out, without regard to the form of the whole piece"


def write_paragraph(facts: Facts, seed: int) -> str:
    """One paragraph of 30 to 70 words; the same facts and seed give the same paragraph."""
    draw = random.Random(seed)
    first = _opening(facts, draw)
    measures = _measures(facts, draw)
    ends = [draw.choice(_NO_VOICES)] if facts.instrumental and "instrumental" not in first else []
    sounds = [draw.choice(WORDS["unusual"][q]) for q in facts.qualities if q in WORDS["unusual"]]

    def words() -> int:
        return sum(map(count, [first, measures, *sounds, *ends])) + (len(sounds) > 1) + (len(ends) > 1)

    def too_short() -> bool:
        return words() < FEWEST_WORDS or not (measures or sounds or ends)

    usual = [draw.choice(WORDS["usual"][q]) for q in facts.qualities if q in WORDS["usual"]]
    while usual and too_short():
        sounds.append(usual.pop(0))
    if words() < FEWEST_WORDS:
        first += _LENGTH.format(facts.seconds)
    if too_short():
        ends.append(_CUT)
    while words() > MOST_WORDS and (sounds or ends):
        (sounds or ends).pop()
    rest = [part for part in (measures, listed(sounds), listed(ends)) if part]
    draw.shuffle(rest)
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in [first, *rest])


def _opening(facts: Facts, draw: random.Random) -> str:
    parts = facts.instruments[:_MOST_INSTRUMENTS] + facts.voices
    adjectives = ", ".join(facts.moods[:_MOST_MOODS])
    instrumental = "instrumental" if facts.instrumental and draw.random() < 0.5 else ""
    noun = draw.choice(("piece", "track", "piece of music"))
    thing = article(" ".join(filter(None, [adjectives, *facts.genres, instrumental, noun])))
    if not parts:
        return draw.choice(("this is {}", "the recording is {}", "here is {}")).format(thing)
    heads = ("this is {0} with {1}", "{0} with {1}", "{0} featuring {1}", "{1} can be heard in {0}")
    return draw.choice(heads).format(thing, listed(parts))


def _measures(facts: Facts, draw: random.Random) -> str:
    """The sentence on tempo and key; empty when neither is known."""
    key = facts.key_name
    if not facts.tempo:
        return draw.choice(("the key is {}", "it is in {}", "it is in the key of {}")).format(key) if key else ""
    pace, bpm = draw.choice(_TEMPOS[facts.tempo[1][0]]), draw.choice(facts.bpm_phrases)
    head = draw.choice(("the tempo is {0}, at {1}", "it moves at {1}, which is {0}")).format(pace, bpm)
    return head + (draw.choice((", and the key is {}", ", in {}", ", in the key of {}")).format(key) if key else "")
