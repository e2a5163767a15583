"""One training of a run, from its data set to its finished products, in one process or in several."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.progress import Progress, notify
from ssmttm.provenance import manifest
from ssmttm.released import RELEASE, check_released
from ssmttm.settings import RunSpec
from ssmttm.training import parallel, products
from ssmttm.training.data import DataSet, load_splits
from ssmttm.training.lock import RunLock
from ssmttm.training.loop import CHECKPOINTS, check_losses
from ssmttm.training.outcome import costs, keep
from ssmttm.training.parallel import Workers
from ssmttm.training.resolution import PLAN, build_trainer
from ssmttm.training.state import state_folder


def tell(message: str) -> None:
    """`notify`, from one process alone."""
    if parallel.speaks():
        notify(message)


@dataclass(frozen=True)
class Job:
    """What is trained: the run's name and spec, on the data set in folder `data`, into folder `out`, by which code."""

    name: str
    spec: RunSpec
    data: Path
    out: Path
    code: str
    """Fingerprint of the code."""

    def train(self, workers: Workers, threads: int, lock: RunLock | None) -> None:
        """Train with `workers`; the leading one has the `lock`. What is finished already is left, or put back."""
        started, place = time.perf_counter(), workers.device
        torch.use_deterministic_algorithms(place.type == "cpu")
        card = None if place.type == "cpu" else torch.cuda.get_device_name(place)
        if self.spec["training"]["precision"] == "bf16" and card and not torch.cuda.is_bf16_supported(False):
            raise UserError(f"training.precision is bf16, which {card} does not compute in; set it to fp32")
        dataset = sha256_file(self.data / RELEASE)
        identity = products.identity_of(self.spec, self.code, dataset)
        if workers.share(workers.leads and products.adopt(self.out, identity)):
            if workers.leads:
                same = "finished already, with the same settings, code and data"
                tell(f"{self.out}: {same}; delete it to train it again")
                shutil.rmtree(self.out / "state", ignore_errors=True)
            return
        folder = state_folder(self.out / "state", identity)
        if workers.leads:
            self._prepare(folder)
        sets = self._load(folder, workers)
        trainer, fit = build_trainer(self.spec, sets, folder, workers)
        progress = Progress(self.name, trainer.plan.steps, "steps") if workers.leads else None
        curve = trainer.run(folder, identity, progress, self.out / "tensorboard")
        test_losses = check_losses("test", trainer.stepper.evaluate(sets.test))
        if lock is not None:
            lock.check()
            keep(self.out / products.FINISHED, folder, trainer, curve)
            record = manifest(
                "train",
                self.spec,
                run=self.name,
                fingerprint=self.code,
                dataset={"version": self.spec["data"]["version"], "sha256": dataset},
                device=card or "cpu",
                threads=threads,
                instruction_set=torch.backends.cpu.get_cpu_capability(),
                wall_seconds=time.perf_counter() - started,
                test_loss=sum(test_losses) / len(test_losses),
                test_codebook_losses=test_losses,
                test_clips=len(sets.test),
                **costs(trainer, fit),
                clips={split: len(getattr(sets, split)) for split in ("train", "validation", "test")},
                codec=sets.codec,
                text_encoder=sets.encoder,
            )
            products.keep_manifest(self.out, record)
            products.publish(self.out)
            shutil.rmtree(self.out / "state")
        workers.wait()

    def _prepare(self, folder: Path) -> None:
        """Say what is left of runs with other settings."""
        if others := sorted(p.name for p in folder.parent.glob("*") if p != folder):
            tell(
                f"{folder.parent} has training states of other settings, code or data ({', '.join(others)}); "
                f"they are not used, and removed when this run has finished"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / PLAN).is_file():  # a fresh run
            shutil.rmtree(self.out / CHECKPOINTS, ignore_errors=True)

    def _load(self, folder: Path, workers: Workers) -> DataSet:
        """The data set; the leading process writes what the others then read."""
        release = read_release(self.data, "codec", "text_encoder")
        if workers.leads:
            check_released(self.data, ("splits.parquet", "tokens", "text"))
        else:
            workers.wait()
        sets = load_splits(self.data, release, self.spec, folder)
        if workers.leads:
            workers.wait()
        return sets
