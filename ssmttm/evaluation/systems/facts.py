"""What is known of a system besides its audio, kept as facts.json beside that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssmttm.files import write_json


def write_facts(
    path: Path,
    system: str,
    stated: Mapping[str, Any],
    *,
    sample_rates: list[int],
    channels: list[int],
    notes: list[str],
    **more: Any,
) -> None:
    """Write `facts.json`.

    Args:
        path: the file.
        system: its name.
        stated: `parameters`, `flops` of the training, `hours` of music trained on, `note`; null or absent if unknown.
        sample_rates: of the audio before resampling, Hz.
        channels: of the audio before mixing.
        notes: what was done to the audio; joined to the note.
        more: further facts.
    """
    note = "; ".join(filter(None, [stated.get("note"), *notes]))
    write_json(
        path,
        {
            "system": system,
            "kind": "external",
            "parameters": stated.get("parameters"),
            "flops": stated.get("flops"),
            "hours": stated.get("hours"),
            "note": note,
            "sample_rates": sample_rates,
            "channels": channels,
            **more,
        },
    )
