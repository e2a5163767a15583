"""Who made a track: spellings of one artist, collaborators, and the groups that no split may part."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from scipy.cluster.hierarchy import DisjointSet

from ssmttm.errors import UserError

_UNKNOWN = "unknown artist"
_LONGEST = 500
"""Characters of a name that are looked at."""
_FEATURING = re.compile(r"[\s(\[,]+(?:feat|ft|featuring)\b\.?.*$", re.IGNORECASE | re.DOTALL)
_AND = r"[,;/&+×]|(?<=\s)(?:and|with|vs\.?|versus|x|feat\.?|ft\.?|featuring)(?=\s)"
_LISTED = re.compile(_AND, re.IGNORECASE)
_BETWEEN = re.compile(rf"{_AND}|[()\[\]]|(?<=[(\[])(?:feat|ft)\b\.?", re.IGNORECASE)
_QUOTED = re.compile(r"""["“”„«»]([^"“”„«»]+)["“”„«»]|(?<!\w)['‘‚]([^'‘’]+)['’](?!\w)""")
_ASIDE = re.compile(rf"{_QUOTED.pattern}|\([^()]*\)|\[[^\[\]]*\]")


@lru_cache(maxsize=100_000)
def normalize_artist(name: str | None) -> str:
    """The key under which an artist's spellings meet: no case, accents, punctuation, guests, "the".

    >>> normalize_artist("The Beyoncé feat. Jay-Z")
    'beyonce'

    Tracks without a named artist share one key, so that they can't fall into different splits.
    """
    text = _FEATURING.sub("", (name or "")[:_LONGEST])
    text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c))
    # Apostrophes join ("Guns N' Roses"), any other punctuation separates ("J.S. Bach").
    text = re.sub(r"['’`]", "", text)
    words = re.sub(r"[^\w]|_", " ", text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return " ".join(words) or _UNKNOWN


def collaborators(name: str | None) -> list[str]:
    """The keys of those who may have made a track together, if the name lists several; else nothing.

    >>> collaborators("Ada & The Bobs feat. Cleo")
    ['ada', 'bobs', 'cleo']

    "Earth, Wind & Fire" lists three as well: whether they are artists is not for the name to say.
    """
    parts = [normalize_artist(part) for part in _BETWEEN.split(unicodedata.normalize("NFKC", (name or "")[:_LONGEST]))]
    named = [part for part in parts if part != _UNKNOWN]
    return named if len(named) > 1 else []


def _without_nickname(name: str | None) -> str:
    """The key of a name without what stands in quotes or brackets; the whole name's if nothing else is there."""
    key = normalize_artist(_ASIDE.sub(" ", (name or "")[:_LONGEST]))
    return normalize_artist(name) if key == _UNKNOWN else key


def _mentioned(name: str | None) -> set[str]:
    """The keys of all who may be meant by a name: collaborators, each with and without a nickname, and nicknames."""
    text = unicodedata.normalize("NFKC", (name or "")[:_LONGEST])
    nicknames = [normalize_artist(one or other) for one, other in _QUOTED.findall(text)]
    return {*collaborators(text), *map(_without_nickname, _LISTED.split(text)), *nicknames}


def split_units(artists: Mapping[str, str | None], duplicates: Mapping[str, str]) -> dict[str, str]:
    """For each track the normalized name of the artist as which it is split, given each track's artist.

    Artists who share tracks are one unit, called by the alphabetically first name: "Ada & Bob" goes
    with "Ada" and with "Bob" where these have tracks of their own. So do 'Ada "Dot" Byte', "Ada (Dot) Byte",
    "Ada Byte" and a plain "Dot", and two names under which one recording was found, from `duplicates`
    (track: the one that is kept). Tracks of unnamed artists join nothing.
    """
    names = {track: normalize_artist(artist) for track, artist in artists.items()}
    groups = DisjointSet(names.values())
    known: dict[str, str] = {}  # a spelling of an artist: one who is spelled so
    for credit in artists.values():
        name = normalize_artist(credit)
        if name != _UNKNOWN:
            for spelling in (name, _without_nickname(credit)):
                groups.merge(name, known.setdefault(spelling, name))
    for credit in set(artists.values()):
        for part in known.keys() & _mentioned(credit):
            groups.merge(normalize_artist(credit), known[part])
    for track, kept in duplicates.items():
        if _UNKNOWN not in (names[track], names[kept]):
            groups.merge(names[track], names[kept])
    units = {name: min(group) for group in groups.subsets() for name in group}
    return {track: units[name] for track, name in names.items()}


def units_of(
    names: Iterable[str], artists: Mapping[str, str | None], units: Mapping[str, str], setting: str
) -> set[str]:
    """The units of the artists called `names`, in any spelling.

    Raises UserError for a name that is no artist's, which stands in `setting`.
    """
    known: dict[str, set[str]] = {}
    for track, credit in artists.items():
        for spelling in {normalize_artist(credit), _without_nickname(credit)}:
            known.setdefault(spelling, set()).add(units[track])
    found: set[str] = set()
    for name in names:
        matches = known.get(normalize_artist(name), set()) | known.get(_without_nickname(name), set())
        if not matches:
            raise UserError(f"{setting}: no track is by {name!r}; spell it as licensed.parquet does")
        found |= matches
    return found
