"""What a training ends with: its model, curve and checkpoints, and what they cost."""

import shutil
from pathlib import Path

from ssmttm.files import link_file
from ssmttm.rows import StepRow
from ssmttm.tables import write_table
from ssmttm.training.loop import Trainer
from ssmttm.training.products import CHECKPOINTS
from ssmttm.training.task import Fit


def keep(finished: Path, folder: Path, trainer: Trainer, curve: list[StepRow]) -> None:
    """Write the model and the curve, and bring the checkpoints beside them, to the folder `finished`."""
    shutil.rmtree(finished, ignore_errors=True)
    with trainer.stepper.average.applied():
        trainer.task.save(finished / trainer.task.product, {})
    write_table(finished / "curve.parquet", "curve", curve)
    for fraction in trainer.checkpoint_at:
        name = f"{CHECKPOINTS}/{fraction:g}.safetensors"
        link_file(folder / name, finished / name)


def costs(trainer: Trainer, fit: Fit) -> dict[str, object]:
    """What the run spent, and how it was computed."""
    plan, model = trainer.plan, trainer.stepper.model
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": plan.steps,
        "tokens": plan.steps * plan.tokens_per_step,
        "flops_per_step": plan.flops_per_step,
        "flops_planned": plan.flops_planned,
        "flops_spent": plan.flops_spent,
        "branch_steps": trainer.branch_steps,
        "seconds": trainer.state.seconds,
        "device_hours": trainer.state.seconds * trainer.workers.size / 3600,
        "processes": trainer.workers.size,
        "micro_batch": fit.micro_batch,
        "activation_checkpointing": fit.checkpointing,
        "checkpoints": {f"{CHECKPOINTS}/{f:g}.safetensors": step for f, step in trainer.checkpoint_at.items()},
    }
