"""EnCodec (Défossez et al. 2022, arXiv 2210.13438) for mono audio, by the layers of transformers' EncodecModel.

facebook/encodec_24khz: causal, 75 frames per second, up to 32 codebooks of 1,024 codes. facebook/encodec_32khz, as
MusicGen uses it (Copet et al. 2023): not causal, 50 frames per second, 4 codebooks of 2,048. Codebooks are residual,
so the first K are what a bandwidth of K codebooks gives. `n` samples, padded with silence, encode to ceil(n / hop)
frames (transformers would mirror the last few samples instead), `T` frames decode to hop T samples. The 48 kHz model
is refused: it is stereo, and normalizes every second.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import remove_parametrizations

from ssmttm.codecs import _residual
from ssmttm.codecs._network import NetworkCodec, pieces
from ssmttm.codecs._published import KEY, Facts, check_facts, check_settings, facts_of
from ssmttm.codecs.base import LatentTables, Sizes, Tensors, checked_codes, checked_rest, codec_identity
from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings

_PUBLISHED_WIDTH = 128  # of a code's vector, in all published models
_SIZES = (
    "sampling_rate", "hidden_size", "num_filters", "num_residual_layers", "upsampling_ratios", "kernel_size",
    "last_kernel_size", "residual_kernel_size", "dilation_growth_rate", "use_causal_conv", "pad_mode", "compress",
    "num_lstm_layers", "trim_right_ratio", "use_conv_shortcut",
)  # fmt: skip


class EncodecCodec(NetworkCodec):
    """Latents are sums of code vectors, width 128 in the published ones."""

    name = "encodec"

    def __init__(self, sizes: Sizes, tensors: Tensors) -> None:
        """From the model's sizes and its weights; raises ValueError if they don't fit each other."""
        if set(sizes) != set(_SIZES):
            raise ValueError(f"expected settings {sorted(_SIZES)}, got {sorted(sizes)}")
        books = tensors["codebooks"]
        if books.ndim != 3 or books.shape[2] != sizes["hidden_size"] or not books.size:
            raise ValueError(f"codebooks {books.shape} should be [K, size, {sizes['hidden_size']}]")
        network = _Network(sizes, books.shape)
        self._fill(network, sizes, tensors)
        self._encoder, self._decoder = _Layers(network.encoder.layers), _Layers(network.decoder.layers)
        self._books, self._width = books, sizes["hidden_size"]
        self.hop = math.prod(sizes["upsampling_ratios"])
        self.sample_rate = sizes["sampling_rate"]
        self.codebooks, self.codebook_size = books.shape[:2]
        self.identity = codec_identity(self.name, sizes, tensors)

    def latents(self, codes: np.ndarray, levels: int) -> np.ndarray:
        """See `Codec`; sums of code vectors."""
        codes = checked_codes(self, codes, levels)
        z = np.zeros((codes.shape[1], self._width), np.float32)
        for level in range(levels):
            z += self._books[level][codes[level]]
        return z

    def tables(self) -> LatentTables:
        """See `Codec`; all levels are in the space of the latents."""
        return LatentTables(self._books[0].copy(), self._books[1:].copy())

    def join(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, self._width)
        return self.latents(codes, 1) + latents

    def snap(self, first: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        codes, latents = checked_rest(self, first, rest, self._width)
        return np.concatenate([codes, _residual.nearest_sums(latents, self._books[1:])])

    def _encoded(self, samples: Tensor, frames: int) -> Iterator[Tensor]:
        def take(first: int, last: int) -> Tensor:
            return samples[..., first * self.hop : last * self.hop].to(self._device)

        for embeddings in self._encoder.run(take, frames, self.hop, 1):
            yield self._quantized(embeddings)

    def _decoded(self, take: Callable[[int, int], Tensor], frames: int) -> Iterator[Tensor]:
        yield from self._decoder.run(take, frames, 1, self.hop)

    def _quantized(self, embeddings: Tensor) -> Tensor:
        """Codes [n, K, T] of the encoder's output [n, D, T], level by level, by transformers' formula."""
        residual, codes = embeddings.transpose(1, 2), []
        for book in self._network.get_buffer("codebooks"):
            squares = residual.pow(2).sum(-1, keepdim=True)
            distances = squares - 2 * residual @ book.T + book.pow(2).sum(1)
            codes.append(distances.argmin(-1))
            residual = residual - book[codes[-1]]
        return torch.stack(codes, 1)


class _Network(nn.Module):
    """Encoder, decoder and codebooks, without values."""

    def __init__(self, sizes: Sizes, codebooks: tuple[int, ...]) -> None:
        from transformers import EncodecConfig
        from transformers.models.encodec.modeling_encodec import EncodecConv1d, EncodecDecoder, EncodecEncoder

        super().__init__()
        config = EncodecConfig(**dict(sizes))
        with torch.device("meta"):
            self.encoder, self.decoder = EncodecEncoder(config), EncodecDecoder(config)
            self.register_buffer("codebooks", torch.empty(codebooks))
        without_weight_norm(self)
        for layer in self.modules():
            if isinstance(layer, EncodecConv1d):
                kernel, stride = (layer.conv.kernel_size[0] - 1) * layer.conv.dilation[0] + 1, layer.conv.stride[0]
                values = {"kernel_size": kernel, "stride": stride, "padding_total": kernel - stride}
                for key, value in values.items():  # buffers that are in no file
                    setattr(layer, key, torch.tensor(value))


class _Layers:
    """Encoder or decoder: convolutions, an LSTM, convolutions; run piece by piece with the result of one pass.

    Convolutions see a bounded number of frames to each side, which are computed twice and discarded. The LSTM sees
    all frames before, so its state goes from piece to piece.
    """

    def __init__(self, layers: nn.ModuleList) -> None:
        at = next(place for place, layer in enumerate(layers) if hasattr(layer, "lstm"))
        self._before, self._after = layers[:at], layers[at + 1 :]
        self._lstm: Any = layers[at].lstm

    def run(self, take: Callable[[int, int], Tensor], frames: int, taken: int, made: int) -> Iterator[Tensor]:
        """Output [n, C, made m] for successive m of `frames` frames.

        `take(first, last)` gives the input [n, C, taken (last - first)] of some frames; `taken` and `made` are steps
        per frame of input and output.
        """
        near, far = _reach(self._before, taken), _reach(self._after, 1)
        known, state, held, held_from = 0, None, torch.zeros(0), 0
        for start, end, since, wanted in pieces(frames, far):
            if known < wanted:
                first, last = max(known - near, 0), min(wanted + near, frames)
                hidden = _through(self._before, take(first, last))[..., known - first : wanted - first]
                sequence = hidden.permute(2, 0, 1)
                out, state = self._lstm(sequence, state)
                new = (out + sequence).permute(1, 2, 0)
                held = torch.cat([held[..., since - held_from :], new], -1) if known else new
                held_from, known = since, wanted
            else:
                held, held_from = held[..., since - held_from :], since
            output = _through(self._after, held)
            yield output[..., (start - since) * made : (end - since) * made]


def _through(layers: nn.ModuleList, x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _reach(layers: nn.ModuleList, rate: float) -> int:
    """Frames to each side, at most, that the output of `layers` depends on; `rate` is their input's steps per frame."""
    frames = 0.0
    for module in layers.modules():
        if isinstance(module, nn.Conv1d):
            frames += (module.kernel_size[0] - 1) * module.dilation[0] / rate
            rate /= module.stride[0]
        elif isinstance(module, nn.ConvTranspose1d):
            frames += module.kernel_size[0] / module.stride[0] / rate
            rate *= module.stride[0]
    return math.ceil(frames) + 1


def without_weight_norm(network: nn.Module) -> None:
    """Make every weight of `network` that is kept as direction and length a plain one, in place."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)) and hasattr(layer, "parametrizations"):
            remove_parametrizations(layer, "weight", leave_parametrized=True)


def fit(settings: CodecSettings, waves: Iterable[np.ndarray], count: int, sample_rate: int, seed: int) -> EncodecCodec:
    """The first `codebooks` levels of the pretrained codec `model` (hub id or folder); `waves` are not needed.

    Raises UserError when the model is missing or damaged, or is not what `settings` and `sample_rate` (of the clips)
    say.
    """
    check_settings(settings, sample_rate)
    from transformers import EncodecModel

    from ssmttm.pretrained.hub import load_pretrained

    name = settings.get("model", "")
    model = load_pretrained(EncodecModel, name, KEY)
    config = model.config
    levels: Any = model.quantizer.layers
    hop = math.prod(config.upsampling_ratios)
    check_facts(Facts(config.sampling_rate, hop, len(levels), config.codebook_size), settings, sample_rate)
    without_weight_norm(model)
    books = torch.stack([level.codebook.embed for level in levels[: settings["codebooks"]]])
    tensors = {"codebooks": books.numpy()}
    for part in ("encoder", "decoder"):
        weights = getattr(model, part).state_dict()
        tensors |= {f"{part}.{key}": tensor.numpy() for key, tensor in weights.items()}
    sizes = {key: getattr(config, key) for key in _SIZES}
    return EncodecCodec({**sizes, "upsampling_ratios": list(config.upsampling_ratios)}, tensors)


def latent_widths(levels: int) -> tuple[int, int]:
    """See `ssmttm.codecs.base`; levels add up."""
    return _PUBLISHED_WIDTH, _PUBLISHED_WIDTH


def hop(settings: CodecSettings) -> int:
    """Samples per frame of the model in `settings`, without its weights; UserError for one nothing is known of."""
    facts = facts_of(settings)
    if facts is None:
        raise UserError(
            f"{KEY}: {settings.get('model')} is neither a folder with config.json nor in the local cache of the "
            "Hugging Face hub, so that its frames can't be counted; take facebook/encodec_24khz, "
            "facebook/encodec_32khz or a folder"
        )
    return facts.hop


load = EncodecCodec
"""The codec from a file's sizes and tensors; raises KeyError or ValueError if it is not one."""
