"""A source: chords that it makes itself, for trying things out without a network. They are CC0."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ssmttm.fetch.failures import Unavailable
from ssmttm.files import atomic_path
from ssmttm.licenses.policy import Evidence
from ssmttm.sources.contract import Context, IndexRow

SCHEMA = {
    "properties": {
        "tracks": {"type": "integer", "minimum": 1, "description": "So many."},
        "seconds": {"type": "number", "minimum": 1, "description": "Their length, default 30."},
        "artists": {"type": "integer", "minimum": 1, "description": "So many share them, default 6."},
    },
    "required": ["tracks"],
    "additionalProperties": False,
}
"""What its block of `data.sources` may hold, a JSON schema. Read without importing, so a literal."""
EXAMPLE = {"tracks": 4, "seconds": 12.0}
"""Settings that the tests of the contract take; the same."""

RATE = 24000
CHORD_S = 0.5
SCALE = (0, 2, 4, 7, 9)


def list_tracks(settings: Mapping[str, Any], context: Context) -> Iterator[IndexRow]:
    """One row for each track; see `ssmttm.sources.contract`."""
    seconds, artists = float(settings.get("seconds", 30.0)), settings.get("artists", 6)
    for number in range(settings["tracks"]):
        context.progress(number, settings["tracks"], "tracks")
        yield IndexRow(
            track_id=f"tones:{number}",
            source="tones",
            url=f"{number}/{seconds:g}",
            title=f"Chords {number}",
            artist=f"Generator {number % artists}",
            duration_s=seconds,
            tags=["electronic"],
            license_evidence=[Evidence("catalog", "CC0-1.0", None, "ssmttm_example.tones makes it")],
        )


def fetch(settings: Mapping[str, Any], track: Mapping[str, Any], context: Context) -> Path:
    """The file, which is made unless it is there; see the contract."""
    found = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)", track["url"])
    if found is None:
        raise Unavailable(f"{track['url']!r} is no track of this source")
    path = context.cache / "tones" / f"{found[1]}-{found[2]}.wav"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as part:
            soundfile.write(part, chords(int(found[1]), float(found[2])), RATE, format="WAV")
    return path


def chords(seed: int, seconds: float) -> np.ndarray:
    """Three notes of a scale at a time, each with overtones that fade, float32 [n]."""
    generator = np.random.default_rng(seed)
    base, time = generator.uniform(80, 160), np.arange(round(CHORD_S * RATE)) / RATE
    parts = []
    for _ in range(-(-round(seconds * RATE) // len(time))):
        notes = [base * 2 ** ((generator.choice(SCALE) + 12 * generator.integers(0, 3)) / 12) for _ in range(3)]
        tones = sum(np.sin(2 * np.pi * note * k * time) / k**2 for note in notes for k in (1, 2, 3))
        parts.append(tones * np.exp(-time * generator.uniform(1, 6)) + 0.002 * generator.normal(size=len(time)))
    return (0.15 * np.concatenate(parts)[: round(seconds * RATE)]).astype(np.float32)
