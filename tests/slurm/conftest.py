"""Studies whose jobs run on the SLURM of up.sh; skipped where that isn't up. `make slurm-test` runs them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_up_music import write_music
from safetensors import SafetensorError

from ssmttm.tables import read_table
from ssmttm.training.state import saved_progress

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ("--configfile", "workflow/presets/smoke/config.yaml", "study/config.yaml")
THREADS = ("--set-threads", "train=1", "evaluate=1", "codec=1")
"""As a run on this machine has: another number of threads sums in another order."""

GROUPED = {
    "listing": "index license",
    "shard": "audio clips",  # as in the profile
    "data": "duplicates splits captions codec",
    "tokens": "tokens text",  # on a GPU, which the others aren't
    "page": "compare report page",
}
GROUPS = ("--groups", *(f"{rule}={group}" for group, rules in GROUPED.items() for rule in rules.split()))
"""Beside what is looked at, few jobs: each starts Snakemake twice, and waits for its state to be asked."""

LIMITS = ("--set-resources", "train:gpu=1", "train:mem_mb=2000 * attempt", "train:runtime=10 * attempt")
"""Of a training: real ones don't fit this machine, where the profile's limits can't be reached."""

CLAIMS = "results/claims.json"
"""What a job makes that needs no data."""

PATIENCE = 400.0


@pytest.fixture(scope="session", autouse=True)
def slurm() -> str:
    """Whether the SLURM that is up has an accounting database: yes or no."""
    if "SSMTTM_SLURM" not in os.environ:
        pytest.skip("needs the SLURM of tests/slurm/up.sh: make slurm-test")
    subprocess.run(["sinfo"], check=True, capture_output=True)
    return os.environ["SSMTTM_SLURM_ACCOUNTING"]


@pytest.fixture(scope="session")
def accounting(slurm) -> None:
    if slurm != "yes":
        pytest.skip("needs an accounting database")


@dataclass
class Study:
    """A folder with a study, and what SLURM is asked to do for it."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", *arguments, *CONFIG]

    def submitting(self, *arguments: str) -> list[str]:
        """The command that sends the jobs of `arguments` to SLURM, asking for their states more often than it would."""
        profile = ("--workflow-profile", "workflow/profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
        return self.command(*arguments, *profile, "--latency-wait", "5", "--jobs", "6", *THREADS)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "SNAKEMAKE_SLURM_PARTITIONS": str(self.folder / "study" / "partitions.yaml"),
        }

    def run(self, command: list[str]) -> str:
        """What `command` says, which has to end well."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-8000:]
        return done.stdout

    @contextmanager
    def running(self, command: list[str], **more: str) -> Iterator[subprocess.Popen[str]]:
        """`command` while the block runs; what it says is in the file `said`."""
        with open(self.folder / "said", "w", encoding="utf-8") as said:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment | more, stdout=said, stderr=subprocess.STDOUT, text=True
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                    process.wait()

    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8")

    def saved(self, run: str) -> int | None:
        """How many steps of a run its newest state has; None if there is none."""
        try:
            found = re.match(r"step (\d+)", saved_progress(self.folder / "results" / "runs" / run / "state"))
        except (FileNotFoundError, SafetensorError):
            return None
        return int(found[1]) if found else None

    def job(self, run: str) -> str:
        """The id of the job in the queue that trains `run`."""
        comment = f"rule_train_wildcards_{run}"
        lines = slurm_says("squeue", "--noheader", "--states=RUNNING", "--format=%i|%Z|%k").splitlines()
        ids = [line.split("|")[0] for line in lines if line.split("|")[1:] == [str(self.folder), comment]]
        assert len(ids) == 1, lines
        return ids[0]

    def trainers(self, run: str) -> list[int]:
        """The processes that train `run` in this study."""
        return self.processes(b"train", b"--run", run.encode())

    def processes(self, *words: bytes) -> list[int]:
        """The processes in this study's folder that were started with these words, one after the other."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                here = (process / "cwd").readlink() == self.folder
            except OSError:
                continue
            if here and b"\0" + b"\0".join(words) + b"\0" in command:
                found.append(int(process.name))
        return found


def slurm_says(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def until(true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait until `true()`."""
    last = time.monotonic() + patience
    while not true():
        assert time.monotonic() < last, f"not within {patience:.0f} s: {what}"
        time.sleep(0.1)


class Watcher(threading.Thread):
    """Notes how many steps are saved of each run, again and again while the block runs."""

    def __init__(self, study: Study, *runs: str) -> None:
        super().__init__(daemon=True)
        self.study, self.seen, self.stopped = study, {run: [0] for run in runs}, False

    def run(self) -> None:
        while not self.stopped:
            for run, seen in self.seen.items():
                step = self.study.saved(run)
                if step is not None and step != seen[-1]:
                    seen.append(step)
            time.sleep(0.02)

    def __enter__(self) -> "Watcher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        self.join()

    def check(self) -> None:
        """Each run was seen halfway, and went on from there: no step was taken twice from the start."""
        for run, seen in self.seen.items():
            assert len(seen) > 1, f"{run} was never seen under way"
            assert seen == sorted(seen), f"{run} fell back: {seen}"


def model(run: str) -> str:
    return f"results/runs/{run}/model.safetensors"


def losses(study: Study, run: str) -> list[float]:
    rows = read_table(study.folder / "results" / "runs" / run / "curve.parquet", "curve").to_pylist()
    return [row["loss"] for row in rows]


def submitted(study: Study, run: str) -> list[str]:
    """The ids of the jobs that were submitted to train `run`, in order."""
    return re.findall(rf"SLURM jobid (\d+) \(log: \S*/rule_train/{run}/", study.said())


def is_under_way(study: Study, run: str) -> bool:
    return bool(study.saved(run) and study.trainers(run))


def under_way(study: Study, run: str) -> None:
    until(lambda: is_under_way(study, run), f"{run} is trained, and has a state")


@pytest.fixture(scope="session")
def reference(accounting, tmp_path_factory) -> Study:
    """The study on this machine, without SLURM, and one of the long trainings, which nothing cuts short."""
    study = Study(tmp_path_factory.mktemp("reference"))
    write_music(study.folder)
    _link(study)
    study.run(study.command("--cores", "2", "results/report.html", "results/runs/whole/model.safetensors"))
    return study


@pytest.fixture
def study(reference, tmp_path) -> Study:
    """The same study with nothing made yet."""
    study = Study(tmp_path)
    for name in ("music", "tracks.csv"):
        (study.folder / name).symlink_to(reference.folder / name)
    _link(study)
    return study


@pytest.fixture
def bare(tmp_path) -> Study:
    """A folder without music, for jobs that need none."""
    study = Study(tmp_path)
    _link(study)
    return study


@pytest.fixture
def with_data(study, reference) -> Study:
    """The same study with its released data set: a training is the only job that a model needs."""
    shutil.copytree(reference.folder / "results" / "data", study.folder / "results" / "data")
    return study


@pytest.fixture
def undisturbed(reference) -> list[float]:
    """The losses of a training that nothing cut short."""
    found = losses(reference, "whole")
    assert len(found) == 240
    return found


def _link(study: Study) -> None:
    for name in ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml"):
        (study.folder / name).symlink_to(ROOT / name)
    (study.folder / "study").symlink_to(Path(__file__).parent / "study")
