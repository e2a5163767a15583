"""Sampling codes frame by frame, with recurrent state or cache and classifier-free guidance."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ssmttm.models.inference.graphs import Recorded, why_not
from ssmttm.models.lm import MusicLM, Stream
from ssmttm.models.patterns import delay, steps_for
from ssmttm.progress import Progress
from ssmttm.settings import GenerationSettings

_BLOCK = 256
"""Steps whose random numbers are drawn at once."""


@dataclass(frozen=True)
class Sampling:
    """How the next codes are drawn."""

    temperature: float
    top_k: int
    guidance: float  # null + guidance * (conditional - null); 1 needs no null pass

    @classmethod
    def from_settings(cls, settings: GenerationSettings) -> "Sampling":
        """From the config's `generation` section."""
        return cls(settings["temperature"], settings["top_k"], settings["guidance"])


def guided_step(model: MusicLM, codes: Tensor, stream: Stream, guidance: float) -> Tensor:
    """Next logits `[batch, K, codebook_size]`; with guidance the stream holds captions, then nulls."""
    return _guided(model, codes, model.next_place(stream), stream, guidance)


def _guided(model: MusicLM, codes: Tensor, place: Tensor | None, stream: Stream, guidance: float) -> Tensor:
    if guidance == 1:
        return model.step_at(codes, place, stream)
    conditional, null = model.step_at(torch.cat([codes, codes]), place, stream).chunk(2)
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
def stream_codes(
    model: MusicLM,
    text: Tensor,
    text_mask: Tensor,
    frames: int,
    sampling: Sampling,
    seeds: list[int],
    progress: Progress | None = None,
    prompt: Tensor | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Tensor]:
    """Yield `frames` new frames `[batch, K]` one by one, each as soon as its last codebook is drawn.

    Args:
        model: in evaluation mode; dropout is never on here.
        text: `[batch, tokens, text_width]` caption token embeddings.
        text_mask: `[batch, tokens]`; a row of False samples without a caption.
        frames: any number, also beyond the training length.
        sampling: temperature, top-k, guidance.
        seeds: one per caption; the numbers of a frame depend on its place, not on what is generated before it.
        progress: counts model steps.
        prompt: `[batch, K, T]` codes that come before the first new frame; None for none.
        tell: hears how steps are launched: as a CUDA graph or, for a reason, one by one.
    """
    if model.training:
        raise ValueError("the model must be in evaluation mode")
    batch, codebooks, special = text.shape[0], model.config.codebooks, model.special
    if prompt is None:
        prompt = torch.empty(batch, codebooks, 0, dtype=torch.int64, device=text.device)
    given = prompt.shape[-1]
    if sampling.guidance != 1:
        text, text_mask = torch.cat([text, text]), torch.cat([text_mask, torch.zeros_like(text_mask)])
    stream = model.start(text, text_mask)
    delayed = delay(prompt, special)  # [batch, K, given + K - 1]; the last K - 1 steps are given only in part
    inputs = torch.cat([delayed.new_full((batch, codebooks, 1), special), delayed], -1)
    past, codes = inputs[..., :given], inputs[..., given]
    model.prefill(past if sampling.guidance == 1 else torch.cat([past, past]), stream)
    uniforms = _uniforms(seeds, codebooks, given, text.device)
    advance = _advance(model, stream, sampling, tell)
    recent: deque[Tensor] = deque(maxlen=codebooks)
    for step in range(given, given + steps_for(frames, codebooks)):
        codes = advance(codes, next(uniforms))
        new = step - given + 1  # codebook k holds frame step - k: the first `new` ones are not in the prompt
        if new < codebooks:
            codes[:, new:] = delayed[:, new:, step]
        codes[:, : max(0, new - frames)] = special
        recent.append(codes)
        if progress is not None:
            progress.advance()
        if step >= given + codebooks - 1:
            yield torch.stack([row[:, k] for k, row in enumerate(recent)], 1)


def generate_codes(
    model: MusicLM,
    text: Tensor,
    text_mask: Tensor,
    frames: int,
    sampling: Sampling,
    seeds: list[int],
    progress: Progress | None = None,
    prompt: Tensor | None = None,
    tell: Callable[[str], None] | None = None,
) -> Tensor:
    """All that `stream_codes` yields, as `[batch, K, frames]`."""
    return torch.stack(list(stream_codes(model, text, text_mask, frames, sampling, seeds, progress, prompt, tell)), -1)


def _advance(
    model: MusicLM, stream: Stream, sampling: Sampling, tell: Callable[[str], None] | None
) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of the codes of a step and of uniform numbers, both `[batch, K]`, that draws the codes after them."""

    def drawn(codes: Tensor, uniform: Tensor, place: Tensor | None = None) -> Tensor:
        return draw(_guided(model, codes, place, stream, sampling.guidance), sampling, uniform)

    recorded = Recorded(drawn, why_not(model, stream.position.device), tell)

    def advance(codes: Tensor, uniform: Tensor) -> Tensor:
        place = model.next_place(stream)
        return recorded(codes, uniform) if place is None else recorded(codes, uniform, place)

    return advance


def _uniforms(seeds: list[int], codebooks: int, skip: int, device: torch.device) -> Iterator[Tensor]:
    """Uniform numbers `[batch, K]` of step `skip`, `skip + 1`, …; each row from its own seed."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    while True:
        block = torch.stack([torch.rand(_BLOCK, codebooks, generator=g) for g in generators], 1)
        yield from block[min(skip, _BLOCK) :].to(device)
        skip = max(0, skip - _BLOCK)
