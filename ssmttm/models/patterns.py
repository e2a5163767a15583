"""The delay pattern: codebook k is predicted k steps after codebook 0 (MusicGen, arXiv 2306.05284, section 2.2)."""

import torch
from torch import Tensor


def steps_for(frames: int, codebooks: int) -> int:
    """Model steps for `frames` frames: no frame is lost at the end."""
    return frames + codebooks - 1


def delay(codes: Tensor, special: int) -> Tensor:
    """Codes `[batch, K, frames]` -> `[batch, K, frames + K - 1]`, row k shifted right by k, `special` elsewhere."""
    batch, codebooks, frames = codes.shape
    delayed = codes.new_full((batch, codebooks, steps_for(frames, codebooks)), special)
    for k in range(codebooks):
        delayed[:, k, k : k + frames] = codes[:, k]
    return delayed


def shift(delayed: Tensor, special: int) -> Tensor:
    """Model inputs for the targets `delayed`: one step later, starting from all `special`."""
    start = delayed.new_full((*delayed.shape[:2], 1), special)
    return torch.cat([start, delayed[..., :-1]], -1)
