"""The only training loop."""

import math
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.progress import Progress
from ssmttm.seeds import stable_int
from ssmttm.training.budget import Plan, learning_rate
from ssmttm.training.data import Batch, TokenSet, clips_at
from ssmttm.training.state import TrainState


def build_optimizer(model: MusicLM, settings: dict[str, Any]) -> torch.optim.AdamW:
    """AdamW; weight decay on matrices only, not on norms, biases, the null condition or SSM parameters."""
    matrices = [p for n, p in model.named_parameters() if p.ndim >= 2 and not n.endswith("conv_weight")]
    chosen = {id(p) for p in matrices}
    groups = [
        {"params": matrices, "weight_decay": settings["weight_decay"]},
        {"params": [p for p in model.parameters() if id(p) not in chosen], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=tuple(settings["betas"]), eps=settings["epsilon"])


def token_loss(model: MusicLM, batch: Batch, text_mask: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy in nats per codec token, over all codebooks and frames.

    Positions that the delay pattern fills with the special id don't count.
    """
    targets = delay(batch.codes, model.special)
    logits = model(shift(targets, model.special), batch.text, text_mask)
    return F.cross_entropy(
        logits.flatten(0, 2).float(),
        targets.transpose(1, 2).flatten(),
        ignore_index=model.special,
        label_smoothing=label_smoothing,
    )


def drop_captions(mask: Tensor, caption_dropout: float, word_dropout: float) -> Tensor:
    """Mask out whole captions (the null condition) and single words, from torch's global generator."""
    keep_caption = torch.rand(mask.shape[0], 1, device=mask.device) >= caption_dropout
    keep_word = torch.rand(mask.shape, device=mask.device) >= word_dropout
    return mask & keep_caption & keep_word


class Trainer:
    """Trains one model under one plan; every step is a function of the seed and the step's number."""

    def __init__(
        self, model: MusicLM, train: TokenSet, validation: TokenSet, settings: dict[str, Any], plan: Plan, seed: int
    ) -> None:
        self.model, self.train, self.validation = model, train, validation
        self.settings, self.plan, self.seed = settings, plan, seed
        self.device = next(model.parameters()).device
        self.state = TrainState(0, 0.0, [], model, build_optimizer(model, settings))
        count = min(settings["validations"], plan.steps)
        self.validate_at = {round(plan.steps * (i + 1) / count) for i in range(count)}

    def run(self, folder: Path, identity: str, progress: Progress | None = None) -> list[dict[str, Any]]:
        """Train to the end of the plan, saving resumable states in `folder`; returns the curve."""
        state = self.state
        state.restore(folder, identity)
        if progress is not None:
            progress.start_at(state.step)
        while state.step < self.plan.steps:
            try:
                row = self._step(state.step)
            except UserError:
                state.save(folder, identity)
                raise
            state.step += 1
            row |= {
                "step": state.step,
                "tokens": state.step * self.plan.tokens_per_step,
                "flops": state.step * self.plan.flops_per_step,
                "seconds": state.seconds,
                "validation_loss": self.evaluate(self.validation) if state.step in self.validate_at else None,
            }
            state.curve.append(row)
            if state.step % self.settings["state_every"] == 0 and state.step < self.plan.steps:
                state.save(folder, identity)
            if progress is not None:
                progress.update(state.step, self._note(row))
        return state.curve

    def _note(self, row: dict[str, Any]) -> str:
        rate = row["tokens"] / max(row["seconds"], 1e-9)
        return f"loss {row['loss']:.3f}, {rate:.0f} tokens/s, {row['flops'] / self.plan.flops_planned:.0%} of budget"

    def _step(self, step: int) -> dict[str, Any]:
        """One optimizer step; raises UserError on a loss or gradient that is not finite."""
        started = time.perf_counter()
        settings, optimizer = self.settings, self.state.optimizer
        torch.manual_seed(stable_int("step", self.seed, step))
        self.model.train()
        rate = learning_rate(step, self.plan.steps, settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        size, pieces = settings["batch_size"], settings["accumulate"]
        indices = clips_at(step * size * pieces, size * pieces, len(self.train), self.seed)
        loss = 0.0
        for micro in np.split(indices, pieces):
            batch = self.train.batch(micro, self.device)
            mask = drop_captions(batch.text_mask, settings["caption_dropout"], settings["word_dropout"])
            with self._precision():
                part = token_loss(self.model, batch, mask, settings["label_smoothing"]) / pieces
            part.backward()
            loss += part.item()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings["gradient_clip"]).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            clips = ", ".join(self.train.clip_ids[i] for i in indices)
            raise UserError(
                f"step {step + 1}: loss {loss}, gradient norm {norm}; the last good state is kept. "
                f"Lower training.learning_rate, or look at the batch's clips: {clips}"
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        self.state.seconds += time.perf_counter() - started
        return {"loss": loss, "learning_rate": rate, "gradient_norm": norm}

    @torch.no_grad()
    def evaluate(self, clips: TokenSet) -> float:
        """Mean loss on `validation_clips` clips of a held-out split, always the same ones, without dropout."""
        self.model.eval()
        chosen = clips_at(0, min(self.settings["validation_clips"], len(clips)), len(clips), 0)
        total = 0.0
        for start in range(0, len(chosen), self.settings["batch_size"]):
            batch = clips.batch(chosen[start : start + self.settings["batch_size"]], self.device)
            with self._precision():
                total += token_loss(self.model, batch, batch.text_mask).item() * len(batch.clip_ids)
        return total / len(chosen)

    def _precision(self) -> AbstractContextManager[Any]:
        bf16 = self.settings["precision"] == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)
