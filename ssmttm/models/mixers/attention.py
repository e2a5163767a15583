"""Causal multi-head self-attention with a key-value cache, in the paper's form or with what stronger ones have."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import AttentionDropout
from ssmttm.models.functional import RMSNorm
from ssmttm.models.kernels.attention import pairs
from ssmttm.models.mixer import SequenceMixer, State
from ssmttm.models.positions import rotate, rotations


class Mixer(SequenceMixer):
    """Query, key and value without bias, output with bias, as in the code released with arXiv 2601.14786.

    With `qk_norm`, queries and keys are normalized per head (Henry et al. 2020, arXiv 2010.04245, with RMSNorm); with
    `positions: rotary` they are then turned by their place (Su et al. 2021, arXiv 2104.09864). What is cached of a
    key is final.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        width = config.d_model // config.attention_heads
        self.rotary = config.positions == "rotary"
        self.query_norm, self.key_norm = (RMSNorm(width) if config.qk_norm else None for _ in range(2))
        self.d_model = config.d_model
        self.heads = config.attention_heads
        self.dropout = AttentionDropout(config.dropout)
        self.query = nn.Linear(config.d_model, config.d_model, bias=False)
        self.key_value = nn.Linear(config.d_model, 2 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model)

    def forward(self, x: Tensor, state: State | None = None, mask: Tensor | None = None) -> tuple[Tensor, State | None]:
        """See `SequenceMixer.forward`."""
        length = x.shape[1]
        query, key, value = self._heads(x, 0 if state is None else int(state["length"]))
        if state is None:
            seen = None if mask is None else mask[:, None, None, :]
            return self._join(self.dropout(query, key, value, seen, causal=True)), None
        valid = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
        if mask is not None:
            state["padded"] |= not mask.all()
        key, value, valid = self._append(state, key, value, valid)
        past = key.shape[2] - length
        causal = torch.ones(length, past + length, dtype=torch.bool, device=x.device).tril(past)
        itself = torch.zeros_like(causal).diagonal_scatter(torch.ones(length, dtype=torch.bool, device=x.device), past)
        allowed = (causal & valid[:, None, None, :]) | itself  # a padded query sees itself: no empty softmax
        y = self.dropout(query.to(key.dtype), key, value, allowed)
        return self._join(y.to(x.dtype)), state

    @torch.no_grad()
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """See `SequenceMixer.step`; the cache is written in place, and nothing can be differentiated."""
        query, key, value = self._heads(x[:, None], int(state["length"]))
        valid = torch.ones(len(x), 1, dtype=torch.bool, device=x.device)
        key, value, valid = self._append(state, key, value, valid)
        mask = valid[:, None, None] if state["padded"] else None
        y = F.scaled_dot_product_attention(query.to(key.dtype), key, value, attn_mask=mask)
        return self.out(y.flatten(1).to(x.dtype)), state

    def init_state(self, batch: int, device: torch.device, dtype: torch.dtype) -> State:
        """See `SequenceMixer.init_state`: an empty cache that doubles when it is full.

        Keys and values are kept in the type of the weights that they come from.
        """
        dtype = self.key_value.weight.dtype
        room = (batch, self.heads, 64, self.d_model // self.heads)
        return {
            "key": torch.zeros(room, device=device, dtype=dtype),
            "value": torch.zeros(room, device=device, dtype=dtype),
            "valid": torch.zeros(batch, 64, dtype=torch.bool, device=device),
            "length": torch.zeros((), dtype=torch.int64),
            "padded": torch.zeros((), dtype=torch.bool),
        }

    def _append(self, state: State, key: Tensor, value: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Write new frames into the cache; returns keys, values and validity of all frames so far."""
        start = int(state["length"])
        end = start + key.shape[2]
        while end > state["key"].shape[2]:
            room = state["key"].shape[2]
            state["key"] = F.pad(state["key"], (0, 0, 0, room))
            state["value"] = F.pad(state["value"], (0, 0, 0, room))
            state["valid"] = F.pad(state["valid"], (0, room))
        state["key"][:, :, start:end] = key
        state["value"][:, :, start:end] = value
        state["valid"][:, start:end] = valid
        state["length"].fill_(end)
        return state["key"][:, :, :end], state["value"][:, :, :end], state["valid"][:, :end]

    def _heads(self, x: Tensor, start: int) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values `[batch, heads, length, width]` of `x`, whose first frame is number `start`.

        Padding is counted: turned vectors say how far they are apart, and nothing else.
        """
        query = self._split(self.query(x))
        key, value = (self._split(t) for t in self.key_value(x).chunk(2, -1))
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        if self.rotary:
            turns = rotations(torch.arange(start, start + x.shape[1], device=x.device), query.shape[-1])
            query, key = rotate(query, turns), rotate(key, turns)
        return query, key, value

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _join(self, y: Tensor) -> Tensor:
        return self.out(y.transpose(1, 2).flatten(2))

    def flops(self, length: int) -> Cost:
        """See `SequenceMixer.flops`; scores are counted as causal kernels compute them, not for later frames."""
        weights = 2 * length * 4 * self.d_model**2
        return Cost(weights=weights, attention=2 * 2 * pairs(length) * self.d_model)

    def state_bytes(self, length: int, element_size: int = 4) -> int:
        """See `SequenceMixer.state_bytes`: keys and values of every frame."""
        return 2 * length * self.d_model * element_size
