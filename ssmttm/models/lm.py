"""The only language model: caption and codec tokens in, logits of the next codes out.

A design is a configuration (`ModelConfig`): which mixer, feed-forward or none, caption as a
prefix or by cross-attention. The designs are those of arXiv 2601.14786.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ssmttm.models.blocks import Block
from ssmttm.models.conditioning import CaptionCondition
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import number_sites
from ssmttm.models.functional import RMSNorm
from ssmttm.models.inference.decode import rms_norm
from ssmttm.models.mixer import State
from ssmttm.models.patterns import steps_for
from ssmttm.models.positions import sinusoidal

_PIECE = 512
"""Steps that `prefill` takes at once: bounds its memory for long prompts."""
_AHEAD = 64
"""Frames whose position vectors are computed at once."""


@dataclass
class Stream:
    """A generation under way: everything that the next step needs."""

    layers: list[State]
    context: list[State | None]
    position: Tensor  # [batch], of the next frame
    head: Tensor  # [K * codebook_size, d_model], the heads as one
    ahead: list[Tensor] = field(default_factory=list)  # position vectors [batch, d_model] of next frames, last first


class MusicLM(nn.Module):
    """Codec language model with `codebooks` parallel streams in the delay pattern."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, vocabulary = config.d_model, config.codebook_size + 1
        self.special = config.codebook_size
        embeddings = (nn.Embedding(vocabulary, width) for _ in range(config.codebooks))
        self.embeddings = cast(Sequence[nn.Embedding], nn.ModuleList(embeddings))
        self.caption = CaptionCondition(config.text_width, width)
        self.blocks = cast(Sequence[Block], nn.ModuleList(Block(config, i) for i in range(1, config.layers + 1)))
        self.final_norm = RMSNorm(width) if config.final_norm else nn.Identity()
        self.heads = cast(
            Sequence[nn.Linear],
            nn.ModuleList(nn.Linear(width, vocabulary, bias=False) for _ in range(config.codebooks)),
        )
        self.checkpointing = False  # keep each block's input only, and compute the block again in the backward pass
        number_sites(self)

    def forward(self, codes: Tensor, text: Tensor, text_mask: Tensor) -> Tensor:
        """Logits `[batch, steps, K, codebook_size]` for the targets of `codes`.

        Args:
            codes: `[batch, K, steps]`, delayed and shifted (`ssmttm.models.patterns`).
            text: `[batch, tokens, text_width]` caption token embeddings.
            text_mask: `[batch, tokens]`, False at padding and dropped words.
        """
        context, mask = self.caption(text, text_mask)
        x = self._embed(codes)
        steps = x.shape[1]
        padding: Tensor | None = None
        if self.config.conditioning == "prefix":
            x, padding = self._with_prefix(context, mask, x)
            contexts: list[State | None] = [None] * len(self.blocks)
        else:
            x = self._placed(x, torch.arange(steps, device=x.device))
            contexts = [block.keys_values(context, mask) for block in self.blocks]
        for block, own in zip(self.blocks, contexts, strict=True):
            if self.checkpointing and torch.is_grad_enabled():
                x, _ = checkpoint(block, x, own, None, padding, use_reentrant=False, preserve_rng_state=False)
            else:
                x, _ = block(x, own, None, padding)
        return self._logits(x[:, -steps:], self._head())

    def start(self, text: Tensor, text_mask: Tensor) -> Stream:
        """Take in the captions; `prefill` and `step` then continue. Shapes as in `forward`."""
        context, mask = self.caption(text, text_mask)
        batch = context.shape[0]
        layers = [block.mixer.init_state(batch, context.device, context.dtype) for block in self.blocks]
        contexts: list[State | None] = [None] * len(self.blocks)
        position = torch.zeros(batch, dtype=torch.int64, device=context.device)
        if self.config.conditioning == "cross":
            contexts = [block.keys_values(context, mask) for block in self.blocks]
        stream = Stream(layers, contexts, position, self._head())
        if self.config.conditioning == "prefix":
            x, mask = self._with_prefix(context, mask)
            self._advance(x, stream, mask)
            stream.position += mask.sum(1)
        return stream

    def prefill(self, codes: Tensor, stream: Stream) -> None:
        """Feed the inputs of several steps, `codes [batch, K, steps]`: as `step` for each of them, but faster."""
        for start in range(0, codes.shape[-1], _PIECE):
            piece = codes[..., start : start + _PIECE]
            positions = stream.position[:, None] + torch.arange(piece.shape[-1], device=codes.device)
            self._advance(self._placed(self._embed(piece), positions), stream)
            stream.position += piece.shape[-1]
            stream.ahead.clear()

    def step(self, codes: Tensor, stream: Stream) -> Tensor:
        """Feed one step of codes `[batch, K]`; returns logits `[batch, K, codebook_size]` and advances `stream`."""
        return self.step_at(codes, self.next_place(stream), stream)

    def next_place(self, stream: Stream) -> Tensor | None:
        """Position vectors `[batch, d_model]` of the next frame, on which `stream` goes on to the one after it.

        None if the layers of attention see to positions themselves.
        """
        place = None
        if self.config.positions == "sinusoidal":
            if not stream.ahead:  # for many frames at once: for one, the calls cost more than the sines
                positions = stream.position + torch.arange(_AHEAD - 1, -1, -1, device=stream.position.device)[:, None]
                stream.ahead.extend(sinusoidal(positions, self.config.d_model))
            place = stream.ahead.pop()
        stream.position += 1
        return place

    def step_at(self, codes: Tensor, place: Tensor | None, stream: Stream) -> Tensor:
        """`step` at the `place` that `next_place` says; of `stream`, the layers' states alone are changed."""
        x = self._embed(codes)
        x = x if place is None else x + place
        for i, block in enumerate(self.blocks):
            x, stream.layers[i] = block.step(x, stream.context[i], stream.layers[i])
        x = rms_norm(x, self.final_norm) if isinstance(self.final_norm, RMSNorm) else x
        return F.linear(x, stream.head).view(len(x), len(self.heads), -1)

    def _advance(self, x: Tensor, stream: Stream, mask: Tensor | None = None) -> None:
        """Take inputs of the first block `[batch, length, d_model]` into the states."""
        for i, block in enumerate(self.blocks):
            x, stream.layers[i] = block(x, stream.context[i], stream.layers[i], mask)

    def _embed(self, codes: Tensor) -> Tensor:
        return sum(embed(codes[:, k]) for k, embed in enumerate(self.embeddings))

    def _placed(self, x: Tensor, positions: Tensor) -> Tensor:
        """Inputs of the first block that know their place, unless the layers of attention see to that themselves."""
        return x if self.config.positions == "rotary" else x + sinusoidal(positions, x.shape[-1])

    def _with_prefix(self, context: Tensor, mask: Tensor, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Caption before audio, positions counted over the valid frames of both."""
        if x is not None:
            context = torch.cat([context, x.to(context.dtype)], 1)
            mask = torch.cat([mask, mask.new_ones(x.shape[:2])], 1)
        positions = mask.cumsum(1) - 1
        return self._placed(context, positions.clamp(min=0)), mask

    def _head(self) -> Tensor:
        """Weights of all heads `[K * codebook_size, d_model]`: the special id is no answer, so its row is left out."""
        return torch.cat([head.weight[: self.special] for head in self.heads])

    def _logits(self, x: Tensor, head: Tensor) -> Tensor:
        """Logits `[..., K, codebook_size]`."""
        return F.linear(self.final_norm(x), head).unflatten(-1, (len(self.heads), -1))

    def flops(self, frames: int, tokens: int) -> Cost:
        """FLOPs of `forward` for one clip of `frames` frames and `tokens` caption tokens (padding included)."""
        steps = steps_for(frames, self.config.codebooks)
        length = steps + tokens if self.config.conditioning == "prefix" else steps
        head = Cost(head=2 * steps * len(self.heads) * self.special * self.config.d_model)
        cost = head + self.caption.flops(tokens)
        for block in self.blocks:
            cost += block.flops(length, tokens)
        return cost

    def parameters_by_group(self) -> dict[str, int]:
        """Parameter counts by group; they add up to the whole."""
        groups = {
            "embeddings": 0,
            "heads": 0,
            "text": 0,
            "null_condition": 0,
            "mixers": 0,
            "cross": 0,
            "feedforward": 0,
        }
        groups["norms"] = 0
        for name, parameter in self.named_parameters():
            groups[_group_of(name)] += parameter.numel()
        return groups


def _group_of(name: str) -> str:
    if name.startswith("caption."):
        return "null_condition" if name.endswith("null_condition") else "text"
    if name.startswith("blocks."):
        part = name.split(".")[2]
        return {"mixer": "mixers", "cross": "cross", "feedforward": "feedforward"}.get(part, "norms")
    return "norms" if name.startswith("final_norm") else name.split(".")[0]
