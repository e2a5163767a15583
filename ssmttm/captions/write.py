"""From facts about a clip to one English caption: seeded, and nothing that is not a fact.

A caption is a head (one of `_HEADS`), which names genre, instruments and voices as far as known,
and clauses about tempo, key and sound, as many as fit. Wording varies with the seed.
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

FEWEST_WORDS, MOST_WORDS = 8, 30

_QUALITIES = {
    "dark": ("a dark sound", "a deep, bass-heavy sound"),
    "bright": ("a bright sound", "a crisp, bright sound"),
    "sparse": ("few notes", "sparse notes"),
    "dense": ("many quick notes", "a dense flow of notes"),
    "even": ("an even volume", "steady dynamics"),
    "wide": ("large changes in volume", "wide dynamics"),
    "danceable": ("a danceable groove", "a rhythm to dance to"),
}
"""Two wordings of each quality that a short caption names: those that are unusual."""


def write_caption(facts: Facts, seed: int) -> str:
    """One caption of 8 to 30 words; the same facts and seed give the same caption."""
    choice = random.Random(seed)
    words = _vocabulary(facts, choice)
    heads = [h for h in _HEADS if all(words.get(slot) for slot in _slots(h))]
    # A head with more slots says more: prefer those that use the instruments when they are known.
    richer = [h for h in heads if "instruments" in h or "Instruments" in h]
    head = choice.choice(richer or heads)
    text = head.format(**words)
    spoken = set(_slots(head)) | ({"voices"} if "instrumental" in text else set())
    wanted = choice.randint(11, 22)
    for about, clause in _clauses(facts, choice):
        length = count(text)
        if about in spoken or (about != "voices" and length >= wanted):
            continue
        if length + count(clause) <= MOST_WORDS:
            text += f" {clause}"
    unusual = [_QUALITIES[q] for q in qualities(facts) if q in _QUALITIES]
    choice.shuffle(unusual)
    said: list[str] = []
    for wordings in unusual[:2]:
        quality = choice.choice(wordings)
        if count(text) + count(" and ".join([*said, quality])) < wanted:
            said.append(quality)
    if said:
        text += f", with {join(said)}"
    if count(text) < FEWEST_WORDS:
        text += f", which is heard here for about {facts.seconds:.0f} seconds"
    return text[0].upper() + text[1:] + "."


# Slots in capitals start a sentence. `thing` is a noun with its adjectives and article.
_HEADS = (
    "{thing} with {instruments}",
    "{thing} featuring {instruments}",
    "{thing} built around {instruments}",
    "{thing} that combines {several_instruments}",
    "this is {thing} with {instruments}",
    "{Instruments} in {thing}",
    "{Instruments} can be heard in {thing}",
    "a recording of {thing} with {instruments}",
    "in {key}: {thing} with {instruments}",
    "at {bpm}, {thing} with {instruments}",
    "{adjectives} music, with {instruments}",
    "{genre} music with {instruments}",
    "an arrangement for {instruments} in {style}",
    "{thing}",
    "this is {thing}",
    "music in {style}",
    "an excerpt from {thing}",
    "a recording of {thing}",
    "in {key}: {thing}",
    "at {bpm}, {thing}",
)


def _slots(head: str) -> list[str]:
    return [part.split("}")[0] for part in head.split("{")[1:]]


def _vocabulary(facts: Facts, choice: random.Random) -> dict[str, str]:
    """What each slot of a head says; empty when unknown."""
    named, heard = genres(facts), voices(facts)
    parts = instruments(facts)[:3] + heard
    adjectives = _adjectives(facts, choice)
    genre = " ".join(named)
    nouns = ["piece", "track", "piece of music"] + ([] if heard else ["tune"])
    instrumental = "instrumental" in facts.tags and choice.random() < 0.6
    described = " ".join(filter(None, [", ".join(adjectives), genre]))
    noun = "instrumental" if instrumental and choice.random() < 0.5 else choice.choice(nouns)
    thing = article(f"{described} {'instrumental ' if instrumental and noun != 'instrumental' else ''}{noun}".strip())
    listed = join(parts) if parts else ""
    return {
        "thing": thing,
        "adjectives": ", ".join(adjectives),
        "genre": genre,
        "style": article(f"{join(named)} style") if named else "",
        "instruments": listed,
        "Instruments": listed,
        "several_instruments": listed if len(parts) > 1 else "",
        "key": key_name(facts) or "",
        "bpm": choice.choice(bpm_phrases(facts)) if tempo_class(facts) else "",
    }


def _adjectives(facts: Facts, choice: random.Random) -> list[str]:
    found = pace(facts)
    tempo = tempo_class(facts)
    if tempo and choice.random() < 0.6:
        found.append(choice.choice(tempo[1]))
    return found + moods(facts)[:1]


def _clauses(facts: Facts, choice: random.Random) -> list[tuple[str, str]]:
    """(topic, text) of the clauses on missing voices, tempo and key, in the order in which they follow the head."""
    found: list[tuple[str, str]] = []
    if "instrumental" in facts.tags:
        found.append(("voices", choice.choice(["without vocals", "with no vocals"])))
    measures = []
    if tempo_class(facts):
        measures.append(("bpm", f"at {choice.choice(bpm_phrases(facts))}"))
    if key_name(facts):
        measures.append(("key", choice.choice(["in {}", "in the key of {}"]).format(key_name(facts))))
    choice.shuffle(measures)
    return found + measures
