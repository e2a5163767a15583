"""The parts of a block around its sequence mixer: cross-attention, feed-forward, residuals."""

import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.models.config import ModelConfig, Shape
from ssmttm.models.cost import Cost
from ssmttm.models.dropout import AttentionDropout, Dropout
from ssmttm.models.functional import RMSNorm
from ssmttm.models.inference.decode import rms_norm
from ssmttm.models.mixer import State, build_mixer


class CrossAttention(nn.Module):
    """Attention from audio frames to caption tokens; padded tokens get no weight."""

    def __init__(self, config: Shape, qk_norm: bool = False) -> None:
        """With `qk_norm`, queries and keys are normalized per head."""
        super().__init__()
        width = config.d_model // config.attention_heads
        self.query_norm, self.key_norm = (RMSNorm(width) if qk_norm else None for _ in range(2))
        self.heads = config.attention_heads
        self.dropout = AttentionDropout(config.dropout)
        self.d_model = config.d_model
        self.query = nn.Linear(config.d_model, config.d_model, bias=False)
        self.key_value = nn.Linear(config.d_model, 2 * config.d_model, bias=False)
        self.out = nn.Linear(config.d_model, config.d_model)

    def keys_values(self, context: Tensor, mask: Tensor) -> State:
        """Project `context [batch, tokens, d_model]` once, for any number of frames."""
        key, value = (self._split(t) for t in self.key_value(context).chunk(2, -1))
        key = key if self.key_norm is None else self.key_norm(key)
        return {"key": key, "value": value, "mask": mask[:, None, None, :]}

    def forward(self, x: Tensor, context: State) -> Tensor:
        """Attend from `x [batch, length, d_model]` to what `keys_values` returned."""
        query = self._split(self.query(x))
        query = query if self.query_norm is None else self.query_norm(query)
        y = self.dropout(query, context["key"], context["value"], context["mask"])
        return self.out(y.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def flops(self, length: int, tokens: int) -> Cost:
        """FLOPs for `length` frames that attend to `tokens` caption tokens."""
        square = self.d_model**2
        return Cost(
            weights=2 * (2 * length * square + 2 * tokens * square), attention=2 * 2 * length * tokens * self.d_model
        )


class FeedForward(nn.Sequential):
    """Linear, GELU, dropout, linear, with biases, as in the code released with arXiv 2601.14786."""

    def __init__(self, config: Shape) -> None:
        hidden = config.feedforward_factor * config.d_model
        super().__init__(
            nn.Linear(config.d_model, hidden),
            nn.GELU(),
            Dropout(config.dropout),
            nn.Linear(hidden, config.d_model),
        )

    def step(self, x: Tensor) -> Tensor:
        """One frame `[batch, d_model]`, without dropout and what calling modules costs."""
        changed: Tensor = self[-1](F.gelu(self[0](x)))
        return changed

    def flops(self, length: int) -> Cost:
        """FLOPs for `length` frames."""
        return Cost(weights=2 * length * sum(layer.weight.numel() for layer in self if isinstance(layer, nn.Linear)))


class GatedFeedForward(nn.Module):
    """SwiGLU without biases (Shazeer 2020, arXiv 2002.05202), with as many parameters as `FeedForward`.

    Three matrices instead of two, so the hidden width is two thirds, rounded to a multiple of d_model / 128.
    """

    def __init__(self, config: Shape) -> None:
        super().__init__()
        width, plain = config.d_model, config.feedforward_factor * config.d_model
        unit = max(1, width // 128)
        hidden = round((2 * width * plain + width + plain) / (3 * width * unit)) * unit
        self.gate_value = nn.Linear(width, 2 * hidden, bias=False)
        self.dropout = Dropout(config.dropout)
        self.out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x [..., d_model]` to the same shape."""
        gate, value = self.gate_value(x).chunk(2, -1)
        return self.out(self.dropout(F.silu(gate) * value))

    def step(self, x: Tensor) -> Tensor:
        """One frame `[batch, d_model]`, without dropout."""
        gate, value = self.gate_value(x).chunk(2, -1)
        changed: Tensor = self.out(F.silu(gate) * value)
        return changed

    def flops(self, length: int) -> Cost:
        """FLOPs for `length` frames."""
        return Cost(weights=2 * length * (self.gate_value.weight.numel() + self.out.weight.numel()))


FEEDFORWARDS: dict[str, type[FeedForward] | type[GatedFeedForward]] = {"gelu": FeedForward, "swiglu": GatedFeedForward}
"""What a variant's `feedforward` names, besides none."""


class Block(nn.Module):
    """Pre-norm residual block: mixer, then cross-attention and feed-forward if the design has them."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        width = config.d_model
        self.mixer_norm = RMSNorm(width)
        self.mixer = build_mixer(config, layer)
        self.mixer_dropout = Dropout(config.dropout)
        self.cross: CrossAttention | None = None
        self.feedforward: FeedForward | GatedFeedForward | None = None
        if config.conditioning == "cross":
            self.cross_norm = RMSNorm(width)
            self.cross = CrossAttention(config, config.qk_norm)
            self.cross_dropout = Dropout(config.dropout)
        if config.feedforward != "none":
            self.feedforward_norm = RMSNorm(width)
            self.feedforward = FEEDFORWARDS[config.feedforward](config)
            self.feedforward_dropout = Dropout(config.dropout)

    def keys_values(self, context: Tensor, mask: Tensor) -> State | None:
        """Caption keys and values of this block; None in a prefix design."""
        return None if self.cross is None else self.cross.keys_values(self.cross_norm(context), mask)

    def forward(
        self, x: Tensor, context: State | None, state: State | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, State | None]:
        """A whole sequence; see `SequenceMixer.forward`."""
        y, state = self.mixer(self.mixer_norm(x), state, mask)
        return self._rest(x + self.mixer_dropout(y), context), state

    def step(self, x: Tensor, context: State | None, state: State) -> tuple[Tensor, State]:
        """One frame `[batch, d_model]`; see `SequenceMixer.step`. Dropout is never on here."""
        y, state = self.mixer.step(rms_norm(x, self.mixer_norm), state)
        x = x + y
        if self.cross is not None and context is not None:
            x = x + self.cross(rms_norm(x, self.cross_norm)[:, None], context)[:, 0]
        if self.feedforward is not None:
            x = x + self.feedforward.step(rms_norm(x, self.feedforward_norm))
        return x, state

    def _rest(self, x: Tensor, context: State | None) -> Tensor:
        if self.cross is not None and context is not None:
            x = x + self.cross_dropout(self.cross(self.cross_norm(x), context))
        if self.feedforward is not None:
            x = x + self.feedforward_dropout(self.feedforward(self.feedforward_norm(x)))
        return x

    def flops(self, length: int, tokens: int) -> Cost:
        """FLOPs for `length` frames and, with cross-attention, `tokens` caption tokens."""
        cost = self.mixer.flops(length)
        if self.cross is not None:
            cost += self.cross.flops(length, tokens)
        if self.feedforward is not None:
            cost += self.feedforward.flops(length)
        return cost
