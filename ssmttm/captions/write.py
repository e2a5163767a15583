"""From facts about a clip to one English caption: seeded, and nothing that is not a fact.

A caption is a head (one of `_HEADS`), which names sound, genre, instruments and voices as far as known, and clauses
about tempo, key, voices and volume. There is one `with` at most. Wording varies with the seed; what is said doesn't.
"""

import random

from ssmttm.captions.facts import Facts
from ssmttm.captions.vocabulary import WORDS, article, count
from ssmttm.wording import listed

FEWEST_WORDS, MOST_WORDS = 8, 36
_HEADS: list[str] = WORDS["sentence_heads"]
_MOST_PLAYERS = 3


def write_caption(facts: Facts, seed: int) -> str:
    """One caption of 8 to 36 words; the same facts and seed give the same caption."""
    draw = random.Random(seed)
    players = facts.instruments[:_MOST_PLAYERS] + facts.voices
    heads = [head for head in _HEADS if bool(players) == ("{players}" in head)]
    text = draw.choice(heads).format(thing=_thing(facts, draw), players=listed(players))
    for clause in _clauses(facts, draw, "instrumental" in text):
        if count(text) + count(clause) <= MOST_WORDS:
            text += clause
    if count(text) < FEWEST_WORDS:
        text += f", which is heard here for about {facts.seconds:.0f} seconds"
    return text[0].upper() + text[1:] + "."


def _thing(facts: Facts, draw: random.Random) -> str:
    """A piece of some genre with its adjectives, and an article."""
    sound = [WORDS["adjectives"][q] for q in facts.qualities if q in WORDS["adjectives"]]
    draw.shuffle(sound)
    adjectives = list(dict.fromkeys([*(facts.tempo[1][:1] if facts.tempo else ()), *facts.moods[:1], *sound]))
    described = " ".join(filter(None, [", ".join(adjectives), *facts.genres]))
    noun = draw.choice(["piece", "track", "recording"])
    if facts.instrumental and draw.random() < 0.5:
        noun = draw.choice(["instrumental", "instrumental piece", "instrumental track"])
    return article(f"{described} {noun}".strip())


def _clauses(facts: Facts, draw: random.Random, instrumental: bool) -> list[str]:
    """What follows the head: missing voices, tempo and key in any order, and how the volume goes."""
    voices = [draw.choice([" without vocals", ", no vocals"])] if facts.instrumental and not instrumental else []
    measures = []
    if facts.tempo:
        measures.append(f" at {draw.choice(facts.bpm_phrases)}")
    if facts.key_name:
        measures.append(f" in {facts.key_name}")
    draw.shuffle(measures)
    if measures:
        measures[0] = "," + measures[0]
    volume = [f", {draw.choice(WORDS['followers'][q])}" for q in facts.qualities if q in WORDS["followers"]]
    return voices + measures + volume
