"""Tags of a clip: what musicnn hears and what the source states, cleaned of contradictions."""

import re
from collections.abc import Iterable, Mapping

import numpy as np

from ssmttm.audio import resample
from ssmttm.pretrained.musicnn import PATCH, SAMPLE_RATE, TAGS, load_musicnn

_SYNONYMS = {
    "classic": "classical",
    "beats": "beat",
    **dict.fromkeys(("vocals", "singing", "voice"), "vocal"),
    **dict.fromkeys(("female", "woman", "female voice"), "female vocal"),
    **dict.fromkeys(("male", "man", "male voice"), "male vocal"),
    **dict.fromkeys(("no vocals", "no vocal", "no voice"), "instrumental"),
    "choral": "choir",
}

VOCAL = ("vocal", "female vocal", "male vocal", "choir", "opera")

_CONTRADICTIONS = (
    ({"instrumental"}, set(VOCAL)),
    ({"slow"}, {"fast"}),
    ({"loud"}, {"quiet", "soft"}),
    ({"female vocal"}, {"male vocal"}),
    ({"solo"}, {"choir", "strings"}),
    ({"ambient", "new age"}, {"metal", "rock", "techno"}),
    ({"classical", "opera"}, {"techno", "metal", "electronic", "pop", "rock", "dance"}),
)

_MEANINGLESS = {"other", "unknown", "misc", "miscellaneous", "none", "genre", "music", "various", "default", "game"}
_WORDS = re.compile(r"[a-z][a-z&' -]{1,28}[a-z]")


def hear(wave: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Probability of each of musicnn's 50 tags for mono samples [n], mean over windows of 3 s."""
    posterior = load_musicnn().analyze(resample(wave, sample_rate, SAMPLE_RATE), PATCH).posterior.mean(0)
    return dict(zip(TAGS, map(float, posterior)))


def choose(probabilities: Mapping[str, float], most: int, threshold: float) -> list[str]:
    """At most `most` tags of at least `threshold`, likeliest first.

    Synonyms count as one tag with their highest probability; of two contradicting tags the
    likelier stays. The bare tag `vocal` goes when the kind of voice is known.
    """
    merged: dict[str, float] = {}
    for tag, probability in probabilities.items():
        name = _SYNONYMS.get(tag, tag)
        merged[name] = max(merged.get(name, 0.0), probability)
    ranked = sorted((t for t, p in merged.items() if p >= threshold), key=lambda t: (-merged[t], t))
    kept: list[str] = []
    for tag in ranked:
        if not any(contradict(tag, other) for other in kept):
            kept.append(tag)
    if any(t in kept for t in VOCAL[1:]):
        kept = [t for t in kept if t != "vocal"]
    return kept[:most]


def contradict(a: str, b: str) -> bool:
    """Whether two canonical tags can't both be true of a clip."""
    return any((a in x and b in y) or (a in y and b in x) for x, y in _CONTRADICTIONS)


def from_source(tags: Iterable[str] | None, artist: str | None) -> list[str]:
    """At most two genre tags as the source states them, lower case.

    Whatever holds the artist's name, a number or an address is left out.
    """
    name = (artist or "").casefold().strip()
    kept: list[str] = []
    for tag in tags or ():
        for part in re.split(r"[,;/|]", tag.casefold()):
            word = " ".join(part.split())
            if not _WORDS.fullmatch(word) or word in _MEANINGLESS or word in kept:
                continue
            if name and (word in name or name in word):
                continue
            kept.append(word)
    return kept[:2]
