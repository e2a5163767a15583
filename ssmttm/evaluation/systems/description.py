"""What is known of a system besides its audio, kept as facts.json beside that."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypedDict

from ssmttm.files import write_json


class Stated(TypedDict, total=False):
    """What is stated of a system: of its training FLOPs and hours of music; null or absent if unknown."""

    parameters: float | None
    flops: float | None
    hours: float | None
    note: str | None


class SourceAudio(NamedTuple):
    """What a system's audio was before it was brought into the form of generated clips."""

    sample_rates: list[int]
    """Hz."""
    channels: list[int]


def write_description(
    path: Path,
    system: str,
    stated: Mapping[str, object],
    audio: SourceAudio,
    notes: list[str],
    more: Mapping[str, object],
) -> None:
    """Write `path` (facts.json) of `system`; `notes` say what was done to its audio, and are joined to its note."""
    description: dict[str, object] = {
        "system": system,
        "kind": "external",
        "parameters": stated.get("parameters"),
        "flops": stated.get("flops"),
        "hours": stated.get("hours"),
        "note": "; ".join(str(note) for note in [stated.get("note"), *notes] if note),
        "sample_rates": audio.sample_rates,
        "channels": audio.channels,
    }
    write_json(path, {**description, **more})
