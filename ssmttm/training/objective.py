"""What training minimizes."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.training.data import Batch


class _CrossEntropy(torch.autograd.Function):
    """`F.cross_entropy` without means, in the memory of the logits: they become their own gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, ignored: int, smoothing: float) -> Tensor:
        counts = (targets != ignored).to(logits.dtype)
        places = targets.masked_fill(targets == ignored, 0)[:, None]
        log_p = torch.log_softmax(logits, -1, out=logits)
        losses = log_p.gather(1, places)[:, 0].mul_((smoothing - 1) * counts)
        if smoothing:
            losses -= smoothing * counts * log_p.mean(-1)
        gradient = log_p.exp_().scatter_add_(1, places, logits.new_full(places.shape, smoothing - 1))
        if smoothing:
            gradient -= smoothing / logits.shape[-1]
        ctx.save_for_backward(gradient, counts)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        gradient, counts = ctx.saved_tensors
        return gradient.mul_((grad * counts)[:, None]), None, None, None


def cross_entropy_(logits: Tensor, targets: Tensor, ignored: int, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy in nats of each row of `logits [n, classes]`, which may be overwritten; 0 for targets `ignored`.

    On a CPU, what waits for memory there is done in place when gradients are wanted.
    """
    if logits.device.type == "cpu" and logits.requires_grad and torch.is_grad_enabled():
        return _CrossEntropy.apply(logits, targets, ignored, smoothing)
    return F.cross_entropy(logits, targets, ignore_index=ignored, label_smoothing=smoothing, reduction="none")


def codebook_losses(model: MusicLM, batch: Batch, text_mask: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats per code of each codebook, `[K]`; its mean is the loss.

    Positions that the delay pattern fills with the special id don't count: every codebook has
    as many codes as the others.
    """
    targets = delay(batch.codes, model.special)
    logits = model(shift(targets, model.special), batch.text, text_mask)
    rows = logits.flatten(0, 2).float()
    losses = cross_entropy_(rows, targets.transpose(1, 2).flatten(), model.special, label_smoothing)
    clips, codebooks, frames = batch.codes.shape
    return losses.view(clips, -1, codebooks).sum((0, 1)) / (clips * frames)
