"""The words of captions, from `vocabulary.yaml`, and how phrases are made of them."""

from pathlib import Path
from typing import Any

import yaml

WORDS: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
GENRES: list[str] = WORDS["genres"]
INSTRUMENTS: dict[str, str] = WORDS["instruments"]
VOICES: dict[str, str] = WORDS["voices"]
MOODS: list[str] = WORDS["stated_moods"]


def article(phrase: str) -> str:
    """The phrase after `a` or `an`, as it sounds."""
    vowel = phrase[0] in "aeiouAEIOU" and not phrase.startswith(("uk ", "us ", "uni", "eu"))
    return f"{'an' if vowel else 'a'} {phrase}"


def count(text: str) -> int:
    """How many words a caption has."""
    return len(text.split())
