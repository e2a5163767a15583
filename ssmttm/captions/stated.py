"""Tags as sources state them, sorted into genres and what else a caption may say.

Sources write genres, moods, instruments and uses into one list, and some without spaces
(`acousticguitar`). What is known as a mood or an instrument becomes a canonical tag; uses (`film`,
`christmas`) say nothing of the sound and are left out; any other word counts as a genre.
"""

import re
from collections.abc import Iterable

from ssmttm.captions.facts import INSTRUMENTS, MOODS, STATED_MOODS, VOICES
from ssmttm.captions.tags import SYNONYMS, contradict

_MOST_GENRES, _MOST_MOODS, _MOST_INSTRUMENTS = 2, 2, 4
_MOST_WORDS = 4

# fmt: off
_MEANINGLESS = frozenset({
    "other", "unknown", "misc", "miscellaneous", "none", "genre", "music", "song", "songs", "various", "default",
    "game", "free", "download", "cool", "fun", "sexy", "popular", "instrument", "computer", "sampler", "audio",
    "sound", "royaltyfree", "freemusic", "nocopyright", "nocopyrightmusic", "creativecommons", "video", "youtube",
    "official",
})
_USES = frozenset({
    "action", "adventure", "advertising", "background", "children", "christmas", "commercial", "corporate",
    "documentary", "drama", "film", "holiday", "horror", "love", "movie", "nature", "party", "retro", "soundscape",
    "space", "sport", "summer", "trailer", "travel", "backgroundmusic",
})
# fmt: on
_SPELLED = {
    "ambiental": "ambient",
    "alternativerock": "alternative rock",
    "bluesrock": "blues rock",
    "bossanova": "bossa nova",
    "classic": "classical",
    "classicrock": "classic rock",
    "darkambient": "dark ambient",
    "deephouse": "deep house",
    "drumnbass": "drum and bass",
    "easylistening": "easy listening",
    "hardrock": "hard rock",
    "heavymetal": "heavy metal",
    "hiphop": "hip hop",
    "jazzfunk": "jazz funk",
    "jazzfusion": "jazz fusion",
    "newage": "new age",
    "newwave": "new wave",
    "popfolk": "folk pop",
    "poprock": "pop rock",
    "postrock": "post rock",
    "punkrock": "punk rock",
    "rnb": "rhythm and blues",
    "rocknroll": "rock and roll",
    "synthpop": "synth pop",
    "triphop": "trip hop",
    "worldfusion": "world fusion",
}
_CANONICAL = {
    **{word.replace(" ", ""): word for word in (*INSTRUMENTS, *STATED_MOODS, *VOICES)},
    **{word.replace(" ", ""): tag for word, tag in SYNONYMS.items() if tag in MOODS.keys() | INSTRUMENTS.keys()},
    **{word.replace(" ", ""): tag for word, tag in SYNONYMS.items() if tag in VOICES or tag == "instrumental"},
    **{word: word for word in ("soft", "quiet", "loud", "slow", "fast", "instrumental")},
    "acousticbassguitar": "bass",
    "bassguitar": "bass",
    "bell": "bells",
    "bongo": "bongos",
    "deep": "dark",
    "dream": "dreamy",
    "inspirational": "inspiring",
    "melancholy": "melancholic",
    "pad": "pads",
    "peaceful": "calm",
    "pipeorgan": "organ",
    "relaxed": "relaxing",
    "rhodes": "electric piano",
    "synthesizer": "synth",
    "synthesizers": "synth",
}
_WORDS = re.compile(r"[a-z][a-z&' -]{1,28}[a-z]")


def stated_genres(tags: Iterable[str] | None, artist: str | None) -> list[str]:
    """At most two genres, lower case, in the source's order.

    Whatever holds the artist's name, a number or an address is left out, and so are long phrases.
    """
    name = (artist or "").casefold().strip()
    kept: list[str] = []
    for word in _words(tags):
        plain = re.sub(r"[ -]", "", word)
        word = _SPELLED.get(plain, word)
        if plain in _CANONICAL or plain in _MEANINGLESS or plain in _USES or len(word.split()) > _MOST_WORDS:
            continue
        if word not in kept and not (name and (word in name or name in word)):
            kept.append(word)
    return kept[:_MOST_GENRES]


def stated_tags(tags: Iterable[str] | None) -> list[str]:
    """Canonical tags for moods, instruments and voices, in the source's order and without contradictions."""
    kept: list[str] = []
    left = {"mood": _MOST_MOODS, "instrument": _MOST_INSTRUMENTS}
    for word in _words(tags):
        tag = _CANONICAL.get(re.sub(r"[ -]", "", word))
        if tag is None or tag in kept or any(contradict(tag, other) for other in kept):
            continue
        kind = "mood" if tag in MOODS else "instrument" if tag in INSTRUMENTS else None
        if kind and not left[kind]:
            continue
        if kind:
            left[kind] -= 1
        kept.append(tag)
    return kept


def _words(tags: Iterable[str] | None) -> Iterable[str]:
    for tag in tags or ():
        for part in re.split(r"[,;/|]", tag.casefold()):
            word = " ".join(part.split())
            if _WORDS.fullmatch(word):
                yield word
