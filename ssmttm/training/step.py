"""One optimizer step, and the loss on held-out clips, in one process or in several."""

import math
import os
import shutil
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from ssmttm.errors import UserError
from ssmttm.models.dropout import clip_seeds
from ssmttm.seeds import stable_int
from ssmttm.settings import TrainingSettings
from ssmttm.training.average import WeightAverage
from ssmttm.training.batches import clips_at, dropout_seeds
from ssmttm.training.optimizer import build_optimizer
from ssmttm.training.parallel import Workers
from ssmttm.training.task import Clips, Fit, Rows, Task

TRIALS = 3
"""Steps over which the time of a step is measured, after one that warms up."""


class Diverged(UserError):
    """A loss or a gradient that isn't finite."""


class StepLosses(TypedDict):
    """What one step says of itself."""

    loss: float
    part_losses: list[float]
    learning_rate: float
    gradient_norm: float


class Stepper:
    """Steps of one model; each is a function of the weights, the seed and the step's number.

    The result depends neither on the micro-batch nor on the number of processes, up to rounding.
    """

    def __init__(self, task: Task, settings: TrainingSettings, fit: Fit, seed: int, workers: Workers) -> None:
        self.task, self.model, self.settings, self.fit = task, task.model, settings, fit
        self.seed, self.workers = seed, workers
        self.optimizer = build_optimizer(self.model, settings)
        self.average = WeightAverage(self.model, settings["ema_decay"])
        if settings["compile"]:
            compile_blocks(task.blocks())
        self._forward: Any = workers.wrap(self.model)  # the model, perhaps within what joins processes

    def step(self, number: int, rate: float) -> StepLosses:
        """Optimizer step `number`, from 0, at learning rate `rate`: its losses and gradient norm.

        Raises Diverged, in every process, on a loss or gradient that is not finite.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        size = self.settings["batch_size"]
        train = self.task.train
        indices = clips_at(number * size, size, len(train), self.seed)
        own = self._own(size)
        self.task.expect(clips_at((number + 1) * size + own.start, len(own), len(train), self.seed))
        parts = self.workers.mean(self._gradients(number, indices)).double()
        losses, loss = parts.tolist(), self.task.objective(parts).item()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings["gradient_clip"]).item()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            clips = ", ".join(train.clip_ids[i] for i in indices)
            raise Diverged(
                f"step {number + 1}: loss {loss}, gradient norm {norm}; the last good state is kept. "
                f"Lower training.learning_rate, or look at the batch's clips: {clips}"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"loss": loss, "part_losses": losses, "learning_rate": rate, "gradient_norm": norm}

    def _own(self, count: int) -> range:
        """Which places of a batch of `count` clips this process computes."""
        share = count // self.workers.size
        return range(self.workers.rank * share, (self.workers.rank + 1) * share)

    def _gradients(self, number: int, indices: Any) -> Tensor:
        """Add up the gradients of this process's share of the batch; returns the parts of its loss."""
        task, model, device = self.task, self._forward, self.workers.device
        torch.manual_seed(stable_int("step", self.seed, number))
        self.model.train()
        own, size = self._own(len(indices)), self.fit.micro_batch
        losses = torch.zeros(len(task.parts), device=device)
        for first in own[::size]:
            positions = range(first, min(first + size, own.stop))
            chosen = indices[positions.start : positions.stop]
            rows = Rows(chosen, positions, len(indices), number, self.seed)
            weight = len(positions) / len(own)
            with (
                clip_seeds(dropout_seeds(positions, self.seed, number)),
                self.workers.no_sync(model, positions.stop < own.stop),
            ):
                with self._precision():
                    parts = task.losses(model, rows, device)
                self.workers.backward(task.objective(parts) * weight)
            losses += parts.detach() * weight
        return losses

    @torch.no_grad()
    def evaluate(self, clips: Clips, most: int | None = None) -> list[float]:
        """Parts of the loss on all `clips`, or on `most` of them, always the same ones, without dropout.

        With averaged weights, if weights are averaged.
        """
        self.model.eval()
        chosen = clips_at(0, len(clips) if most is None else min(most, len(clips)), len(clips), 0)
        own = chosen[self.workers.rank :: self.workers.size]
        total = torch.zeros(len(self.task.parts), dtype=torch.float64, device=self.workers.device)
        with self.average.applied():
            for start in range(0, len(own), self.fit.micro_batch):
                indices = own[start : start + self.fit.micro_batch]
                with self._precision():
                    total += self.task.held_out(clips, indices, self.workers.device).double() * len(indices)
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


def compile_blocks(blocks: Iterable[nn.Module]) -> None:
    """Compile blocks, which are alike, one by one: faster to compile than the model as a whole.

    For each shape by itself: chunks of a scan are counted while they are compiled. Without dropout, which is drawn clip
    by clip, a block of Mamba is one graph.

    Raises UserError if there is no C++ compiler, which torch.compile needs.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UserError(f"training.compile is on, but there is no C++ compiler {compiler!r}; install it or set it off")
    for block in blocks:
        block.compile(dynamic=False)
