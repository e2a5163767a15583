"""From facts about a clip to one English caption: seeded, and nothing that is not a fact.

A caption is a head (one of `_HEADS`), which names genre, instruments and voices as far as known,
and clauses about tempo, key and sound, as many as fit. Wording varies with the seed.
"""

import random

from ssmttm.captions.facts import Facts
from ssmttm.captions.vocabulary import WORDS, article, count
from ssmttm.wording import listed

FEWEST_WORDS, MOST_WORDS = 8, 30
_HEADS: list[str] = WORDS["sentence_heads"]


def write_caption(facts: Facts, seed: int) -> str:
    """One caption of 8 to 30 words; the same facts and seed give the same caption."""
    draw = random.Random(seed)
    words = _vocabulary(facts, draw)
    heads = [h for h in _HEADS if all(words.get(slot) for slot in _slots(h))]
    # A head with more slots says more: prefer those that use the instruments when they are known.
    richer = [h for h in heads if "instruments" in h]
    head = draw.choice(richer or heads)
    text = head.format(**words)
    spoken = set(_slots(head)) | ({"voices"} if "instrumental" in text else set())
    wanted = draw.randint(11, 22)
    for about, clause in _clauses(facts, draw):
        length = count(text)
        if about in spoken or (about != "voices" and length >= wanted):
            continue
        if length + count(clause) <= MOST_WORDS:
            text += f" {clause}"
    phrases = WORDS["sentence_qualities"]
    unusual = [phrases[q] for q in facts.qualities if q in phrases]
    draw.shuffle(unusual)
    said: list[str] = []
    for wording in unusual[:2]:
        quality = draw.choice(wording)
        if count(text) + count(" and ".join([*said, quality])) < wanted:
            said.append(quality)
    if said:
        text += f", with {listed(said)}"
    if count(text) < FEWEST_WORDS:
        text += f", which is heard here for about {facts.seconds:.0f} seconds"
    return text[0].upper() + text[1:] + "."


def _slots(head: str) -> list[str]:
    return [part.split("}")[0] for part in head.split("{")[1:]]


def _vocabulary(facts: Facts, draw: random.Random) -> dict[str, str]:
    """What each slot of a head says; empty when unknown."""
    named, heard = facts.genres, facts.voices
    parts = facts.instruments[:3] + heard
    adjectives = _adjectives(facts, draw)
    genre = " ".join(named)
    nouns = ["piece", "track", "piece of music"] + ([] if heard else ["tune"])
    instrumental = facts.instrumental and draw.random() < 0.6
    described = " ".join(filter(None, [", ".join(adjectives), genre]))
    noun = "instrumental" if instrumental and draw.random() < 0.5 else draw.choice(nouns)
    thing = article(f"{described} {'instrumental ' if instrumental and noun != 'instrumental' else ''}{noun}".strip())
    played = listed(parts)
    return {
        "thing": thing,
        "adjectives": ", ".join(adjectives),
        "genre": genre,
        "style": article(f"{listed(named)} style") if named else "",
        "instruments": played,
        "several_instruments": played if len(parts) > 1 else "",
        "key": facts.key_name or "",
        "bpm": draw.choice(facts.bpm_phrases) if facts.tempo else "",
    }


def _adjectives(facts: Facts, draw: random.Random) -> list[str]:
    words = facts.pace
    if facts.tempo and draw.random() < 0.6:
        words.append(draw.choice(facts.tempo[1]))
    return words + facts.moods[:1]


def _clauses(facts: Facts, draw: random.Random) -> list[tuple[str, str]]:
    """(topic, text) of the clauses on missing voices, tempo and key, in the order in which they follow the head."""
    voices = [("voices", draw.choice(["without vocals", "with no vocals"]))] if facts.instrumental else []
    measures = []
    if facts.tempo:
        measures.append(("bpm", f"at {draw.choice(facts.bpm_phrases)}"))
    if facts.key_name:
        measures.append(("key", draw.choice(["in {}", "in the key of {}"]).format(facts.key_name)))
    draw.shuffle(measures)
    return voices + measures
