"""What a caption may say of a clip, and what each fact is called.

A fact that is uncertain is left out here, once for all styles: a tempo that two estimators don't
agree on, a weak key.
"""

from dataclasses import dataclass

_KEY_STRENGTH = 0.7
_TEMPO_CONFIDENCE = 1.0

# fmt: off
GENRES = frozenset({
    "classical", "techno", "electronic", "rock", "ambient", "indian", "opera", "pop", "new age", "dance", "country",
    "metal",
})
# fmt: on
"""Those that the tagger knows."""
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
    # Those below are only ever stated by a source; the tagger doesn't know them.
    "accordion": "accordion",
    "acoustic guitar": "acoustic guitar",
    "bass": "bass",
    "bells": "bells",
    "bongos": "bongos",
    "brass": "brass",
    "clarinet": "clarinet",
    "classical guitar": "classical guitar",
    "double bass": "double bass",
    "drum machine": "a drum machine",
    "electric guitar": "electric guitar",
    "electric piano": "electric piano",
    "harmonica": "harmonica",
    "horn": "horn",
    "keyboard": "keyboard",
    "oboe": "oboe",
    "orchestra": "an orchestra",
    "organ": "organ",
    "pads": "synthesizer pads",
    "percussion": "percussion",
    "saxophone": "saxophone",
    "trombone": "trombone",
    "trumpet": "trumpet",
    "viola": "viola",
}
VOICES = {"vocal": "vocals", "female vocal": "female vocals", "male vocal": "male vocals", "choir": "a choir"}
_HEARD_MOODS = {"loud": "loud", "quiet": "quiet", "soft": "soft", "weird": "strange", "solo": "solo"}
STATED_MOODS = (
    *("calm", "dark", "dramatic", "dreamy", "emotional", "energetic", "epic", "funny", "groovy", "happy", "heavy"),
    *("hopeful", "inspiring", "meditative", "melancholic", "mellow", "melodic", "motivational", "positive"),
    *("powerful", "relaxing", "romantic", "sad", "upbeat", "uplifting"),
)
MOODS = _HEARD_MOODS | {mood: mood for mood in STATED_MOODS}

TEMPOS = (
    (76.0, "slow", ("slow", "slow-paced", "unhurried")),
    (108.0, "medium", ("mid-tempo", "moderately paced")),
    (136.0, "medium", ("brisk", "lively-paced")),
    (float("inf"), "fast", ("fast", "fast-paced", "rapid")),
)
"""(upper bound in BPM, class, what a piece of that tempo is called)."""

_MORE_GENERAL = {
    "guitar": ("acoustic guitar", "classical guitar", "electric guitar"),
    "piano": ("electric piano",),
    "bass": ("double bass",),
    "synth": ("pads",),
}


@dataclass(frozen=True)
class Facts:
    """Everything a caption may mention."""

    seconds: float
    tags: tuple[str, ...] = ()
    """Canonical tags of `ssmttm.captions.tags`: what the source states, then what is heard, likeliest first."""
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


def tempo_class(facts: Facts) -> tuple[str, tuple[str, ...]] | None:
    """`slow`, `medium` or `fast` with its words; None unless the tempo is confident."""
    if facts.tempo_bpm is None or facts.tempo_confidence < _TEMPO_CONFIDENCE:
        return None
    return next((name, words) for limit, name, words in TEMPOS if facts.tempo_bpm < limit)


def bpm_phrases(facts: Facts) -> tuple[str, ...]:
    """Wordings of a tempo that `tempo_class` knows."""
    return (
        f"about {facts.tempo_bpm:.0f} BPM",
        f"around {facts.tempo_bpm:.0f} BPM",
        f"{facts.tempo_bpm:.0f} beats per minute",
    )


def key_name(facts: Facts) -> str | None:
    """`F sharp minor`; None unless the key is clear."""
    if not facts.key or not facts.scale or facts.key_strength < _KEY_STRENGTH:
        return None
    note = facts.key.replace("#", " sharp")
    if len(note) == 2 and note[1] == "b":
        note = f"{note[0]} flat"
    return f"{note} {facts.scale}"


def genres(facts: Facts) -> list[str]:
    """At most two genres, the source's first."""
    named = dict.fromkeys([*facts.source_tags, *(t for t in facts.tags if t in GENRES)])
    return ["Indian" if t == "indian" else t for t in named][:2]


def instruments(facts: Facts) -> list[str]:
    """What the instruments are called; of a general one and its kind, the kind."""
    played = [t for t in facts.tags if t in INSTRUMENTS]
    kinds = [t for t in played if not any(kind in played for kind in _MORE_GENERAL.get(t, ()))]
    return [INSTRUMENTS[t] for t in kinds]


def voices(facts: Facts) -> list[str]:
    """What the voices are called, at most two; nothing general beside a kind of voice."""
    sung = [t for t in facts.tags if t in VOICES]
    return [VOICES[t] for t in sung if t != "vocal" or len(sung) == 1][:2]


def moods(facts: Facts) -> list[str]:
    """Adjectives of mood and loudness. A solo of several players is none."""
    players = sum(t in INSTRUMENTS or t in VOICES for t in facts.tags)
    return [MOODS[t] for t in facts.tags if t in MOODS and not (t == "solo" and players > 1)]


def pace(facts: Facts) -> list[str]:
    """`slow` or `fast` as a tag says, where no measured tempo overrules it."""
    return [] if tempo_class(facts) else [t for t in facts.tags if t in ("slow", "fast")][:1]


def qualities(facts: Facts) -> list[str]:
    """What was measured of the sound: for each of brightness, notes and volume one word, and `danceable`.

    `neutral`, `steady notes` and `some dynamics` are the middle; the bounds leave most of the default
    corpus there. A source that calls the music dark is not contradicted.
    """
    found: list[str] = []
    centroid = facts.spectral_centroid_hz or 0.0
    if centroid > 0:
        tone = "dark" if centroid < 380 else "bright" if centroid > 1000 else "neutral"
        if tone == "dark" or "dark" not in facts.tags:
            found.append(tone)
    onsets = facts.onset_rate_hz or 0.0
    if onsets > 0:
        found.append("sparse" if onsets < 2 else "dense" if onsets > 6 else "steady notes")
    dynamics = facts.dynamic_complexity_db or 0.0
    if dynamics > 0:
        found.append("even" if dynamics < 1.5 else "wide" if dynamics > 4.5 else "some dynamics")
    if (facts.danceability or 0.0) > 1.75 and tempo_class(facts):
        found.append("danceable")
    return found


def describe(facts: Facts) -> list[tuple[str, str]]:
    """(topic, text) of everything that is known, for a reader who writes a caption from it."""
    tempo, key = tempo_class(facts), key_name(facts)
    found = [
        ("genre", ", ".join(genres(facts))),
        ("mood", ", ".join([*moods(facts), *pace(facts)])),
        ("instruments", ", ".join(instruments(facts))),
        ("voices", ", ".join(voices(facts)) or ("none: instrumental" if "instrumental" in facts.tags else "")),
        ("tempo", f"{facts.tempo_bpm:.0f} BPM, {tempo[1][0]}" if tempo else ""),
        ("key", key or ""),
        ("sound", ", ".join(DESCRIPTIONS[q] for q in qualities(facts))),
    ]
    return [(topic, text) for topic, text in found if text]


DESCRIPTIONS = {
    "dark": "dark sound",
    "bright": "bright sound",
    "neutral": "neither dark nor bright",
    "sparse": "sparse notes",
    "dense": "dense notes",
    "steady notes": "neither sparse nor dense",
    "even": "steady volume",
    "wide": "wide dynamics",
    "some dynamics": "some changes in volume",
    "danceable": "danceable",
}
"""The qualities in a few words."""


def join(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`; nothing for nothing."""
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def article(phrase: str) -> str:
    """The phrase after `a` or `an`, as it sounds."""
    vowel = phrase[0] in "aeiouAEIOU" and not phrase.startswith(("uk ", "us ", "uni", "eu"))
    return f"{'an' if vowel else 'a'} {phrase}"


def count(text: str) -> int:
    """How many words a caption has."""
    return len(text.split())
