"""Train one run: tokens and text in; model, curve and manifest out."""

from contextlib import ExitStack
from pathlib import Path

from ssmttm.given import read_release
from ssmttm.provenance import code_of
from ssmttm.settings import RunSpec
from ssmttm.spec import canonical_json, mixers_of
from ssmttm.training import parallel
from ssmttm.training.job import Job, tell
from ssmttm.training.lock import RunLock, run_lock, wait_for_others
from ssmttm.training.state import saved_progress


def run(name: str, spec: RunSpec, data: Path, out: Path, device: str, threads: int | None) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`, and models to `out/checkpoints`.

    While it trains, it holds the lock of `out`, and waits for another process that does; resumable
    states are kept in a folder of `out/state` that belongs to this spec, code and data set, and
    `out/state` is removed at the end. What is finished already is left, or put back, as it is. With
    `training.processes` above 1 it starts them all on this machine, unless torchrun has started
    them, on any number of machines. They share `threads`; None is `training.threads` for each.
    """
    read_release(data)  # before anything is started
    settings = spec["training"]
    processes = settings["processes"]
    threads = settings["threads"] * processes if threads is None else threads
    if processes > 1 and not parallel.started_by_launcher():
        options = {"--run": name, "--data": data, "--out": out, "--device": device, "--threads": threads}
        options["--spec"] = canonical_json(spec)
        parallel.launch(processes, ["train", *(str(word) for pair in options.items() for word in pair)])
        return
    each = max(1, threads // processes)
    others = (out, lambda: saved_progress(out / "state"), tell)
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
        Job(name, spec, data, out, code_of("train", mixer=mixers_of(spec["variant"]))).train(workers, each, lock)
