"""Whether a caption that a language model wrote says more than the facts.

It can only be checked for what can be recognized: numbers, keys, tempo, and the words for genres,
instruments, voices, moods and sound that are listed here. Each must be among the facts, or follow
from one of them.
"""

import re
from collections.abc import Iterator

from ssmttm.captions.facts import GENRES, INSTRUMENTS, MOODS, Facts, describe, key_name, qualities, tempo_class

MOST_WORDS = 120

# fmt: off
_MORE_INSTRUMENTS = (
    "banjo", "bagpipe", "bassoon", "bongo", "celesta", "conga", "cymbal", "didgeridoo", "fiddle", "glockenspiel",
    "hi-hat", "kalimba", "kick", "koto", "lute", "mandolin", "marimba", "recorder", "sampler", "snare", "sax", "tabla",
    "tambourine", "theremin", "timpani", "tuba", "turntable", "ukulele", "vibraphone", "whistle", "woodwind",
    "xylophone", "zither", "808",
)
_MORE_GENRES = (
    "8-bit", "afrobeat", "ballad", "baroque", "bluegrass", "blues", "bossa nova", "celtic", "chillout", "chiptune",
    "cinematic", "disco", "downtempo", "drum and bass", "drum & bass", "dub", "dubstep", "edm", "electro",
    "electronica", "experimental", "film score", "flamenco", "folk", "funk", "funky", "gospel", "grunge", "hip hop",
    "hip-hop", "house", "indie", "industrial", "jazz", "jazzy", "klezmer", "latin", "lo-fi", "lofi", "lounge",
    "medieval", "opera", "operatic", "orchestral", "psychedelic", "punk", "r&b", "rap", "reggae", "rumba", "salsa",
    "samba", "shoegaze", "ska", "soul", "soundtrack", "swing", "symphonic", "symphony", "tango", "trance", "trap",
    "trip hop", "waltz", "world music",
)
_MORE_MOODS = (
    "aggressive", "angry", "cheerful", "eerie", "ethereal", "gloomy", "haunting", "intense", "joyful", "lively",
    "mysterious", "nostalgic", "peaceful", "playful", "serene", "somber", "soothing", "spooky", "tense", "triumphant",
)
_SOUNDS = (
    "acoustic", "bassy", "bass-heavy", "bright", "crisp", "danceable", "dance", "dark", "deep", "dense", "distorted",
    "electric", "live", "muffled", "noisy", "reverb", "reverberant", "sparse", "warm",
)
_TEMPO_WORDS = (
    "brisk", "fast", "fast-paced", "high-tempo", "lively-paced", "mid-tempo", "moderately paced", "moderate tempo",
    "quick", "rapid", "slow", "slow-paced", "slowly", "unhurried", "up-tempo", "upbeat",
)
_NUMBER_WORDS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty", "thirty", "forty",
    "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "sixties", "seventies", "eighties", "nineties",
)
# fmt: on
_FOLLOWS = {
    "acoustic guitar": "acoustic",
    "danceable": "dance",
    "bright": "crisp",
    "brass": "horn",
    "cello": "strings",
    "choir": "choral vocal sing",
    "classical guitar": "acoustic",
    "dark": "deep bassy bass-heavy bass",
    "dense": "quick fast-moving",
    "double bass": "bass",
    "drum machine": "drum drums beat percussion electronic",
    "drums": "percussion beat",
    "electric guitar": "electric",
    "female vocal": "female woman vocal sing",
    "keyboard": "keys",
    "male vocal": "male man vocal sing",
    "metal": "heavy",
    "opera": "operatic vocal sing",
    "orchestra": "orchestral",
    "pads": "pad synth synthesizer electronic",
    "percussion": "drum",
    "saxophone": "sax",
    "synth": "synthesizer electronic synthetic",
    "techno": "electronic",
    "viola": "strings",
    "violin": "strings fiddle",
    "vocal": "vocal sing",
}
"""What else may be said of a clip for which the tag or quality on the left is a fact."""

_TEMPO_CLASSES = {
    "slow": "slow slow-paced slowly unhurried",
    "medium": "mid-tempo moderately-paced moderate-tempo brisk lively lively-paced upbeat",
    "fast": "fast fast-paced high-tempo quick rapid up-tempo upbeat",
}
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
    key = (key_name(facts) or "").casefold()
    for found in _KEY.finditer(text):
        sign = {"#": "sharp", "♯": "sharp", "♭": "flat", "b": "flat"}.get(found[2], found[2])
        if " ".join(filter(None, (found[1], sign, found[3]))).casefold() != key:
            yield found[0].casefold()
    text = _KEY.sub(" ", text).casefold()
    for scale in re.findall(r"\b(?:major|minor)\b", text):
        if not key.endswith(scale):
            yield scale
    unsung = _UNSUNG.search(text)
    if unsung and "instrumental" not in facts.tags:
        yield unsung[0]
    text = _MIDDLE.sub(" ", _UNSUNG.sub(" ", text)).replace("beats per minute", "bpm")
    for number in _NUMBER.findall(text):
        if number not in _numbers(facts):
            yield number
    allowed = _allowed(facts)
    for name, pattern in _PATTERNS.items():
        for found in pattern.finditer(text):
            if name not in allowed and found[0] not in allowed:
                yield found[0]


def _numbers(facts: Facts) -> set[str]:
    """The length in seconds, and the tempo within the rounding of a reader."""
    bpm = [round(facts.tempo_bpm) + step for step in (-1, 0, 1)] if tempo_class(facts) and facts.tempo_bpm else []
    return {f"{value:.0f}" for value in (facts.seconds, *bpm)}


def _allowed(facts: Facts) -> set[str]:
    """Every listed word that the facts contain or imply, spaces as hyphens."""
    tempo = tempo_class(facts)
    known = [*facts.tags, *facts.source_tags, *qualities(facts)]
    text = " ".join(text for _, text in describe(facts)).casefold()
    words = {name for name, pattern in _PATTERNS.items() if pattern.search(text)} | set(known)
    if tempo:
        words -= set(" ".join(_TEMPO_CLASSES.values()).split()) - set(facts.source_tags)
        words |= set(_TEMPO_CLASSES[tempo[0]].split())
    return words.union(*(_FOLLOWS.get(fact, "").split() for fact in known))


def _pattern(word: str) -> re.Pattern[str]:
    plural = "" if word.endswith("s") else "(?:s|es)?"
    parts = "[ -]".join(re.escape(part) for part in word.split(" "))
    return re.compile(rf"(?<![\w-]){parts}{plural}(?![\w-])")


_PATTERNS = {
    **{word: _pattern(word) for word in sorted(GENRES) + sorted(MOODS.values())},
    **{tag: _pattern(re.sub(r"^an? (?:steady )?", "", name).removesuffix("s")) for tag, name in INSTRUMENTS.items()},
    **{
        word.replace(" ", "-"): _pattern(word)
        for word in (*_MORE_INSTRUMENTS, *_MORE_GENRES, *_MORE_MOODS, *_SOUNDS, *_TEMPO_WORDS, *_NUMBER_WORDS)
    },
    **{name: re.compile(rf"\b(?:{words})\b") for name, words in _VOICES.items()},
    "synth": re.compile(r"\bsynth(?:s|esi[sz]ers?)?\b"),
    "pads": re.compile(r"\bpads?\b"),
}
"""What each listed word looks like in a caption."""
