"""Chromaprint of samples: by essentia, or where that isn't installed by pyacoustid, with the same codes."""

import numpy as np

from ssmttm.errors import UserError

_FULL_SCALE = 32767.0


def compressed(wave: np.ndarray, sample_rate: int) -> str:
    """The chromaprint of mono samples [n], at most 1.0, at `sample_rate` Hz, in the format of AcoustID and fpcalc.

    Raises UserError if neither library can be imported.
    """
    try:
        from ssmttm.audio.algorithms import standard
    except ImportError:
        return _by_pyacoustid(wave, sample_rate)
    text: str = standard.Chromaprinter(sampleRate=sample_rate, maxLength=0)(wave)
    return text


def _by_pyacoustid(wave: np.ndarray, sample_rate: int) -> str:
    try:
        import chromaprint
    except ImportError as error:
        raise UserError(
            f"fingerprints of recordings need essentia, which isn't installed, or pyacoustid ({error}): pip install "
            "essentia, or pip install 'ssmttm[librosa]' and the system's libchromaprint (Debian: libchromaprint1)"
        ) from None
    printer = chromaprint.Fingerprinter()
    printer.start(sample_rate, 1)
    printer.feed((wave * _FULL_SCALE).astype("<i2").tobytes())
    text: str = printer.finish().decode("ascii")
    return text
