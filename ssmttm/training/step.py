"""One optimizer step, and the loss on held-out clips, in one process or in several."""

import math
import os
import shutil
import time
from contextlib import AbstractContextManager
from typing import Any, TypedDict

import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.dropout import clip_seeds
from ssmttm.models.lm import MusicLM
from ssmttm.seeds import stable_int
from ssmttm.settings import TrainingSettings
from ssmttm.training.average import WeightAverage
from ssmttm.training.batches import clips_at, dropout_seeds, kept_words
from ssmttm.training.data import TokenSet
from ssmttm.training.memory import Fit
from ssmttm.training.objective import codebook_losses
from ssmttm.training.optimizer import build_optimizer
from ssmttm.training.parallel import Workers

TRIALS = 3
"""Steps over which the time of a step is measured, after one that warms up."""


class StepLosses(TypedDict):
    """What one step says of itself."""

    loss: float
    codebook_losses: list[float]
    learning_rate: float
    gradient_norm: float


class Stepper:
    """Steps of one model; each is a function of the weights, the seed and the step's number.

    The result depends neither on the micro-batch nor on the number of processes, up to rounding.
    """

    def __init__(
        self, model: MusicLM, train: TokenSet, settings: TrainingSettings, fit: Fit, seed: int, workers: Workers
    ) -> None:
        self.model, self.train, self.settings, self.fit = model, train, settings, fit
        self.seed, self.workers = seed, workers
        self.optimizer = build_optimizer(model, settings)
        self.average = WeightAverage(model, settings["ema_decay"])
        model.checkpointing = fit.checkpointing
        if settings["compile"]:
            compile_blocks(model)
        self._forward: Any = workers.wrap(model)  # the model, perhaps within what joins processes

    def step(self, number: int, rate: float) -> StepLosses:
        """Optimizer step `number`, from 0, at learning rate `rate`: its losses and gradient norm.

        Raises UserError, in every process, on a loss or gradient that is not finite.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        size = self.settings["batch_size"]
        indices = clips_at(number * size, size, len(self.train), self.seed)
        losses = self.workers.mean(self._gradients(number, indices)).tolist()
        loss = sum(losses) / len(losses)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["gradient_clip"]).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            clips = ", ".join(self.train.clip_ids[i] for i in indices)
            raise UserError(
                f"step {number + 1}: loss {loss}, gradient norm {norm}; the last good state is kept. "
                f"Lower training.learning_rate, or look at the batch's clips: {clips}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": loss, "codebook_losses": losses, "learning_rate": rate, "gradient_norm": norm}

    def _gradients(self, number: int, indices: Any) -> Tensor:
        """Add up the gradients of this process's share of the batch; returns its losses by codebook."""
        settings, model, device = self.settings, self._forward, self.workers.device
        kept = kept_words(
            len(indices),
            self.train.text_tokens,
            settings["caption_dropout"],
            settings["word_dropout"],
            self.seed,
            number,
        )
        torch.manual_seed(stable_int("step", self.seed, number))
        self.model.train()
        share, size = len(indices) // self.workers.size, self.fit.micro_batch
        start = self.workers.rank * share
        losses = torch.zeros(self.model.config.codebooks, device=device)
        for first in range(start, start + share, size):
            positions = range(first, min(first + size, start + share))
            rows = slice(positions.start, positions.stop)
            batch = self.train.batch(indices[rows], device)
            weight = len(positions) / share
            with (
                clip_seeds(dropout_seeds(positions, self.seed, number)),
                self.workers.no_sync(model, positions.stop < start + share),
            ):
                with self._precision():
                    part = codebook_losses(
                        model, batch, batch.text_mask & kept[rows].to(device), settings["label_smoothing"]
                    )
                self.workers.backward(part.mean() * weight)
            losses += part.detach() * weight
        return losses

    @torch.no_grad()
    def evaluate(self, clips: TokenSet, most: int | None = None) -> list[float]:
        """Losses by codebook on all `clips`, or on `most` of them, always the same ones, without dropout.

        With averaged weights, if weights are averaged.
        """
        self.model.eval()
        chosen = clips_at(0, len(clips) if most is None else min(most, len(clips)), len(clips), 0)
        own = chosen[self.workers.rank :: self.workers.size]
        total = torch.zeros(self.model.config.codebooks, dtype=torch.float64, device=self.workers.device)
        with self.average.applied():
            for start in range(0, len(own), self.fit.micro_batch):
                batch = clips.batch(own[start : start + self.fit.micro_batch], self.workers.device)
                with self._precision():
                    total += codebook_losses(self.model, batch, batch.text_mask).double() * len(batch.clip_ids)
        return (self.workers.mean(total) * self.workers.size / len(chosen)).tolist()

    def device_seconds(self) -> float:
        """Measured seconds of one step, summed over devices; weights and optimizer stay as they are.

        Only before the first step: the trial steps have a learning rate of 0, and the moments
        that they leave are thrown away.
        """
        self.step(0, 0.0)
        started = time.perf_counter()
        for number in range(TRIALS):
            self.step(number, 0.0)
        if self.workers.device.type == "cuda":
            torch.cuda.synchronize()
        seconds = (time.perf_counter() - started) / TRIALS
        self.optimizer.state.clear()
        return self.workers.share(seconds) * self.workers.size

    def _precision(self) -> AbstractContextManager[Any]:
        bf16 = self.settings["precision"] == "bf16"
        return torch.autocast(self.workers.device.type, torch.bfloat16, enabled=bf16)


def compile_blocks(model: MusicLM) -> None:
    """Compile the blocks, which are alike, one by one: faster to compile than the model as a whole.

    Raises UserError if there is no C++ compiler, which torch.compile needs.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UserError(f"training.compile is on, but there is no C++ compiler {compiler!r}; install it or set it off")
    for block in model.blocks:
        block.compile()
