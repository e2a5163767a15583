"""Facts by chance, and what a caption may say of them, written down apart from the package's own tables."""

import random
import re

from ssmttm.captions.facts import Facts
from ssmttm.captions.tags import choose, contradict
from ssmttm.captions.vocabulary import INSTRUMENTS, MOODS
from ssmttm.pretrained.musicnn import TAGS

GENRES = ["chiptune", "electronic", "space rock", "drum and bass", "rhythm and blues", "ambient", "ecm jazz"]
NOTES = ["A", "A#", "Bb", "B", "C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab"]


def random_facts(seed, stated=True):
    """Facts as the captions stage puts them together; without `stated`, as of a source that states genres only."""
    draw = random.Random(seed)
    tags = list(choose({t: draw.random() ** 4 for t in TAGS}, draw.choice([0, 3, 5, 12]), 0.12))
    if stated:
        words = draw.sample([*MOODS, *INSTRUMENTS, "instrumental"], draw.randint(0, 4))
        first = []
        for word in words:
            if not any(contradict(word, other) for other in first):
                first.append(word)
        tags = first + [t for t in tags if t not in first and not any(contradict(t, other) for other in first)]
    return Facts(
        seconds=draw.choice([10.0, 30.0]),
        tags=tuple(tags),
        source_tags=tuple(draw.sample(GENRES, draw.randint(0, 2))),
        tempo_bpm=draw.choice([None, draw.uniform(40, 220)]),
        tempo_confidence=draw.choice([0, 0.5, 1]),
        key=draw.choice([None, *NOTES]),
        scale=draw.choice(["major", "minor"]),
        key_strength=draw.random(),
        dynamic_complexity_db=draw.choice([None, 0.0, draw.uniform(0, 8)]),
        trend_db=draw.choice([None, 0.0, draw.uniform(-20, 20)]),
        onset_rate_hz=draw.choice([None, 0.0, draw.uniform(0, 10)]),
        spectral_centroid_hz=draw.choice([None, 0.0, draw.uniform(100, 3000)]),
        bass=draw.choice([None, 0.0, draw.random()]),
        flatness=draw.choice([None, 0.0, draw.uniform(0, 0.6)]),
    )


# Words that claim nothing of the music.
# fmt: off
PLAIN = {
    "a", "an", "the", "this", "it", "is", "are", "in", "at", "of", "to", "with", "and", "for", "which", "what",
    "that", "there", "here", "heard", "can", "be", "about", "around", "from", "by", "between", "piece", "pieces",
    "track", "music", "recording", "excerpt", "built", "featuring", "its", "towards", "end",
    "seconds", "starts", "ends", "wherever", "was", "cut", "out", "without", "regard", "form", "whole",
}
# fmt: on
TAG_WORDS = {
    "synth": "synthesizers",
    "pads": "synthesizer pads",
    "beat": "steady beat",
    "vocal": "vocals",
    "female vocal": "female vocals",
    "male vocal": "male vocals",
    "indian": "Indian",
    "instrumental": "instrumental no without vocals",
}
KEY = re.compile(r"\b([A-G])( sharp| flat)? (major|minor)\b")


def confident_tempo(facts):
    return facts.tempo_bpm is not None and facts.tempo_confidence == 1 and 72 <= facts.tempo_bpm <= 168


def known_key(facts):
    """(note, accidental, scale) or None."""
    if not facts.key or facts.key_strength < 0.8:
        return None
    return facts.key[0], {"": "", "#": " sharp", "b": " flat"}[facts.key[1:]], facts.scale


def tempo_words(facts):
    if not confident_tempo(facts):
        return ""
    bpm = facts.tempo_bpm
    common = f"tempo moves bpm beats per minute {bpm:.0f} "
    if bpm < 84:
        return common + "slow slow-paced unhurried"
    if bpm < 108:
        return common + "mid-tempo moderate moderately paced neither-slow-nor-fast"
    if bpm < 136:
        return common + "brisk lively lively-paced"
    return common + "fast fast-paced rapid"


def measured_words(facts):
    found = ""
    centroid, onsets = facts.spectral_centroid_hz or 0, facts.onset_rate_hz or 0
    dynamics, trend = facts.dynamic_complexity_db or 0, facts.trend_db or 0
    if 0 < centroid < 530:
        found += " sound dark deep"
    elif centroid > 1240 and "dark" not in facts.tags:
        found += " sound bright crisp"
    elif centroid > 0:
        found += " neutral-sound neither dark nor bright" if "dark" not in facts.tags else ""
    if 0 < (facts.bass or 0) < 0.25:
        found += " little bass thin sound"
    elif (facts.bass or 0) > 0.75:
        found += " bass strong a lot bass-heavy"
    if 0 < (facts.flatness or 0) < 0.005:
        found += " pure pure-toned tones clear"
    elif (facts.flatness or 0) > 0.1:
        found += " noisy rough sound"
    if 0 < onsets < 3.2:
        found += " few notes sparse"
    elif onsets > 4.8:
        found += " many quick quickly notes dense follow each other"
    elif onsets > 0:
        found += " neutral-notes neither sparse nor dense"
    if abs(trend) > 3:
        found += " volume growing grows rising rises" if trend > 0 else " volume falling falls sinking sinks fading"
    elif 0 < dynamics < 1.4:
        found += " even volume hardly changing changes stays"
    elif dynamics > 2.7:
        found += " large changes changing volume rising falling lot"
    elif dynamics > 0:
        found += " neutral-volume some changes volume"
    return found


# Phrases that deny or weaken what their words claim; each stands for one word.
PHRASES = {
    "neither slow nor fast": "neither-slow-nor-fast",
    "the sound is neither dark nor bright": "neutral-sound",
    "the sound lies between dark and bright": "neutral-sound",
    "the notes are neither sparse nor dense": "neutral-notes",
    "the notes come at a moderate rate": "neutral-notes",
    "the volume changes moderately": "neutral-volume",
    "there are moderate changes in volume": "neutral-volume",
}


def permitted(facts):
    """Every word that a caption of these facts may use."""
    words = set(PLAIN) | set(tempo_words(facts).split()) | set(measured_words(facts).split())
    for tag in facts.tags:
        words |= set(TAG_WORDS.get(tag, tag).casefold().split())
    for tag in facts.source_tags:
        words |= set(tag.split())
    if known_key(facts):
        note, accidental, scale = known_key(facts)
        words |= {"key", note.casefold(), accidental.strip(), scale}
    return words | {f"{facts.seconds:.0f}"}


def words_of(text):
    """The words of a caption, phrases as one."""
    text = text.casefold()
    for phrase, word in PHRASES.items():
        text = text.replace(phrase, word)
    return re.findall(r"[a-z0-9&'-]+", text)
