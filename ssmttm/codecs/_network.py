"""What codecs that are neural networks share: where they compute, clips taken together, long audio in pieces."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from ssmttm.codecs.base import Codec, Sizes, Tensors, checked_codes, checked_latents, padded_wave

PIECE = 1024
"""Frames that are computed at once, beside those that they depend on: bounds memory."""
_TOGETHER = {"cpu": 1024}
_TOGETHER_ON_GPU = 16384
"""Frames of several clips that are computed at once; a CPU gains nothing from more."""


class NetworkCodec(Codec):
    """A codec whose encoder and decoder are networks: its latents are what the decoder takes."""

    keeps_phase, takes_gpu = True, True
    _network: nn.Module
    _width: int
    """Of the latents."""

    def _fill(self, network: nn.Module, sizes: Sizes, tensors: Tensors) -> None:
        """Take `tensors` as the weights of `network`; ValueError if they don't fit it."""
        try:
            weights = {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}
            network.load_state_dict(weights, assign=True)
        except RuntimeError as error:
            raise ValueError(f"weights that are no {self.name} of these settings: {error}") from error
        self._network, self._sizes = network.eval().requires_grad_(False), sizes
        self._device = torch.device("cpu")

    def to(self, device: torch.device) -> None:
        """See `Codec`."""
        self._network.to(device)
        self._device = device

    def encode(self, wave: np.ndarray) -> np.ndarray:
        """See `Codec`."""
        return self.encode_many([wave])[0]

    @torch.inference_mode()
    def encode_many(self, waves: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Codec`."""
        padded = [padded_wave(wave, self.hop) for wave in waves]
        places = defaultdict(list)
        for place, wave in enumerate(padded):
            places[len(wave) // self.hop].append(place)
        codes: dict[int, np.ndarray] = {}
        for frames, same in places.items():
            count = max(1, _TOGETHER.get(self._device.type, _TOGETHER_ON_GPU) // frames)
            for part in (same[start : start + count] for start in range(0, len(same), count)):
                samples = padded[part[0]][None] if len(part) == 1 else np.stack([padded[place] for place in part])
                # One array for all: small ones that stay, made between large ones that go, would split the heap.
                made, filled = np.empty((len(part), self.codebooks, frames), np.int64), 0
                with _full_precision():
                    for piece in self._encoded(torch.from_numpy(samples)[:, None], frames):
                        made[..., filled : filled + piece.shape[-1]] = piece.cpu().numpy()
                        filled += piece.shape[-1]
                codes.update(zip(part, made, strict=True))
        return [codes[place] for place in range(len(waves))]

    def decode(self, codes: np.ndarray, first: int = 0) -> np.ndarray:
        """See `Codec`; latents are never there as a whole, which for an hour are a gigabyte."""
        codes = checked_codes(self, codes, len(codes))
        return self._decode(lambda first, last: self.latents(codes[:, first:last], len(codes)), codes.shape[1])

    def decode_latents(self, z: np.ndarray, first: int = 0) -> np.ndarray:
        """See `Codec`."""
        z = checked_latents(z, self._width)
        return self._decode(lambda first, last: z[first:last], len(z))

    @torch.inference_mode()
    def _decode(self, latents: Callable[[int, int], np.ndarray], frames: int) -> np.ndarray:
        def take(first: int, last: int) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(latents(first, last).T)[None]).to(self._device)

        wave, filled = np.empty(frames * self.hop, np.float32), 0
        with _full_precision():
            for piece in self._decoded(take, frames):
                samples = piece[0, 0].cpu().numpy()
                wave[filled : filled + len(samples)] = samples
                filled += len(samples)
        return wave

    @abstractmethod
    def _encoded(self, samples: Tensor, frames: int) -> Iterator[Tensor]:
        """Codes [clips, K, n] of `samples` [clips, 1, hop frames], piece by piece."""

    @abstractmethod
    def _decoded(self, take: Callable[[int, int], Tensor], frames: int) -> Iterator[Tensor]:
        """Samples [1, 1, hop n] of `frames` frames, piece by piece; `take(first, last)` gives latents [1, D, m]."""

    def _content(self) -> tuple[Sizes, Tensors]:
        return self._sizes, {name: tensor.cpu().numpy() for name, tensor in self._network.state_dict().items()}


def _full_precision() -> AbstractContextManager[None]:
    """Convolutions of a GPU in float32, always by the same algorithm: TF32 would change codes."""
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


def pieces(frames: int, context: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut `frames` into pieces: start and end of each, and of what it is computed from, `context` more on each side.

    What is computed of the context is discarded (overlap-discard): if the network sees no further, the pieces are
    those of one pass over all of it.
    """
    for start in range(0, frames, PIECE):
        end = min(start + PIECE, frames)
        yield start, end, max(start - context, 0), min(end + context, frames)
