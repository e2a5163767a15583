"""The styles of captions: a list of tags, a sentence, a paragraph."""

import random

from ssmttm.captions.facts import Facts
from ssmttm.captions.paragraph import write_paragraph
from ssmttm.captions.vocabulary import WORDS
from ssmttm.captions.write import write_caption
from ssmttm.seeds import stable_int

_UNSAID = ("neutral", "steady notes", "some dynamics")
"""The middle of a scale makes no tag."""


def write_tags(facts: Facts, seed: int) -> str:
    """Everything that is known as a list with commas, in an order that the seed decides; `music` for nothing."""
    listed = [
        *facts.genres,
        *(part.removeprefix("a ").removeprefix("an ") for part in (*facts.instruments, *facts.voices)),
        *(["instrumental"] if facts.instrumental else []),
        *facts.moods,
        *([facts.tempo[1][0], f"{facts.tempo_bpm:.0f} BPM"] if facts.tempo else []),
        *([facts.key_name] if facts.key_name else []),
        *(WORDS["qualities"][q] for q in facts.qualities if q not in _UNSAID),
    ]
    listed = list(dict.fromkeys(listed))
    random.Random(seed).shuffle(listed)
    return ", ".join(listed) or "music"


STYLES = {"tags": write_tags, "sentence": write_caption, "paragraph": write_paragraph}
"""Writers, each a function of the facts and a seed."""


def write_all(facts: Facts, seed: int) -> dict[str, str]:
    """The caption in every style."""
    return {style: write(facts, seed) for style, write in STYLES.items()}


def choose_style(setting: str, clip_id: str, seed: int) -> str:
    """The style of one clip's caption: `setting`, or for `mixed` any of the three, by hash and equally often."""
    return list(STYLES)[stable_int("style", seed, clip_id) % len(STYLES)] if setting == "mixed" else setting
