"""Codes of level 1 to latents of the levels above it, window by window, for any length in constant memory.

Each window holds the last frames of the one before, which stay as they are while the window is sampled around them.
What a frame becomes follows from codes, caption, seed and frame number alone: not from the pieces that codes come in.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ssmttm.generation.latent_samplers import Captions, LatentSampler


class Refined(NamedTuple):
    """Frames that are final."""

    codes: Tensor
    """`[batch, frames]`, of level 1."""
    latents: Tensor
    """`[batch, frames, C2]`, of levels 2 to K."""


class WindowRefiner:
    """One generation under way."""

    def __init__(
        self, sampler: LatentSampler, captions: Captions, window: int, overlap: int, past: Tensor | None = None
    ) -> None:
        """Begin.

        Args:
            sampler: makes one window.
            captions: a row for each clip.
            window: frames of a window.
            overlap: frames that it shares with the one before, fewer than `window`.
            past: codes `[batch, K, T]` of all levels that come before the first new frame; None for none. They are
                continued, and not among what is returned.
        """
        if not 0 <= overlap < window:
            raise ValueError(f"overlap {overlap} must be 0 or more, and less than window {window}")
        batch, device = captions.text.shape[0], captions.text.device
        past = torch.zeros(batch, 1 + sampler.levels, 0, dtype=torch.int64, device=device) if past is None else past
        kept = past[..., max(0, past.shape[-1] - overlap) :]
        self._sampler, self._captions, self._window, self._overlap = sampler, captions, window, overlap
        self._codes = kept[:, 0]  # from the first frame of the next window on
        self._known = sampler.state_of(kept[:, 1:])
        self._start = past.shape[-1] - kept.shape[-1]

    def push(self, codes: Tensor) -> Refined:
        """Take codes `[batch, n]` of level 1; returns the frames that are now final, often none."""
        self._codes = torch.cat([self._codes, codes], 1)
        done = [self._advance(0)]
        while self._codes.shape[1] >= self._window:
            done.append(self._advance(self._window))
        return Refined(torch.cat([d.codes for d in done], 1), torch.cat([d.latents for d in done], 1))

    def finish(self) -> Refined:
        """The rest of the frames, after the last code."""
        left = self._codes.shape[1]
        return self._advance(left if left > self._known.shape[1] else 0)

    @torch.inference_mode()
    def _advance(self, count: int) -> Refined:
        """Sample the next window, of `count` frames; nothing for 0."""
        if not count:
            return Refined(self._codes[:, :0], self._sampler.latents(self._known[:, :0]))
        codes, held = self._codes[:, :count], self._known.shape[1]
        state = self._sampler.sample(codes, self._known, range(self._start, self._start + count), self._captions)
        done = max(0, count - self._overlap)
        self._known, self._codes, self._start = (
            state[:, done:].clone(),
            self._codes[:, done:].clone(),
            self._start + done,
        )
        return Refined(codes[:, held:], self._sampler.latents(state[:, held:]))
