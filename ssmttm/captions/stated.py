"""Tags as sources state them, sorted into genres and what else a caption may say.

Sources write genres, moods, instruments and uses into one list, and some without spaces
(`acousticguitar`), or two as one (`instrumentalpop`). What is known as a mood or an instrument becomes a
canonical tag; uses (`film`, `christmas`) say nothing of the sound and are left out, as are tempo and loudness,
which are measured; any other word counts as a genre.
"""

import re
from collections.abc import Iterable

from ssmttm.captions.tags import SYNONYMS, contradict
from ssmttm.captions.vocabulary import INSTRUMENTS, MOODS, VOICES, WORDS

_MOST_GENRES, _MOST_MOODS, _MOST_INSTRUMENTS = 2, 2, 4
_MOST_WORDS = 4

_CANONICAL: dict[str, str] = {
    **{word.replace(" ", ""): word for word in (*INSTRUMENTS, *MOODS, *VOICES)},
    **{
        word.replace(" ", ""): tag
        for word, tag in SYNONYMS.items()
        if tag in {*MOODS, *INSTRUMENTS, *VOICES, "instrumental"}
    },
    "instrumental": "instrumental",
    **WORDS["canonical"],
}
_NO_GENRES = {*_CANONICAL, *WORDS["meaningless"], *WORDS["uses"], *WORDS["unsaid"]}
_WORDS = re.compile(r"[a-z][a-z&' -]{1,28}[a-z]")


def stated_genres(tags: Iterable[str] | None, artist: str | None) -> list[str]:
    """At most two genres, lower case, in the source's order and without contradictions.

    Whatever holds the artist's name, a number or an address is left out, and so are long phrases.
    """
    name = (artist or "").casefold().strip()
    kept: list[str] = []
    for word in _words(tags):
        plain = re.sub(r"[ -]", "", word)
        word = WORDS["spelled"].get(plain, word)
        if plain in _NO_GENRES or len(word.split()) > _MOST_WORDS:
            continue
        said = word in kept or any(contradict(word, other) for other in kept)
        if not said and not (name and (word in name or name in word)):
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
        if kind:
            left[kind] -= 1
        if not kind or left[kind] >= 0:
            kept.append(tag)
    return kept


def _words(tags: Iterable[str] | None) -> Iterable[str]:
    for tag in tags or ():
        for part in re.split(r"[,;/|]", tag.casefold()):
            word = " ".join(part.split())
            if _WORDS.fullmatch(word):
                yield from WORDS["run_together"].get(re.sub(r"[ -]", "", word), (word,))
