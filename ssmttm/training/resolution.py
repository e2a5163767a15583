"""How a budget becomes a number of steps, once per run: what was decided by measuring stays as it is."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ssmttm.files import write_json
from ssmttm.models.checkpoint import Origin
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.seeds import stable_int
from ssmttm.settings import RunSpec
from ssmttm.training.budget import Plan, plan_budget
from ssmttm.training.data import DataSet
from ssmttm.training.loop import Trainer
from ssmttm.training.memory import Fit, available_bytes, fit_memory
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper

PLAN = "plan.json"
"""What was decided by measuring when the run started: an interrupted run goes on with it."""


def build_trainer(spec: RunSpec, sets: DataSet, folder: Path, workers: Workers) -> tuple[Trainer, Fit]:
    """The trainer of a run, under the plan in `folder` if there is one."""
    settings, train = spec["training"], sets.train
    config = ModelConfig.from_spec(spec, train.text_width)
    path = folder / PLAN
    stored = workers.share(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None)
    if stored:
        fit = Fit(**stored["fit"])
    else:
        sharing = settings["processes"] if workers.device.type == "cpu" else 1
        available = available_bytes(workers.device, sharing)
        fit = workers.share(
            fit_memory(config, settings, train.frames, train.text_tokens, available, workers.device.type)
        )
    torch.manual_seed(stable_int("init", spec["seed"]))
    model = MusicLM(config).to(workers.device)
    stepper = Stepper(model, train, settings, fit, spec["seed"], workers)
    if stored:
        plan = Plan(**stored["plan"])
    else:
        seconds = stepper.device_seconds() if "gpu_hours" in spec["budget"] else None
        plan = plan_budget(spec["budget"], model, settings["batch_size"], train.frames, train.text_tokens, seconds)
        if workers.leads:
            write_json(path, {"plan": asdict(plan), "fit": asdict(fit)})
    origin: Origin = {"spec": spec, "codec": sets.codec, "text_encoder": sets.encoder}
    return Trainer(stepper, sets.validation, plan, origin), fit
