"""From facts about a clip to one English caption: seeded, and nothing that is not a fact.

A caption is a head (one of `_HEADS`), which names genre, instruments and voices as far as known,
and clauses about tempo, key and sound, as many as fit. Wording varies with the seed.
"""

import random
from dataclasses import dataclass

FEWEST_WORDS, MOST_WORDS = 8, 30

_KEY_STRENGTH = 0.7
_TEMPO_CONFIDENCE = 1.0

# fmt: off
GENRES = frozenset({
    "classical", "techno", "electronic", "rock", "ambient", "indian", "opera", "pop", "new age", "dance", "country",
    "metal",
})
# fmt: on
INSTRUMENTS = {
    "guitar": "guitar",
    "strings": "strings",
    "drums": "drums",
    "piano": "piano",
    "violin": "violin",
    "synth": "synthesizers",
    "harpsichord": "harpsichord",
    "flute": "flute",
    "sitar": "sitar",
    "harp": "harp",
    "cello": "cello",
    "beat": "a steady beat",
}
_VOICES = {"vocal": "vocals", "female vocal": "female vocals", "male vocal": "male vocals", "choir": "a choir"}
_MOODS = {"loud": "loud", "quiet": "quiet", "soft": "soft", "weird": "strange", "solo": "solo"}
_TEMPOS = (
    (76.0, "slow", ("slow", "slow-paced", "unhurried")),
    (108.0, "medium", ("mid-tempo", "moderately paced")),
    (136.0, "medium", ("brisk", "lively-paced")),
    (float("inf"), "fast", ("fast", "fast-paced", "rapid")),
)


@dataclass(frozen=True)
class Facts:
    """Everything a caption may mention."""

    seconds: float
    tags: tuple[str, ...] = ()
    """Canonical tags of `ssmttm.captions.tags`, likeliest first."""
    source_tags: tuple[str, ...] = ()
    """Genres as the source states them."""
    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    key: str | None = None
    scale: str | None = None
    key_strength: float = 0.0
    danceability: float | None = None
    dynamic_complexity_db: float | None = None
    onset_rate_hz: float | None = None
    spectral_centroid_hz: float | None = None


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
        length = _count(text)
        if about in spoken or (about != "voices" and length >= wanted):
            continue
        if length + _count(clause) <= MOST_WORDS:
            text += f" {clause}"
    qualities = _qualities(facts)
    choice.shuffle(qualities)
    said: list[str] = []
    for wordings in qualities[:2]:
        quality = choice.choice(wordings)
        if _count(text) + _count(" and ".join([*said, quality])) < wanted:
            said.append(quality)
    if said:
        text += f", with {_join(said)}"
    if _count(text) < FEWEST_WORDS:
        text += f", which is heard here for about {facts.seconds:.0f} seconds"
    return text[0].upper() + text[1:] + "."


def tempo_class(facts: Facts) -> tuple[str, tuple[str, ...]] | None:
    """`slow`, `medium` or `fast` with its words; None unless the tempo is confident."""
    if facts.tempo_bpm is None or facts.tempo_confidence < _TEMPO_CONFIDENCE:
        return None
    return next((name, words) for limit, name, words in _TEMPOS if facts.tempo_bpm < limit)


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
    genres = list(dict.fromkeys([*facts.source_tags, *(t for t in facts.tags if t in GENRES)]))[:2]
    instruments = [INSTRUMENTS[t] for t in facts.tags if t in INSTRUMENTS][:3]
    voices = [_VOICES[t] for t in facts.tags if t in _VOICES][:2]
    parts = instruments + voices
    adjectives = _adjectives(facts, choice)
    genre = " ".join(genres)
    nouns = ["piece", "track", "piece of music"] + ([] if voices else ["tune"])
    instrumental = "instrumental" in facts.tags and choice.random() < 0.6
    described = " ".join(filter(None, [", ".join(adjectives), genre]))
    noun = "instrumental" if instrumental and choice.random() < 0.5 else choice.choice(nouns)
    thing = _article(f"{described} {'instrumental ' if instrumental and noun != 'instrumental' else ''}{noun}".strip())
    listed = _join(parts) if parts else ""
    return {
        "thing": thing,
        "adjectives": ", ".join(adjectives),
        "genre": genre,
        "style": _article(f"{_join(genres)} style") if genres else "",
        "instruments": listed,
        "Instruments": listed,
        "several_instruments": listed if len(parts) > 1 else "",
        "key": _key(facts) or "",
        "bpm": _bpm(facts, choice) if tempo_class(facts) else "",
    }


def _adjectives(facts: Facts, choice: random.Random) -> list[str]:
    found = []
    tempo = tempo_class(facts)
    if tempo:
        if choice.random() < 0.6:
            found.append(choice.choice(tempo[1]))
    else:
        found += [t for t in facts.tags if t in ("slow", "fast")][:1]
    players = sum(t in INSTRUMENTS or t in _VOICES for t in facts.tags)
    moods = [_MOODS[t] for t in facts.tags if t in _MOODS and not (t == "solo" and players > 1)]
    return found + moods[:1]


def _clauses(facts: Facts, choice: random.Random) -> list[tuple[str, str]]:
    """(topic, text) of the clauses on missing voices, tempo and key, in the order in which they follow the head."""
    found: list[tuple[str, str]] = []
    if "instrumental" in facts.tags:
        found.append(("voices", choice.choice(["without vocals", "with no vocals"])))
    measures = []
    if tempo_class(facts):
        measures.append(("bpm", f"at {_bpm(facts, choice)}"))
    if _key(facts):
        measures.append(("key", choice.choice(["in {}", "in the key of {}"]).format(_key(facts))))
    choice.shuffle(measures)
    return found + measures


def _qualities(facts: Facts) -> list[tuple[str, str]]:
    """Two wordings each of what is unusual in the sound; the bounds leave out most of the default corpus."""
    found: list[tuple[str, str]] = []
    centroid = facts.spectral_centroid_hz or 0.0
    if 0 < centroid < 380:
        found.append(("a dark sound", "a deep, bass-heavy sound"))
    elif centroid > 1000:
        found.append(("a bright sound", "a crisp, bright sound"))
    onsets = facts.onset_rate_hz or 0.0
    if 0 < onsets < 2:
        found.append(("few notes", "sparse notes"))
    elif onsets > 6:
        found.append(("many quick notes", "a dense flow of notes"))
    dynamics = facts.dynamic_complexity_db or 0.0
    if 0 < dynamics < 1.5:
        found.append(("an even volume", "steady dynamics"))
    elif dynamics > 4.5:
        found.append(("large changes in volume", "wide dynamics"))
    if (facts.danceability or 0.0) > 1.75 and tempo_class(facts):
        found.append(("a danceable groove", "a rhythm to dance to"))
    return found


def _bpm(facts: Facts, choice: random.Random) -> str:
    return choice.choice(["about {:.0f} BPM", "around {:.0f} BPM", "{:.0f} beats per minute"]).format(facts.tempo_bpm)


def _key(facts: Facts) -> str | None:
    if not facts.key or not facts.scale or facts.key_strength < _KEY_STRENGTH:
        return None
    note = facts.key.replace("#", " sharp")
    if len(note) == 2 and note[1] == "b":
        note = f"{note[0]} flat"
    return f"{note} {facts.scale}"


def _join(items: list[str]) -> str:
    return items[0] if len(items) == 1 else " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _article(phrase: str) -> str:
    vowel = phrase[0] in "aeiou" and not phrase.startswith(("uk ", "us ", "uni", "eu"))  # as they sound
    return f"{'an' if vowel else 'a'} {phrase}"


def _count(text: str) -> int:
    return len(text.split())
