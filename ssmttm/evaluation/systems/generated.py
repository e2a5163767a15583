"""The table `generated`: one system's audio, a row for each caption."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.generation.prompts import Prompt
from ssmttm.rows import GeneratedRow
from ssmttm.tables import write_table


def generated_row(
    system: str, clip_id: str, caption: str, seed: int | None, wave: np.ndarray, sample_rate: int
) -> GeneratedRow:
    """The row for `wave`, mono samples `[n]` at `sample_rate` Hz, which becomes FLAC."""
    return {
        "clip_id": clip_id,
        "system": system,
        "caption": caption,
        "seed": seed,
        "duration_s": len(wave) / sample_rate,
        "sample_rate": sample_rate,
        "audio": {"bytes": encode_audio(wave, sample_rate), "path": f"{clip_id}.flac"},
    }


def write_generated(
    out: Path, system: str, prompts: Sequence[Prompt], seeds: Sequence[int], waves: Iterable[np.ndarray], rate: int
) -> None:
    """Write a row for each of `prompts`, whose audio `[n]` at `rate` Hz was drawn with its seed."""
    made = zip(prompts, seeds, waves, strict=True)
    write_table(out, "generated", [generated_row(system, p.name, p.caption, s, wave, rate) for p, s, wave in made])
