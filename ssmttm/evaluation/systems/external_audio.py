"""One audio file from elsewhere: decoded, mixed down, resampled, and what it was before that."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import resample
from ssmttm.audio.container import Undecodable, glance
from ssmttm.audio.decoding import decoded
from ssmttm.audio.loudness import loudness, normalize
from ssmttm.settings import ClipSettings
from ssmttm.wording import counted, some

SHORTEST_SECONDS = 3.0
"""A window of musicnn; what is shorter says little to any embedder."""

LONGEST_SECONDS = 900.0
"""What lies behind is not read."""


class Unusable(Exception):
    """The file can't be scored: `kind` is undecodable, not_finite or too_short, the message says more."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class ExternalAudio:
    """The samples of one file."""

    wave: np.ndarray
    """float32 [n], mono, at the wanted sample rate; peaks may lie above 1."""
    seconds: float
    sample_rate: int
    """Of the file, Hz."""
    channels: int
    """Of the file."""


def read_external_audio(path: Path, sample_rate: int) -> ExternalAudio:
    """Decode a file of any format that FFmpeg knows; channels are averaged. Raises Unusable."""
    try:
        info = glance(path)
        pieces, seconds = [], 0.0
        for piece in decoded(path):
            pieces.append(piece)
            seconds += len(piece.wave) / piece.rate
            if seconds >= LONGEST_SECONDS:
                break
    except (Undecodable, OSError) as error:
        raise Unusable("undecodable", str(error)) from error
    if not pieces:
        raise Unusable("undecodable", "no sample could be decoded")
    waves = []
    for rate, group in groupby(pieces, key=lambda piece: piece.rate):
        wave = np.concatenate([piece.wave for piece in group])
        if bad := int((~np.isfinite(wave)).sum()):
            raise Unusable("not_finite", f"{bad} of {len(wave)} samples are no finite numbers")
        waves.append(resample(wave, rate, sample_rate))
    wave = np.concatenate(waves)
    if seconds < SHORTEST_SECONDS:
        raise Unusable("too_short", f"{seconds:.2f} s")
    return ExternalAudio(wave, seconds, info.sample_rate, info.channels)


def levelled(wave: np.ndarray, clips: ClipSettings) -> tuple[np.ndarray, bool]:
    """Samples `[n]` brought to the loudness of the data set's clips, and whether they are silent: then left alone."""
    measured = loudness(wave, clips["sample_rate"])
    if measured < clips["silence_lufs"]:
        return np.clip(wave, -1.0, 1.0), True
    return normalize(wave, measured, clips["loudness_lufs"]), False


def level_notes(loudness_lufs: float, silent: Sequence[str], total: int, noun: str) -> list[str]:
    """What `levelled` did to `total` clips, of which those in `silent` were: clips are called `noun`."""
    if not silent:
        return [f"brought to {loudness_lufs:g} LUFS"]
    notes = [f"{counted(len(silent), noun)} silent and scored as such: {some(silent, 3)}"]
    return notes if len(silent) == total else [*notes, f"the others brought to {loudness_lufs:g} LUFS"]
