"""Artist-disjoint train, validation and test splits, fixed by a hash of the artist's name."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ssmttm.errors import UserError
from ssmttm.seeds import stable_fraction

SPLITS = ("train", "validation", "test")

_FEATURING = re.compile(r"[\s(\[,]+(?:feat|ft|featuring)\b\.?.*$", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=100_000)
def normalize_artist(name: str | None) -> str:
    """The key under which an artist's spellings meet: no case, accents, punctuation, guests, "the".

    >>> normalize_artist("The Beyoncé feat. Jay-Z")
    'beyonce'

    Tracks without a named artist share one key, so that they can't fall into different splits.
    """
    text = _FEATURING.sub("", name or "")
    text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c))
    # Apostrophes join ("Guns N' Roses"), any other punctuation separates ("J.S. Bach").
    text = re.sub(r"['’`]", "", text)
    words = re.sub(r"[^\w]|_", " ", text).split()
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return " ".join(words) or "unknown artist"


def split_of(artist: str, salt: str, validation: float, test: float) -> str:
    """The split of a normalized artist: a share `test`, then `validation`, and the rest train."""
    fraction = stable_fraction("split", salt, artist)
    if fraction < test:
        return "test"
    return "validation" if fraction < test + validation else "train"


def assign(
    clips: Iterable[tuple[str, str]], artists: Mapping[str, str | None], salt: str, validation: float, test: float
) -> list[dict[str, str]]:
    """Rows of the `splits` table for (clip_id, track_id) pairs, given each track's artist.

    Raises UserError when a split stays empty, naming it and the remedy, and when a clip's track
    is not among `artists`.
    """
    rows = []
    for clip_id, track_id in clips:
        if track_id not in artists:
            raise UserError(
                f"clip {clip_id}: its track {track_id} is not among the licensed ones; "
                "the clips belong to another data set, so make them anew"
            )
        artist = normalize_artist(artists[track_id])
        split = split_of(artist, salt, validation, test)
        rows.append({"clip_id": clip_id, "track_id": track_id, "artist": artist, "split": split})
    empty = [s for s in SPLITS if not any(row["split"] == s for row in rows)]
    if empty:
        names = sorted({row["artist"] for row in rows})
        raise UserError(
            f"data.split: no clip falls into {' and '.join(empty)}: there are {len(names)} artists "
            f"({', '.join(names[:8])}{', …' if len(names) > 8 else ''}) and each goes to one split by its hash; "
            "change data.split.salt or the shares data.split.validation and data.split.test, or add music"
        )
    return rows
