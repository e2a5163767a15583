"""Train one run: tokens and text in; model, curve and manifest out."""

import json
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ssmttm.errors import UserError
from ssmttm.files import link_file, read_json, sha256_file, write_json
from ssmttm.given import RELEASE, released_sets
from ssmttm.models.checkpoint import save_model
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.progress import Progress
from ssmttm.provenance import code_of, manifest
from ssmttm.released import check_released
from ssmttm.seeds import stable_int
from ssmttm.spec import canonical_json, mixers_of
from ssmttm.tables import write_table
from ssmttm.training import parallel, products
from ssmttm.training.budget import Plan, plan_budget
from ssmttm.training.data import DataSet, load_splits
from ssmttm.training.lock import RunLock, run_lock, wait_for_others
from ssmttm.training.loop import CHECKPOINTS, Trainer, check_losses
from ssmttm.training.memory import Fit, available_bytes, fit_memory
from ssmttm.training.parallel import Workers
from ssmttm.training.state import saved_progress, state_folder
from ssmttm.training.step import Stepper

PLAN = "plan.json"
"""What was decided by measuring when the run started: an interrupted run goes on with it."""


def run(name: str, spec: dict[str, Any], data: Path, out: Path, device: str, threads: int | None) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`, and models to `out/checkpoints`.

    While it trains, it holds the lock of `out`, and waits for another process that does; resumable
    states are kept in a folder of `out/state` that belongs to this spec, code and data set, and
    `out/state` is removed at the end. What is finished already is left, or put back, as it is. With
    `training.processes` above 1 it starts them all on this machine, unless torchrun has started
    them, on any number of machines. They share `threads`; None is `training.threads` for each.
    """
    _released(data)
    settings = spec["training"]
    processes = settings["processes"]
    threads = settings["threads"] * processes if threads is None else threads
    if processes > 1 and not parallel.started_by_launcher():
        words = {"--run": name, "--data": data, "--out": out, "--device": device, "--threads": threads}
        words["--spec"] = canonical_json(spec)
        parallel.launch(processes, ["train", *(str(w) for pair in words.items() for w in pair)])
        return
    each = max(1, threads // processes)
    others = (out, lambda: saved_progress(out / "state"), _tell)
    with ExitStack() as stack:
        # Before a device is claimed, which another process of this run may have; and before several
        # processes meet, who would wait for each other no longer than half an hour.
        if processes == 1:
            lock = stack.enter_context(run_lock(*others))
        else:
            wait_for_others(*others)
        workers = stack.enter_context(parallel.join(processes, device, each))
        if processes > 1:
            lock = stack.enter_context(run_lock(*others)) if workers.leads else None
        _train(name, spec, data, out, workers, each, lock)


def _tell(message: str) -> None:
    if parallel.speaks():
        print(f"ssmttm: {message}", file=sys.stderr, flush=True)


def _train(
    name: str, spec: dict[str, Any], data: Path, out: Path, workers: Workers, threads: int, lock: RunLock | None
) -> None:
    """Train with `workers`; the leading one has the `lock`."""
    started, place = time.perf_counter(), workers.device
    torch.use_deterministic_algorithms(place.type == "cpu")
    if spec["training"]["precision"] == "bf16" and place.type == "cuda" and not torch.cuda.is_bf16_supported(False):
        card = torch.cuda.get_device_name(place)
        raise UserError(f"training.precision is bf16, which {card} does not compute in; set it to fp32")
    code = code_of("train", mixer=mixers_of(spec["variant"]))
    dataset = sha256_file(data / "dataset.json")
    identity = products.identity_of(spec, code, dataset)
    if workers.share(workers.leads and products.adopt(out, identity)):
        if workers.leads:
            _tell(f"{out}: finished already, with the same settings, code and data; delete it to train it again")
            shutil.rmtree(out / "state", ignore_errors=True)
        return
    folder = state_folder(out / "state", identity)
    if workers.leads:
        _prepare(out, folder)
    sets = _load(spec, data, folder, workers)
    trainer, fit = _build(spec, sets, folder, workers)
    progress = Progress(name, trainer.plan.steps, "steps") if workers.leads else None
    curve = trainer.run(folder, identity, progress, out / "tensorboard")
    test_losses = check_losses("test", trainer.stepper.evaluate(sets.test))
    if lock is not None:
        lock.check()
        _keep(out / products.FINISHED, folder, trainer, curve)
        facts = {
            "run": name,
            "fingerprint": code,
            "dataset": {"version": spec["data"]["version"], "sha256": dataset},
            "device": "cpu" if place.type == "cpu" else torch.cuda.get_device_name(place),
            "threads": threads,
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "wall_seconds": time.perf_counter() - started,
            "test_loss": sum(test_losses) / len(test_losses),
            "test_codebook_losses": test_losses,
            "test_clips": len(sets.test),
            **_costs(trainer, fit),
            "clips": {split: len(getattr(sets, split)) for split in ("train", "validation", "test")},
            "codec": sets.codec,
            "text_encoder": sets.encoder,
        }
        products.keep_manifest(out, manifest("train", spec, **facts))
        products.publish(out)
        shutil.rmtree(out / "state")
    workers.wait()


def _prepare(out: Path, folder: Path) -> None:
    """Say what is left of runs with other settings."""
    others = sorted(p.name for p in folder.parent.glob("*") if p != folder)
    if others:
        _tell(
            f"{folder.parent} has training states of other settings, code or data ({', '.join(others)}); "
            f"they are not used, and removed when this run has finished"
        )
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / PLAN).is_file():  # a fresh run
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def _released(data: Path) -> dict[str, Any]:
    """What dataset.json of the released data set in folder `data` says; raises UserError if there is none."""
    path = data / RELEASE
    if not path.exists():
        raise UserError(f"--data {data}: no released data set: it has no dataset.json; {released_sets(str(data))}")
    return read_json(path)


def _load(spec: dict[str, Any], data: Path, folder: Path, workers: Workers) -> DataSet:
    """The data set; the leading process writes what the others then read."""
    released = _released(data)
    if not workers.leads:
        workers.wait()
    else:
        check_released(data, ("splits.parquet", "tokens", "text"))
    sets = load_splits(data, released, spec, folder)
    if workers.leads:
        workers.wait()
    return sets


def _build(spec: dict[str, Any], sets: DataSet, folder: Path, workers: Workers) -> tuple[Trainer, Fit]:
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
    facts = {"spec": spec, "codec": sets.codec, "text_encoder": sets.encoder}
    return Trainer(stepper, sets.validation, plan, facts), fit


def _keep(finished: Path, folder: Path, trainer: Trainer, curve: list[dict[str, Any]]) -> None:
    """Write the model and the curve, and bring the checkpoints beside them, to the folder `finished`."""
    shutil.rmtree(finished, ignore_errors=True)
    with trainer.stepper.average.applied():
        save_model(finished / "model.safetensors", trainer.stepper.model, trainer.facts)
    write_table(finished / "curve.parquet", "curve", curve)
    for fraction in trainer.checkpoint_at:
        name = f"{CHECKPOINTS}/{fraction:g}.safetensors"
        link_file(folder / name, finished / name)


def _costs(trainer: Trainer, fit: Fit) -> dict[str, Any]:
    """What the run spent, and how it was computed."""
    plan, model = trainer.plan, trainer.stepper.model
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "parameters_by_group": model.parameters_by_group(),
        "steps": plan.steps,
        "tokens": plan.steps * plan.tokens_per_step,
        "flops_per_step": plan.flops_per_step,
        "flops_planned": plan.flops_planned,
        "flops_spent": plan.flops_spent,
        "seconds": trainer.state.seconds,
        "device_hours": trainer.state.seconds * trainer.workers.size / 3600,
        "processes": trainer.workers.size,
        "micro_batch": fit.micro_batch,
        "activation_checkpointing": fit.checkpointing,
        "checkpoints": {f"{CHECKPOINTS}/{f:g}.safetensors": step for f, step in trainer.checkpoint_at.items()},
    }
