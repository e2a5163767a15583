"""The Descript Audio Codec at 44.1 kHz (Kumar et al. 2023, arXiv 2306.06546), as transformers' DacModel.

Nine codebooks of 1,024 codes, 512 samples per frame (86.13 frames per second): a recording of `n`
samples, padded with silence, encodes to ceil(n / 512) frames, so 30 s to 2,584, and `T` frames
decode to exactly 512 T samples. Long recordings are processed in pieces with enough of their
surroundings that the result is that of the whole.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
import torch

from ssmttm.codecs.base import Codec, Sizes, Tensors, checked_codes, checked_latents, codec_identity, padded_wave
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings

HOP = 512
"""Samples per frame of codes."""
_STRIDES = [2, 4, 8, 8]
_PIECE = 1024
_CONTEXT = 16
"""Frames on each side of a piece; encoder and decoder see about 8 and 10 frames to each side."""
_SIZES = (
    "encoder_hidden_size",
    "decoder_hidden_size",
    "n_codebooks",
    "codebook_size",
    "codebook_dim",
    "sampling_rate",
)


class DacCodec(Codec):
    """Latents are what the decoder takes, width 1,024 in the published one."""

    name, hop = "dac", HOP

    def __init__(self, sizes: Sizes, tensors: Tensors) -> None:
        """From the model's sizes and its weights; raises ValueError if they don't fit each other."""
        from transformers import DacConfig, DacModel

        if set(sizes) != set(_SIZES):
            raise ValueError(f"expected settings {sorted(_SIZES)}, got {sorted(sizes)}")
        with torch.device("meta"):
            self._model = DacModel(DacConfig(**cast(Any, sizes), downsampling_ratios=_STRIDES))
        try:
            weights = {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}
            self._model.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            raise ValueError(f"weights that are no DAC of these settings: {error}") from error
        self._model.eval().requires_grad_(False)
        self._sizes = sizes
        self.sample_rate = sizes["sampling_rate"]
        self.codebooks, self.codebook_size = sizes["n_codebooks"], sizes["codebook_size"]
        self.identity = codec_identity(self.name, sizes, tensors)

    @torch.inference_mode()
    def encode(self, wave: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        samples = torch.from_numpy(padded_wave(wave, HOP))[None, None]
        parts = []
        for start, end, first, last in _pieces(samples.shape[-1] // HOP):
            hidden = self._model.encoder(samples[..., first * HOP : last * HOP])
            parts.append(self._model.quantizer(hidden[..., start - first : end - first])[1][0])
        return torch.cat(parts, -1).numpy()

    @torch.inference_mode()
    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """See `Codec`; quantized latents."""
        codes = checked_codes(self, codes, levels)
        return self._model.quantizer.from_codes(torch.from_numpy(codes[None, :levels]))[0][0].T.numpy()

    @torch.inference_mode()
    def decode_latents(self, z: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        z = checked_latents(z, self._model.config.hidden_size)
        latents = torch.from_numpy(z).T[None]
        parts = [torch.zeros(0)]
        for start, end, first, last in _pieces(len(z)):
            wave = self._model.decoder(latents[..., first:last])[0, 0]
            parts.append(wave[(start - first) * HOP : (end - first) * HOP])
        return torch.cat(parts).numpy()

    def _content(self) -> tuple[Sizes, Tensors]:
        return self._sizes, {name: tensor.numpy() for name, tensor in self._model.state_dict().items()}


def _pieces(frames: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut `frames` into pieces: start and end of each, and of what it is computed from."""
    for start in range(0, frames, _PIECE):
        end = min(start + _PIECE, frames)
        yield start, end, max(start - _CONTEXT, 0), min(end + _CONTEXT, frames)


def fit(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> DacCodec:
    """The first `codebooks` levels of the pretrained codec `model` (hub id or folder); `waves` are not needed.

    Raises UserError when the model is missing or damaged, or is not what `settings` and
    `sample_rate` (of the clips) say.
    """
    from transformers import DacModel

    from ssmttm.pretrained.hub import load_pretrained

    name = settings.get("model")
    if not name:
        raise UserError("data.codec.model: the codec dac needs a model, such as descript/dac_44khz, or a folder")
    model = load_pretrained(DacModel, name, "data.codec.model")
    config, codebooks, size = model.config, settings["codebooks"], settings["codebook_size"]
    if list(config.downsampling_ratios) != _STRIDES:
        raise UserError(
            f"data.codec.model: {name} has strides {list(config.downsampling_ratios)}; only the 44.1 kHz codec's "
            f"{_STRIDES} are supported"
        )
    if sample_rate != config.sampling_rate:
        raise UserError(
            f"data.clips.sample_rate is {sample_rate}, but {name} works at {config.sampling_rate}: set that"
        )
    if size != config.codebook_size:
        raise UserError(f"data.codec.codebook_size is {size}, but {name} has {config.codebook_size}: set that")
    if codebooks > config.n_codebooks:
        raise UserError(f"data.codec.codebooks is {codebooks}, but {name} has only {config.n_codebooks}: lower it")
    kept = [f"quantizer.quantizers.{level}." for level in range(codebooks)]
    tensors = {
        key: tensor.numpy()
        for key, tensor in model.state_dict().items()
        if not key.startswith("quantizer.quantizers.") or key.startswith(tuple(kept))
    }
    return DacCodec({key: getattr(config, key) for key in _SIZES} | {"n_codebooks": codebooks}, tensors)


load = DacCodec
"""The codec from a file's sizes and tensors; raises KeyError or ValueError if it is not one."""
