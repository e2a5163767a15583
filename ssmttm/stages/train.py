"""Train one run: tokens and text in; model, curve and manifest out."""

import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.progress import Progress
from ssmttm.provenance import code_of, manifest
from ssmttm.released import check_released
from ssmttm.spec import canonical_json, mixers_of
from ssmttm.training import parallel, products
from ssmttm.training.data import DataSet, load_splits
from ssmttm.training.lock import RunLock, run_lock, wait_for_others
from ssmttm.training.loop import CHECKPOINTS, check_losses
from ssmttm.training.outcome import costs, keep
from ssmttm.training.parallel import Workers
from ssmttm.training.resolution import PLAN, build_trainer
from ssmttm.training.state import saved_progress, state_folder


def run(name: str, spec: dict[str, Any], data: Path, out: Path, device: str, threads: int | None) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`, and models to `out/checkpoints`.

    While it trains, it holds the lock of `out`, and waits for another process that does; resumable
    states are kept in a folder of `out/state` that belongs to this spec, code and data set, and
    `out/state` is removed at the end. What is finished already is left, or put back, as it is. With
    `training.processes` above 1 it starts them all on this machine, unless torchrun has started
    them, on any number of machines. They share `threads`; None is `training.threads` for each.
    """
    read_release(data)
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
            lock: RunLock | None = stack.enter_context(run_lock(*others))
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
    trainer, fit = build_trainer(spec, sets, folder, workers)
    progress = Progress(name, trainer.plan.steps, "steps") if workers.leads else None
    curve = trainer.run(folder, identity, progress, out / "tensorboard")
    test_losses = check_losses("test", trainer.stepper.evaluate(sets.test))
    if lock is not None:
        lock.check()
        keep(out / products.FINISHED, folder, trainer, curve)
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
            **costs(trainer, fit),
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


def _load(spec: dict[str, Any], data: Path, folder: Path, workers: Workers) -> DataSet:
    """The data set; the leading process writes what the others then read."""
    released = read_release(data)
    if not workers.leads:
        workers.wait()
    else:
        check_released(data, ("splits.parquet", "tokens", "text"))
    sets = load_splits(data, released, spec, folder)
    if workers.leads:
        workers.wait()
    return sets
