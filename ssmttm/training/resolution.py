"""How a budget becomes a number of steps, once per run: what was decided by measuring stays as it is."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ssmttm.files import write_json
from ssmttm.seeds import stable_int
from ssmttm.settings import Budget, TrainingSettings
from ssmttm.training.budget import Plan, plan_budget
from ssmttm.training.loop import Trainer
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit, Task

PLAN = "plan.json"
"""What was decided by measuring when the run started: an interrupted run goes on with it."""


def build_trainer(
    task: Task, settings: TrainingSettings, budget: Budget, seed: int, folder: Path, workers: Workers
) -> tuple[Trainer, Fit]:
    """The trainer of a run, under the plan in `folder` if there is one; builds the task's model."""
    path = folder / PLAN
    stored = workers.share(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None)
    fit = Fit(**stored["fit"]) if stored else workers.share(task.fit(settings, workers.device))
    torch.manual_seed(stable_int("init", seed))
    task.build(workers.device, fit)
    stepper = Stepper(task, settings, fit, seed, workers)
    if stored:
        plan = Plan(**stored["plan"])
    else:
        seconds = stepper.device_seconds() if "gpu_hours" in budget else None
        plan = plan_budget(budget, task.clip_flops, task.clip_tokens, settings["batch_size"], seconds)
        if workers.leads:
            write_json(path, {"plan": asdict(plan), "fit": asdict(fit)})
    return Trainer(stepper, plan), fit
