"""What a caption may say of a clip, and what each fact is called.

A fact that is uncertain is left out here, once for all styles: a tempo or a key that estimators don't
agree on. How loud the music is can't be heard, since all clips have one loudness; how it changes can.
"""

from dataclasses import dataclass

from ssmttm.captions.vocabulary import GENRES, INSTRUMENTS, MOODS, VOICES, WORDS

_KEY_STRENGTH = 0.8
_TEMPO_CONFIDENCE = 1.0
_TEMPO_RANGE = 72.0, 168.0
"""BPM: slower and faster, estimators that agree are often off by an octave together."""

_TREND_DB = 3.0

TEMPOS = (
    (84.0, "slow", ("slow", "slow-paced", "unhurried")),
    (108.0, "medium", ("mid-tempo", "moderately paced")),
    (136.0, "medium", ("brisk", "lively-paced")),
    (float("inf"), "fast", ("fast", "fast-paced", "rapid")),
)
"""(upper bound in BPM, class, what a piece of that tempo is called)."""


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
    dynamic_complexity_db: float | None = None
    trend_db: float | None = None
    onset_rate_hz: float | None = None
    spectral_centroid_hz: float | None = None
    bass: float | None = None
    flatness: float | None = None

    @property
    def tempo(self) -> tuple[str, tuple[str, ...]] | None:
        """`slow`, `medium` or `fast` with its words; None unless the tempo is certain."""
        low, high = _TEMPO_RANGE
        if self.tempo_bpm is None or self.tempo_confidence < _TEMPO_CONFIDENCE or not low <= self.tempo_bpm <= high:
            return None
        return next((name, words) for limit, name, words in TEMPOS if self.tempo_bpm < limit)

    @property
    def bpm_phrases(self) -> tuple[str, ...]:
        """Ways to name a confident tempo."""
        bpm = f"{self.tempo_bpm:.0f}"
        return f"about {bpm} BPM", f"around {bpm} BPM", f"{bpm} beats per minute"

    @property
    def key_name(self) -> str | None:
        """`F sharp minor`; None unless the key is clear."""
        if not self.key or not self.scale or self.key_strength < _KEY_STRENGTH:
            return None
        note = self.key.replace("#", " sharp")
        return f"{f'{note[0]} flat' if note[1:] == 'b' else note} {self.scale}"

    @property
    def instrumental(self) -> bool:
        """Whether nobody sings."""
        return "instrumental" in self.tags

    @property
    def genres(self) -> list[str]:
        """At most two genres, the source's first."""
        named = dict.fromkeys([*self.source_tags, *(t for t in self.tags if t in GENRES)])
        return ["Indian" if t == "indian" else t for t in named][:2]

    @property
    def instruments(self) -> list[str]:
        """What the instruments are called; of a general one and its kind, the kind."""
        played = [t for t in self.tags if t in INSTRUMENTS]
        return [INSTRUMENTS[t] for t in played if not any(kind in played for kind in WORDS["kinds"].get(t, ()))]

    @property
    def voices(self) -> list[str]:
        """What the voices are called, at most two; nothing general beside a kind of voice."""
        sung = [t for t in self.tags if t in VOICES]
        return [VOICES[t] for t in sung if t != "vocal" or len(sung) == 1][:2]

    @property
    def moods(self) -> list[str]:
        """Adjectives of mood, as sources state them."""
        return [t for t in self.tags if t in MOODS]

    @property
    def qualities(self) -> list[str]:
        """What was measured of the sound: for each of brightness, bass, noise, notes and volume at most one word.

        `neutral`, `steady notes` and `some dynamics` are the middle. The bounds leave about a quarter of the
        clips of preset debian on each side of it. A source that calls the music dark is not contradicted.
        """
        tone = _grade(self.spectral_centroid_hz, 530, 1240, ("dark", "neutral", "bright"))
        if "dark" in self.tags and tone != ["dark"]:
            tone = []
        bass = _grade(self.bass, 0.25, 0.75, ("thin", "", "bass-heavy"))
        noise = _grade(self.flatness, 0.005, 0.1, ("pure", "", "noisy"))
        notes = _grade(self.onset_rate_hz, 3.2, 4.8, ("sparse", "steady notes", "dense"))
        volume = _grade(self.dynamic_complexity_db, 1.4, 2.7, ("even", "some dynamics", "wide"))
        if abs(self.trend_db or 0.0) > _TREND_DB:
            volume = ["rising" if (self.trend_db or 0.0) > 0 else "fading"]
        return [quality for quality in (*tone, *bass, *noise, *notes, *volume) if quality]

    def describe(self) -> list[tuple[str, str]]:
        """(topic, text) of everything that is known, for a reader who writes a caption from it."""
        topics = {
            "genre": ", ".join(self.genres),
            "mood": ", ".join(self.moods),
            "instruments": ", ".join(self.instruments),
            "voices": ", ".join(self.voices) or ("none: instrumental" if self.instrumental else ""),
            "tempo": f"{self.tempo_bpm:.0f} BPM, {self.tempo[1][0]}" if self.tempo else "",
            "key": self.key_name or "",
            "sound": ", ".join(WORDS["qualities"][q] for q in self.qualities),
        }
        return [(topic, text) for topic, text in topics.items() if text]


def _grade(value: float | None, low: float, high: float, names: tuple[str, str, str]) -> list[str]:
    """The name of a positive value below, between or above two bounds; nothing for what was not measured."""
    if not value or value <= 0:
        return []
    return [names[0] if value < low else names[2] if value > high else names[1]]
