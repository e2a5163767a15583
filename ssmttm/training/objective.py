"""What training minimizes."""

import torch.nn.functional as F
from torch import Tensor

from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.training.data import Batch


def codebook_losses(model: MusicLM, batch: Batch, text_mask: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats per code of each codebook, `[K]`; its mean is the loss.

    Positions that the delay pattern fills with the special id don't count: every codebook has
    as many codes as the others.
    """
    targets = delay(batch.codes, model.special)
    logits = model(shift(targets, model.special), batch.text, text_mask)
    losses = F.cross_entropy(
        logits.flatten(0, 2).float(),
        targets.transpose(1, 2).flatten(),
        ignore_index=model.special,
        label_smoothing=label_smoothing,
        reduction="none",
    )
    clips, codebooks, frames = batch.codes.shape
    return losses.view(clips, -1, codebooks).sum((0, 1)) / (clips * frames)
