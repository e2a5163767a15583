"""The Descript Audio Codec at 44.1 kHz (Kumar et al. 2023, arXiv 2306.06546), as transformers' DacModel.

Nine codebooks of 1,024 codes, 512 samples per frame (86.13 frames per second): a recording of `n`
samples, padded with silence, encodes to ceil(n / 512) frames, so 30 s to 2,584, and `T` frames
decode to exactly 512 T samples. Long recordings are processed in pieces with enough of their
surroundings that the result is that of the whole.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from ssmttm.codecs import _descript
from ssmttm.codecs._network import NetworkCodec, pieces
from ssmttm.codecs._published import DAC_HOP, DAC_STRIDES, KEY, Facts, check_facts, check_settings
from ssmttm.codecs.base import LatentTables, Sizes, Tensors, checked_codes, checked_rest, codec_identity
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings

_CONTEXT = 16
"""Frames on each side of a piece; encoder and decoder see about 8 and 10 frames to each side."""
_PUBLISHED_WIDTH = 8  # of a code's vector, in all published models
_SIZES = (
    "encoder_hidden_size",
    "decoder_hidden_size",
    "n_codebooks",
    "codebook_size",
    "codebook_dim",
    "sampling_rate",
)


class DacCodec(NetworkCodec):
    """Latents are what the decoder takes, width 1,024 in the published one."""

    name, hop, reach = "dac", DAC_HOP, _CONTEXT

    def __init__(self, sizes: Sizes, tensors: Tensors) -> None:
        """From the model's sizes and its weights; raises ValueError if they don't fit each other."""
        from transformers import DacConfig, DacModel

        if set(sizes) != set(_SIZES):
            raise ValueError(f"expected settings {sorted(_SIZES)}, got {sorted(sizes)}")
        with torch.device("meta"):
            model = DacModel(DacConfig(**cast(Any, sizes), downsampling_ratios=DAC_STRIDES))
        self._fill(model, sizes, tensors)
        self._encoder, self._quantizer, self._decoder = model.encoder, model.quantizer, model.decoder
        self._levels: Any = model.quantizer.quantizers
        self._width = model.config.hidden_size
        self.sample_rate = sizes["sampling_rate"]
        self.codebooks, self.codebook_size = sizes["n_codebooks"], sizes["codebook_size"]
        self.identity = codec_identity(self.name, sizes, tensors)

    @torch.inference_mode()
    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """See `Codec`; quantized latents."""
        codes = checked_codes(self, codes, levels)
        tensor = torch.from_numpy(codes[None, :levels]).to(self._device)
        return self._quantizer.from_codes(tensor)[0][0].T.cpu().numpy()

    def tables(self) -> LatentTables:
        """See `Codec`; each level above the first has channels of its own, as its code vectors are projected alone."""
        vectors = np.stack([level.codebook.weight.cpu().numpy() for level in self._levels])
        width = vectors.shape[2]
        rest = np.zeros((self.codebooks - 1, self.codebook_size, (self.codebooks - 1) * width), np.float32)
        for level, own in enumerate(vectors[1:]):
            rest[level, :, level * width : (level + 1) * width] = own
        return LatentTables(vectors[0].copy(), rest)

    @torch.inference_mode()
    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`; every level's projection, summed."""
        codes, by_level = self._parts(first, rest)
        lowest = self._levels[0]
        total: Tensor = lowest.out_proj(lowest.codebook(codes.to(self._device)).transpose(1, 2))
        for level, latents in zip(self._levels[1:], by_level, strict=True):
            total = total + level.out_proj(latents)
        return total[0].T.cpu().numpy()

    @torch.inference_mode()
    def snap(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`; each level by DAC's own look-up, of the nearest direction."""
        codes, by_level = self._parts(first, rest)
        above = [level.decode_latents(own)[1] for level, own in zip(self._levels[1:], by_level, strict=True)]
        return torch.cat([codes, *(level.cpu() for level in above)]).numpy()

    def _parts(self, first: np.ndarray, rest: np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """Codes of level 1 [1, T], and for each level above it latents [1, C, T]."""
        count = self.codebooks - 1
        codes, latents = checked_rest(self, first, rest, count * self._sizes["codebook_dim"])
        parts = torch.from_numpy(latents).to(self._device).T[None].chunk(count, 1) if count else ()
        return torch.from_numpy(codes), list(parts)

    def _encoded(self, samples: Tensor, frames: int) -> Iterator[Tensor]:
        for start, end, first, last in pieces(frames, _CONTEXT):
            hidden = self._encoder(samples[..., first * DAC_HOP : last * DAC_HOP].to(self._device))
            yield self._quantizer(hidden[..., start - first : end - first])[1]

    def _decoded(self, take: Callable[[int, int], Tensor], frames: int) -> Iterator[Tensor]:
        for start, end, first, last in pieces(frames, _CONTEXT):
            wave = self._decoder(take(first, last))
            yield wave[..., (start - first) * DAC_HOP : (end - first) * DAC_HOP]


def fit(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> DacCodec:
    """The first `codebooks` levels of the pretrained codec `model`; `waves` are not needed.

    `model` is a hub id or folder of transformers, or a weights file of the package descript-audio-codec, perhaps in
    its folder. Raises UserError when the model is missing or damaged, or is not what `settings` and `sample_rate` (of
    the clips) say.
    """
    check_settings(settings, sample_rate)
    codebooks = settings["codebooks"]
    sizes, state = _read(settings.get("model", ""), settings, sample_rate)
    kept = [f"quantizer.quantizers.{level}." for level in range(codebooks)]
    tensors = {
        key: tensor.numpy()
        for key, tensor in state.items()
        if not key.startswith("quantizer.quantizers.") or key.startswith(tuple(kept))
    }
    try:
        return DacCodec({**sizes, "n_codebooks": codebooks}, tensors)
    except ValueError as error:
        raise UserError(
            f"{KEY}: {settings.get('model')}: {' '.join(str(error).split())}; get the model again"
        ) from error


def _read(name: str, settings: CodecSettings, sample_rate: int) -> tuple[Sizes, dict[str, Tensor]]:
    """The sizes of a pretrained model and its weights, by the names of transformers."""
    weights = _descript.weights_file(name)
    if weights is not None:
        sizes, state = _descript.read(weights)
    else:
        from transformers import DacModel

        from ssmttm.pretrained.hub import load_pretrained

        model = load_pretrained(DacModel, name, KEY)
        sizes, state = {key: getattr(model.config, key) for key in _SIZES}, model.state_dict()
    check_facts(
        Facts(sizes["sampling_rate"], DAC_HOP, sizes["n_codebooks"], sizes["codebook_size"]), settings, sample_rate
    )
    return sizes, state


def latent_widths(levels: int) -> tuple[int, int]:
    """See `ssmttm.codecs.base`; levels stand side by side."""
    return _PUBLISHED_WIDTH, _PUBLISHED_WIDTH * (levels - 1)


def hop(settings: CodecSettings) -> int:
    """Samples per frame, whatever the settings."""
    return DAC_HOP


load = DacCodec
"""The codec from a file's sizes and tensors; raises KeyError or ValueError if it is not one."""
