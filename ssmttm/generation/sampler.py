"""Sampling codes frame by frame, with recurrent state or cache and classifier-free guidance."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ssmttm.models.lm import MusicLM, Stream
from ssmttm.models.patterns import steps_for, undelay
from ssmttm.progress import Progress


@dataclass(frozen=True)
class Sampling:
    """How the next codes are drawn."""

    temperature: float
    top_k: int
    guidance: float  # null + guidance * (conditional - null); 1 needs no null pass

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> "Sampling":
        """From the config's `generation` section."""
        return cls(settings["temperature"], settings["top_k"], settings["guidance"])


def guided_step(model: MusicLM, codes: Tensor, stream: Stream, guidance: float) -> Tensor:
    """Next logits `[batch, K, codebook_size]`; with guidance the stream holds captions, then nulls."""
    if guidance == 1:
        return model.step(codes, stream)
    conditional, null = model.step(torch.cat([codes, codes]), stream).chunk(2)
    return null + guidance * (conditional - null)


def draw(logits: Tensor, sampling: Sampling, uniform: Tensor) -> Tensor:
    """Draw codes from `logits [batch, K, codebook_size]` by inverse transform of `uniform [batch, K]` in [0, 1).

    Each row is drawn from its own numbers, so batch-mates never change a result.
    """
    best, order = logits.float().topk(min(sampling.top_k, logits.shape[-1]), dim=-1)
    cumulative = torch.softmax(best / sampling.temperature, -1).cumsum(-1)
    place = (cumulative <= uniform[..., None] * cumulative[..., -1:]).sum(-1)
    place = place.clamp(max=best.shape[-1] - 1)
    return order.gather(-1, place[..., None])[..., 0]


@torch.inference_mode()
def generate_codes(
    model: MusicLM,
    text: Tensor,
    text_mask: Tensor,
    frames: int,
    sampling: Sampling,
    seeds: list[int],
    progress: Progress | None = None,
) -> Tensor:
    """Codes `[batch, K, frames]` for a batch of captions.

    Args:
        model: in evaluation mode; dropout is never on here.
        text: `[batch, tokens, text_width]` caption token embeddings.
        text_mask: `[batch, tokens]`; a row of False samples without a caption.
        frames: any number, also beyond the training length.
        sampling: temperature, top-k, guidance.
        seeds: one per caption.
        progress: counts model steps.
    """
    if model.training:
        raise ValueError("the model must be in evaluation mode")
    batch, codebooks, special = text.shape[0], model.config.codebooks, model.special
    steps = steps_for(frames, codebooks)
    uniform = torch.stack(
        [torch.rand(steps, codebooks, generator=torch.Generator().manual_seed(s)) for s in seeds], 1
    ).to(text.device)
    if sampling.guidance != 1:
        text, text_mask = torch.cat([text, text]), torch.cat([text_mask, torch.zeros_like(text_mask)])
    stream = model.start(text, text_mask)
    codes = torch.full((batch, codebooks), special, device=text.device)
    delayed = torch.empty(batch, codebooks, steps, dtype=torch.int64, device=text.device)
    for step in range(steps):
        logits = guided_step(model, codes, stream, sampling.guidance)
        codes = draw(logits, sampling, uniform[step])
        waiting = [k for k in range(codebooks) if not k <= step < frames + k]
        codes[:, waiting] = special
        delayed[:, :, step] = codes
        if progress is not None:
            progress.update(step + 1)
    return undelay(delayed)
