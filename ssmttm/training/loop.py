"""The only training loop."""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.rows import StepRow
from ssmttm.training.budget import Plan, branch_start, learning_rate, steps_at
from ssmttm.training.ending import Ended
from ssmttm.training.products import CHECKPOINTS
from ssmttm.training.state import TrainState
from ssmttm.training.step import Diverged, Stepper
from ssmttm.training.watching import Watch


def check_losses(what: str, losses: list[float]) -> list[float]:
    """The parts of the loss; Diverged if one of them isn't finite."""
    if not all(map(math.isfinite, losses)):
        raise Diverged(
            f"{what} losses {', '.join(f'{loss:g}' for loss in losses)}: the weights are broken, and not written. "
            f"Lower training.learning_rate, or set training.precision to fp32 if it is bf16"
        )
    return losses


BRANCHES = "branches"
"""Folder of the states of branches under way, inside that of the run's state."""


class Trainer:
    """Trains one model to the end of a plan, resumably.

    Under the schedule wsd, a checkpoint is the end of a branch: there the learning rate has fallen as at the end of a
    run that has no more steps than these, whose first steps are the trunk's. So its weights are those of that run.
    """

    def __init__(self, stepper: Stepper, plan: Plan, branch: bool = False) -> None:
        """A `branch` validates at its end alone, and keeps no checkpoints of its own."""
        self.stepper, self.task, self.plan = stepper, stepper.task, plan
        self.settings, self.workers = stepper.settings, stepper.workers
        self.state = TrainState(stepper.model, stepper.optimizer, stepper.average, plan)
        count = 1 if branch else min(self.settings["validations"], plan.steps)
        self.validate_at = {round(plan.steps * (i + 1) / count) for i in range(count)}
        self.checkpoint_at = {} if branch else steps_at(self.settings["checkpoints"], plan.steps)
        self.branch_from: dict[float, int] = {}
        """Steps after which branches leave the trunk, by the fractions where they end."""
        if self.settings["schedule"] == "wsd":
            for fraction, end in self.checkpoint_at.items():
                self.branch_from[fraction] = branch_start(end, plan.steps, self.settings)

    @property
    def branch_steps(self) -> int:
        """Optimizer steps that branches take besides the plan's."""
        return sum(self.checkpoint_at[fraction] - start for fraction, start in self.branch_from.items())

    def run(
        self,
        folder: Path,
        identity: str,
        progress: Progress | None = None,
        watch: Watch | None = None,
        ending: Callable[[], bool] = lambda: False,
    ) -> list[StepRow]:
        """Train to the end of the plan; returns the curve.

        States and checkpoints are kept in `folder`, written by the leading process, which may have the curve watched.
        As soon as `ending()` is true it saves its state and raises Ended; the others go on until it is gone.
        """
        state, leads = self.state, self.workers.leads
        state.restore(folder, identity)
        if watch is not None:
            watch.start(state.curve)
        if progress is not None:
            progress.start_at(state.step)
        while state.step < self.plan.steps:
            for fraction in [fraction for fraction, start in self.branch_from.items() if start == state.step]:
                self._branch(fraction, folder, identity, ending)
            try:
                row = self._advance()
            except UserError:
                if leads and state.sound:
                    state.save(folder, identity)
                raise
            state.curve.append(row)
            rate = row["tokens"] / max(row["seconds"], 1e-9)
            share = row["flops"] / self.plan.flops_planned
            if watch is not None:
                watch.add(row)
            if leads:
                self._keep(folder, row)
            if state.step % self.settings["state_every"] == 0 and state.step < self.plan.steps and leads:
                if watch is not None:
                    watch.flush()
                state.save(folder, identity)
            if leads and ending() and state.step < self.plan.steps:
                state.save(folder, identity)
                raise Ended(state.step)
            if progress is not None:
                progress.update(state.step, f"loss {row['loss']:.3f}, {rate:.0f} tokens/s, {share:.0%} of budget")
        self.workers.wait()
        return state.curve

    def _advance(self) -> StepRow:
        """One optimizer step: its row of the curve."""
        state, started = self.state, time.perf_counter()
        rate = learning_rate(state.step, self.plan.steps, self.settings)
        losses = self.stepper.step(state.step, rate)
        self.stepper.average.update()
        state.step += 1
        state.seconds += time.perf_counter() - started
        validation = None
        if state.step in self.validate_at:
            held_out = self.stepper.evaluate(self.task.validation, self.settings["validation_clips"])
            validation = check_losses(f"step {state.step}: validation", held_out)
        return {
            **losses,
            "step": state.step,
            "tokens": state.step * self.plan.tokens_per_step,
            "flops": state.step * self.plan.flops_per_step,
            "seconds": state.seconds,
            "validation_loss": None if validation is None else self.loss_of(validation),
            "validation_part_losses": validation,
        }

    def loss_of(self, parts: list[float]) -> float:
        """The loss that these parts are of."""
        return self.task.objective(torch.tensor(parts, dtype=torch.float64)).item()

    def _branch(self, fraction: float, folder: Path, identity: str, ending: Callable[[], bool]) -> None:
        """Train the branch that ends at `fraction` and keep its model, unless it is kept; then go back to the trunk.

        The trunk's state is written before, and the branch's own ones in a folder of its own meanwhile.
        """
        leads, own = self.workers.leads, folder / BRANCHES / f"{fraction:g}"
        if self.workers.share(leads and self._checkpoint(folder, fraction).is_file()):
            return
        if leads:
            self.state.save(folder, identity)
        self.workers.wait()
        end = self.checkpoint_at[fraction]
        branch = Trainer(self.stepper, replace(self.plan, steps=end), branch=True)
        branch.state.step, branch.state.seconds = self.state.step, self.state.seconds
        branch.state.curve = list(self.state.curve)
        row = branch.run(own, identity, ending=ending)[-1]
        if leads:
            self._save(folder, fraction, row)
            shutil.rmtree(own, ignore_errors=True)
        self.workers.wait()
        self.state.restore(folder, identity)

    def _checkpoint(self, folder: Path, fraction: float) -> Path:
        return folder / CHECKPOINTS / f"{fraction:g}.safetensors"

    def _keep(self, folder: Path, row: StepRow) -> None:
        """Write the checkpoints that are due, of those that are no branch's end."""
        for fraction, step in self.checkpoint_at.items():
            if step == row["step"] and fraction not in self.branch_from:
                self._save(folder, fraction, row)

    def _save(self, folder: Path, fraction: float, row: StepRow) -> None:
        spent = {"step": row["step"], "tokens": row["tokens"], "flops": row["flops"], "seconds": row["seconds"]}
        with self.stepper.average.applied():
            self.task.save(self._checkpoint(folder, fraction), spent)
