"""A codec that is fitted in under a minute on a CPU and needs no pretrained weights.

Log-mel spectra (96 bands, 1,024-point FFT, hop 256), two frames stacked to one token of 512
samples (46.875 tokens per second at 24 kHz), quantized by residual k-means; audio comes back by a
vocoder (`ssmttm.vocoder`) or Griffin-Lim. `n` samples encode to ceil(n / 512) tokens, so 10 s at
24 kHz are 469, the last one padded with silence; `T` tokens decode to exactly 512 T samples.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch

from ssmttm.codecs import _mel, _residual
from ssmttm.codecs.base import (
    Codec,
    LatentTables,
    Sizes,
    Tensors,
    checked_codes,
    checked_latents,
    checked_rest,
    codec_identity,
    padded_wave,
)
from ssmttm.errors import UserError
from ssmttm.seeds import stable_fraction, stable_int
from ssmttm.settings import CodecSettings
from ssmttm.vocoder import GRIFFIN_LIM
from ssmttm.vocoder.network import Vocoder
from ssmttm.vocoder.synthesis import vocode
from ssmttm.vocoder.weights import check_mel, load_vocoder

_STACK = 2
_WIDTH = _STACK * _mel.BANDS
HOP = _STACK * _mel.HOP
"""Samples per frame of codes."""
_FRAMES_PER_CODE = 40  # with 12 k-means iterations, as good as 64 with 15 within 0.05 dB, and twice as fast
_MOST_FRAMES = 100_000


class SpectralCodec(Codec):
    """Latents are log-mel features, width 192. Griffin-Lim makes audio of them, unless another vocoder is chosen."""

    name, hop, keeps_phase, vocoder = "spectral", HOP, False, GRIFFIN_LIM

    def __init__(self, sample_rate: int, mean: np.ndarray, codebooks: np.ndarray) -> None:
        """`mean` [192] and `codebooks` [K, size, 192], float32. Raises ValueError for other shapes."""
        if mean.shape != (_WIDTH,) or codebooks.ndim != 3 or codebooks.shape[2] != _WIDTH or not codebooks.size:
            raise ValueError(f"mean {mean.shape} and codebooks {codebooks.shape} should be [192] and [K, size, 192]")
        if {mean.dtype, codebooks.dtype} != {np.dtype(np.float32)}:
            raise ValueError("mean and codebooks should be float32")
        if not (np.isfinite(mean).all() and np.isfinite(codebooks).all()):
            raise ValueError("mean or codebooks are not finite")
        if not isinstance(sample_rate, int) or sample_rate <= 0:
            raise ValueError(f"sample_rate {sample_rate!r} should be a positive integer")
        self.sample_rate = sample_rate
        self.codebooks, self.codebook_size = codebooks.shape[:2]
        self._mean, self._codebooks = mean, codebooks
        self.identity = codec_identity(self.name, *self._content())
        self._network: Vocoder | None = None

    @property
    def mel_settings(self) -> dict[str, int]:
        """What its mel frames are, in the terms of a vocoder's `VocoderConfig`."""
        return {
            "sample_rate": self.sample_rate,
            "fft": _mel.FFT,
            "hop": _mel.HOP,
            "bands": _mel.BANDS,
            "stack": _STACK,
        }

    def use_vocoder(self, setting: str) -> None:
        """See `Codec`."""
        self.vocoder, self.heard, self.reach, self._network = GRIFFIN_LIM, frozenset(), None, None
        if setting != GRIFFIN_LIM:
            trained = load_vocoder(setting)
            check_mel(trained, self.mel_settings, setting, f"the codec {self.identity}")
            self.vocoder, self.heard, self._network = trained.identity, trained.heard, trained.network
            self.reach = -(-trained.network.config.margin // _STACK)

    def encode(self, wave: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        return _residual.quantize(_features(wave, self.sample_rate) - self._mean, self._codebooks)

    def mel(self, wave: np.ndarray) -> np.ndarray:
        """Log-mel frames, float32 [2 ceil(n / 512), 96], of samples [n]: what latents of all levels come near to."""
        return _features(wave, self.sample_rate).reshape(-1, _mel.BANDS)

    def mel_of(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """Log-mel frames, float32 [2 T, 96], that the first `levels` rows of `codes` [k, T] stand for."""
        return self.latents(codes, levels).reshape(-1, _mel.BANDS)

    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """See `Codec`; log-mel features, of two frames each."""
        codes = checked_codes(self, codes, levels)
        z = np.tile(self._mean, (codes.shape[1], 1))
        for level in range(levels):
            z += self._codebooks[level][codes[level]]
        return z

    def tables(self) -> LatentTables:
        """See `Codec`; all levels are in the space of the features, less their mean."""
        return LatentTables(self._codebooks[0].copy(), self._codebooks[1:].copy())

    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, _WIDTH)
        return self.latents(codes, 1) + latents

    def snap(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, _WIDTH)
        return np.concatenate([codes, _residual.nearest_sums(latents, self._codebooks[1:])])

    @torch.inference_mode()
    def decode_latents(self, z: np.ndarray, first: int = 0) -> np.ndarray:
        """See `Codec`."""
        z = checked_latents(z, _WIDTH)
        if not len(z):
            return np.zeros(0, np.float32)
        features = torch.from_numpy(z).reshape(-1, _mel.BANDS)
        if self._network is not None:
            return vocode(self._network, features, first * _STACK).numpy()
        return _mel.invert_log_mel(features, self.sample_rate).numpy()

    def _content(self) -> tuple[Sizes, Tensors]:
        return {"sample_rate": self.sample_rate}, {"mean": self._mean, "codebooks": self._codebooks}


@torch.inference_mode()
def _features(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """Stacked log-mel features, float32 [ceil(n / 512), 192], of samples [n]."""
    samples = torch.from_numpy(padded_wave(wave, HOP))
    return _mel.log_mel(samples, sample_rate).reshape(-1, _WIDTH).numpy()


def _sample(waves: Iterable[np.ndarray], count: int, most: int, sample_rate: int, seed: int) -> np.ndarray:
    """About `most` feature frames, float32 [n, 192], evenly from all of the `count` recordings."""
    quota = math.ceil(most / max(count, 1))
    kept = [np.zeros((0, _WIDTH), np.float32)]
    for number, wave in enumerate(waves):
        if stable_fraction("codec", seed, number) * count > most:  # more recordings than frames wanted
            continue
        features = _features(wave, sample_rate)
        if len(features) > quota:
            generator = np.random.default_rng(stable_int("codec frames", seed, number))
            features = features[np.sort(generator.choice(len(features), quota, replace=False))]
        kept.append(features)
    return np.concatenate(kept)


def fit(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> SpectralCodec:
    """Fit mean and codebooks; `settings` has `codebooks` and `codebook_size`.

    Reads `waves` once and keeps at most about 40 frames per code. Deterministic for a fixed
    number of threads. Raises UserError when there are fewer frames than codes.
    """
    size = settings["codebook_size"]
    vectors = _sample(waves, count, min(_MOST_FRAMES, _FRAMES_PER_CODE * size), sample_rate, seed)
    if len(vectors) < size:
        raise UserError(
            f"the training split has only {len(vectors)} codec frames ({HOP / sample_rate:.3f} s each), fewer than "
            f"data.codec.codebook_size = {size}: lower it, or add music"
        )
    mean = vectors.mean(0)
    codebooks = _residual.fit_codebooks(vectors - mean, settings["codebooks"], size, seed % 2**30)
    return SpectralCodec(sample_rate, mean, codebooks)


def hop(settings: CodecSettings) -> int:
    """Samples per frame, whatever the settings."""
    return HOP


def latent_widths(levels: int) -> tuple[int, int]:
    """See `ssmttm.codecs.base`; levels add up."""
    return _WIDTH, _WIDTH


def load(sizes: Sizes, tensors: Tensors) -> SpectralCodec:
    """The codec from a file's sizes and tensors; raises KeyError or ValueError if it is not one."""
    if set(sizes) != {"sample_rate"} or set(tensors) != {"mean", "codebooks"}:
        raise ValueError(f"unexpected content: {sorted(sizes)}, {sorted(tensors)}")
    return SpectralCodec(sizes["sample_rate"], tensors["mean"], tensors["codebooks"])
