"""Whether a caption that a language model wrote says more than the facts.

It can only be checked for what can be recognized: numbers, keys, tempo, and the words for genres,
instruments, voices, moods and sound that are listed here. Each must be among the facts, or follow
from one of them.
"""

import re
from collections.abc import Iterator

from ssmttm.captions.facts import Facts
from ssmttm.captions.vocabulary import GENRES, INSTRUMENTS, MOODS, WORDS

MOST_WORDS = 120

_VOICES = {
    "vocal": r"vocals?|vocalists?|voices?|lyrics?|lyrical|rapp(?:ing|ers?)",
    "sing": r"sings?|singing|singers?|sung|songs?(?= with words)|chorus(?:es)?",
    "female": r"females?|girls?|she|her",
    "woman": r"wom[ae]n",
    "male": r"males?|boys?|he|his",
    "man": r"m[ae]n",
    "choir": r"choirs?",
    "choral": r"choral",
}
_UNSUNG = re.compile(
    r"\b(?:instrumental|(?:no|without|lacks|lacking|free of|absence of)(?: any)? (?:vocals?|voices?|singing|lyrics))\b"
)
_ENDS = "(?:slow|fast|dark|bright|sparse|dense)"
_MIDDLE = re.compile(rf"\b(?:neither {_ENDS} nor|between {_ENDS} and) {_ENDS}\b")
_KEY = re.compile(r"\b([A-Gb-g])(?:[ -]?([Ss]harp|[Ff]lat|#|♯|♭|b))?[ -]([Mm]ajor|[Mm]inor)\b")
"""A lower-case `a` before a scale is an article."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def invented(caption: str, facts: Facts) -> list[str]:
    """The words, numbers and keys of `caption` that the facts don't bear out; none, if it can be used."""
    return list(dict.fromkeys(_claims(caption, facts)))


def _claims(text: str, facts: Facts) -> Iterator[str]:
    key = (facts.key_name or "").casefold()
    for claim in _KEY.finditer(text):
        sign = {"#": "sharp", "♯": "sharp", "♭": "flat", "b": "flat"}.get(claim[2], claim[2])
        if " ".join(filter(None, (claim[1], sign, claim[3]))).casefold() != key:
            yield claim[0].casefold()
    text = _KEY.sub(" ", text).casefold()
    yield from (scale for scale in re.findall(r"\b(?:major|minor)\b", text) if not key.endswith(scale))
    unsung = _UNSUNG.search(text)
    if unsung and not facts.instrumental:
        yield unsung[0]
    text = _MIDDLE.sub(" ", _UNSUNG.sub(" ", text)).replace("beats per minute", "bpm")
    numbers = _numbers(facts)
    yield from (number for number in _NUMBER.findall(text) if number not in numbers)
    allowed = _allowed(facts)
    for name, pattern in _PATTERNS.items():
        if name not in allowed:
            yield from (claim[0] for claim in pattern.finditer(text) if claim[0] not in allowed)


def _numbers(facts: Facts) -> set[str]:
    """The length in seconds, and the tempo within the rounding of a reader."""
    bpm = [round(facts.tempo_bpm) + step for step in (-1, 0, 1)] if facts.tempo and facts.tempo_bpm else []
    return {f"{value:.0f}" for value in (facts.seconds, *bpm)}


def _allowed(facts: Facts) -> set[str]:
    """Every listed word that the facts contain or imply, spaces as hyphens."""
    known = [*facts.tags, *facts.source_tags, *facts.qualities]
    text = " ".join(text for _, text in facts.describe()).casefold()
    words = {name for name, pattern in _PATTERNS.items() if pattern.search(text)} | set(known)
    if facts.tempo:
        classes = WORDS["tempo_classes"]
        words -= set().union(*classes.values()) - set(facts.source_tags)
        words.update(classes[facts.tempo[0]])
    return words.union(*(WORDS["follows"].get(fact, ()) for fact in known))


def _pattern(word: str) -> re.Pattern[str]:
    plural = "" if word.endswith("s") else "(?:s|es)?"
    parts = "[ -]".join(re.escape(part) for part in word.split(" "))
    return re.compile(rf"(?<![\w-]){parts}{plural}(?![\w-])")


_PATTERNS = {
    **{word: _pattern(word) for word in sorted(GENRES) + sorted(MOODS)},
    **{tag: _pattern(re.sub(r"^an? (?:steady )?", "", name).removesuffix("s")) for tag, name in INSTRUMENTS.items()},
    **{word.replace(" ", "-"): _pattern(word) for words in WORDS["claims"].values() for word in words},
    **{name: re.compile(rf"\b(?:{words})\b") for name, words in _VOICES.items()},
    "synth": re.compile(r"\bsynth(?:s|esi[sz]ers?)?\b"),
    "pads": re.compile(r"\bpads?\b"),
}
"""What each listed word looks like in a caption."""
