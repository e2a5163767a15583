"""The only training loop."""

import math
import time
from pathlib import Path

import torch

from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.rows import StepRow
from ssmttm.training.budget import Plan, learning_rate, steps_at
from ssmttm.training.events import Events
from ssmttm.training.products import CHECKPOINTS
from ssmttm.training.state import TrainState
from ssmttm.training.step import Stepper


def check_losses(what: str, losses: list[float]) -> list[float]:
    """The parts of the loss; UserError if one of them isn't finite."""
    if not all(map(math.isfinite, losses)):
        raise UserError(
            f"{what} losses {', '.join(f'{loss:g}' for loss in losses)}: the weights are broken, and not written. "
            f"Lower training.learning_rate, or set training.precision to fp32 if it is bf16"
        )
    return losses


class Trainer:
    """Trains one model to the end of a plan, resumably."""

    def __init__(self, stepper: Stepper, plan: Plan) -> None:
        self.stepper, self.task, self.plan = stepper, stepper.task, plan
        self.settings, self.workers = stepper.settings, stepper.workers
        self.state = TrainState(stepper.model, stepper.optimizer, stepper.average, plan)
        count = min(self.settings["validations"], plan.steps)
        self.validate_at = {round(plan.steps * (i + 1) / count) for i in range(count)}
        self.checkpoint_at = steps_at(self.settings["checkpoints"], plan.steps)

    def run(
        self, folder: Path, identity: str, progress: Progress | None = None, events: Path | None = None
    ) -> list[StepRow]:
        """Train to the end of the plan; returns the curve.

        States and checkpoints are kept in `folder`, TensorBoard events in the folder `events`,
        both written by the leading process.
        """
        state, leads = self.state, self.workers.leads
        state.restore(folder, identity)
        watch = Events(events, state.step, self.task.parts) if events is not None and leads else None
        if progress is not None:
            progress.start_at(state.step)
        while state.step < self.plan.steps:
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
                watch.add(row, share, rate)
            if leads:
                self._keep(folder, row)
            if state.step % self.settings["state_every"] == 0 and state.step < self.plan.steps and leads:
                if watch is not None:
                    watch.flush()
                state.save(folder, identity)
            if progress is not None:
                progress.update(state.step, f"loss {row['loss']:.3f}, {rate:.0f} tokens/s, {share:.0%} of budget")
        if watch is not None:
            watch.close()
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

    def _keep(self, folder: Path, row: StepRow) -> None:
        """Write the checkpoints that are due."""
        spent = {"step": row["step"], "tokens": row["tokens"], "flops": row["flops"], "seconds": row["seconds"]}
        for fraction, step in self.checkpoint_at.items():
            if step == row["step"]:
                with self.stepper.average.applied():
                    path = folder / CHECKPOINTS / f"{fraction:g}.safetensors"
                    self.task.save(path, spent)
