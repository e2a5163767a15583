"""One training of a run, from its data to its finished products, in one process or in several."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ssmttm.errors import UserError
from ssmttm.models.mixer import backends
from ssmttm.progress import Progress, notify
from ssmttm.provenance import manifest
from ssmttm.settings import Budget, Granted, Logging, TrainingSettings
from ssmttm.spec import canonical_json
from ssmttm.training import launching, parallel, products
from ssmttm.training.ending import Ended, asked_to_end
from ssmttm.training.lock import RunLock, run_lock, wait_for_others
from ssmttm.training.loop import check_losses
from ssmttm.training.outcome import costs, keep
from ssmttm.training.parallel import Workers
from ssmttm.training.resolution import PLAN, build_trainer
from ssmttm.training.state import saved_progress, state_folder
from ssmttm.training.task import Task
from ssmttm.training.trackers import LoggedRun
from ssmttm.training.watching import Watch, check_installed


def tell(message: str) -> None:
    """`notify`, from one process alone."""
    if parallel.speaks():
        notify(message)


_NOWHERE, _NOTHING = Logging(), Granted()


@dataclass(frozen=True)
class Job:
    """What is trained, on what, where to, and by which code; the settings are those of `spec`, which names the run."""

    stage: str
    name: str
    spec: Mapping[str, object]
    settings: TrainingSettings
    budget: Budget
    seed: int
    data: Mapping[str, object]
    """`sha256`, by which the data are known, and what else the manifest says of them."""
    out: Path
    code: str
    """Fingerprint of the code."""
    open_task: Callable[[Path, Workers], Task]
    """The task with its data; may keep files in the folder, which the leading process writes."""
    logging: Logging = _NOWHERE
    """Where the curve is watched; by the leading process alone."""
    granted: Granted = _NOTHING
    """Processes and machines beside those of the settings."""

    def run(self, device: str, threads: int | None, arguments: Mapping[str, object]) -> None:
        """Train on `device` with `threads` CPU threads, shared by a machine's processes; None: `settings.threads` each.

        While it trains, it holds the lock of `out`, and waits for another process that does; resumable
        states are kept in a folder of `out/state` that belongs to this spec, code and data, and
        `out/state` is removed at the end. What is finished already is left, or put back, as it is.
        Several processes (`granted`, else `training.processes`) are started here, as `ssmttm` with the command and
        options of `arguments`, unless torchrun has started them, on any number of machines. Asked to end by SIGTERM,
        as before a cluster's job is cut short, it finishes a step, saves its state and exits with status 143.
        Raises UserError, before all else, for a logger that isn't installed, and for what `launching.settle` refuses.
        """
        if parallel.speaks():
            check_installed(self.logging)
        self = replace(self, settings=launching.settle(self.settings, self.granted))
        processes = self.settings["processes"]
        here = processes // self.granted.nodes
        threads = self.settings["threads"] * here if threads is None else threads
        if processes > 1 and not parallel.started_by_launcher():
            command, options = self.stage.split(), {**arguments, "--device": device, "--threads": threads}
            options["--spec"] = canonical_json(self.spec)
            words = [str(word) for pair in options.items() for word in pair]
            words += [*self.granted.options.split(), *self.logging.options.split()]
            launching.launch(processes, self.granted, [*command, *words])
            return
        each = max(1, threads // here)
        others = (self.out, lambda: saved_progress(self.out / "state"), tell)
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
            try:
                self._train(workers, each, lock)
            except Ended as ended:
                tell(f"{self.name}: {ended}; started again, it goes on from there")
                sys.exit(ended.STATUS)

    def _train(self, workers: Workers, threads: int, lock: RunLock | None) -> None:
        """Train with `workers`; the leading one has the `lock`."""
        started, place = time.perf_counter(), workers.device
        torch.use_deterministic_algorithms(place.type == "cpu")
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a pass over each tensor
        card = None if place.type == "cpu" else torch.cuda.get_device_name(place)
        if self.settings["precision"] == "bf16" and card and not torch.cuda.is_bf16_supported(False):
            raise UserError(f"training.precision is bf16, which {card} does not compute in; set it to fp32")
        identity = products.identity_of(self.spec, self.code, str(self.data["sha256"]))
        if workers.share(workers.leads and products.adopt(self.out, identity)):
            if workers.leads:
                same = "finished already, with the same settings, code and data"
                tell(f"{self.out}: {same}; delete it to train it again")
                shutil.rmtree(self.out / "state", ignore_errors=True)
            return
        folder = state_folder(self.out / "state", identity)
        if workers.leads:
            self._prepare(folder)
        task = self.open_task(folder, workers)
        trainer, fit = build_trainer(task, self.settings, self.budget, self.seed, folder, workers)
        products_in = torch.bfloat16 if self.settings["precision"] == "bf16" else torch.float32
        computed_by = backends(trainer.stepper.model, place, products_in)
        if card:
            for mixer, backend in computed_by.items():
                tell(f"{self.name}: {mixer} on {card}: {backend}")
        progress = Progress(self.name, trainer.plan.steps, "steps") if workers.leads else None
        with self._watch(folder, task, trainer.plan.flops_planned) if workers.leads else nullcontext() as watch:
            with asked_to_end() as ending:
                try:
                    curve = trainer.run(folder, identity, progress, watch, ending)
                except RuntimeError:
                    if ending() and not workers.leads:  # the leading process has ended as it was asked to
                        sys.exit(Ended.STATUS)
                    raise
            test_losses = check_losses("test", trainer.stepper.evaluate(task.test))
            if lock is not None:
                lock.check()
                keep(self.out / products.FINISHED, folder, trainer, curve)
                record = manifest(
                    self.stage,
                    self.spec,
                    run=self.name,
                    fingerprint=self.code,
                    dataset=self.data,
                    device=card or "cpu",
                    backends=computed_by,
                    threads=threads,
                    instruction_set=torch.backends.cpu.get_cpu_capability(),
                    wall_seconds=time.perf_counter() - started,
                    test_loss=trainer.loss_of(test_losses),
                    test_part_losses=test_losses,
                    test_clips=len(task.test),
                    loss_parts=task.parts,
                    **costs(trainer, fit),
                    clips={split: len(getattr(task, split)) for split in ("train", "validation", "test")},
                    **task.record(),
                )
                products.keep_manifest(self.out, record)
                products.publish(self.out)
                shutil.rmtree(self.out / "state")
            workers.wait()

    def _watch(self, folder: Path, task: Task, flops_planned: float) -> Watch:
        """Where the curve goes besides its table; ended after the run's files are written, so that they don't wait."""
        run = LoggedRun(self.logging.project, self.name, self.spec, self.out)
        return Watch(self.logging.logger, run, folder, task.parts, flops_planned)

    def _prepare(self, folder: Path) -> None:
        """Say what is left of runs with other settings."""
        if others := sorted(p.name for p in folder.parent.glob("*") if p != folder):
            tell(
                f"{folder.parent} has training states of other settings, code or data ({', '.join(others)}); "
                f"they are not used, and removed when this run has finished"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / PLAN).is_file():  # a fresh run
            shutil.rmtree(self.out / products.CHECKPOINTS, ignore_errors=True)
