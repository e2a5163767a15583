"""What happens to voices in clips: they stay, their clips are dropped, or they are taken out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ssmttm.audio.coded import resample
from ssmttm.errors import UserError

_LEVEL = 0.126  # root mean square, -18 dBFS

Filter = Callable[[np.ndarray], tuple[np.ndarray | None, float | None]]
"""Takes a clip's mono samples [n]; gives those to keep, float32 [n], or None when the clip is
dropped, and the probability of voices, or None where nothing asked for it."""


def make_filter(settings: Mapping[str, Any], sample_rate: int, device: Any = "cpu") -> Filter:
    """The filter for clips at `sample_rate` Hz, before they are normalized.

    Args:
        settings: `data.vocals` of the config: `mode` is keep, drop or separate; `threshold` is the
            probability from which a clip is dropped; `model` names the weights that separate.
        sample_rate: of the clips, in Hz.
        device: where the separation computes: a torch device or its name.

    Raises:
        UserError: the mode is unknown, or its model can't be loaded.
    """
    mode = settings["mode"]
    if mode == "keep":
        return lambda wave: (wave, None)
    if mode == "drop":
        return _dropping(settings["threshold"], sample_rate)
    if mode == "separate":
        return _separating(settings["model"], sample_rate, device)
    raise UserError(f"data.vocals.mode {mode!r} is not one of keep, drop, separate")


def voice_probability(wave: np.ndarray, sample_rate: int) -> float:
    """How likely voices are in mono samples [n], 0 to 1, as musicnn hears them.

    The chance that any tag for voices applies, 1 - Π(1 - p), with each p the mean over windows of
    3 s. musicnn's listeners spread over 15 such words, so that each alone stays unlikely even where
    somebody sings: the likeliest one tells songs from instrumental music less well, and at no round
    threshold. Of 98 clips of 30 s without voices, 5 reach 0.3; of the same clips with a singer mixed in
    as loud as in a pop song, 86 do. Quiet voices, and voices over an orchestra, are heard less often.
    """
    from ssmttm.pretrained.musicnn import PATCH, SAMPLE_RATE, TAGS, VOICES, load_musicnn

    level = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    if not level:  # the network would guess
        return 0.0
    levelled = wave * np.float32(_LEVEL / level)  # quiet recordings are heard as well as loud ones
    posterior = load_musicnn().analyze(resample(levelled, sample_rate, SAMPLE_RATE), PATCH).posterior.mean(0)
    return float(1 - np.prod([1 - posterior[TAGS.index(tag)] for tag in VOICES]))


def _dropping(threshold: float, sample_rate: int) -> Filter:
    def drop(wave: np.ndarray) -> tuple[np.ndarray | None, float]:
        probability = voice_probability(wave, sample_rate)
        return (wave if probability < threshold else None), probability

    return drop


def _separating(model: str | None, sample_rate: int, device: Any) -> Filter:
    from ssmttm.pretrained.demucs import REMEDY, load_separator

    if not model:
        raise UserError(f"data.vocals.model: mode separate needs the weights of htdemucs; {REMEDY}")
    separator = load_separator(model, device)
    return lambda wave: (separator.without_vocals(wave, sample_rate), None)
