"""A row of the table `generated`: one system's audio for one caption."""

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.rows import GeneratedRow


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
