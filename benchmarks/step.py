"""Seconds and GFLOP/s of a training step of every design, on one thread, of this code and of an earlier one.

A step is all of it: its batch, loss, gradients, clipping and update, on clips of the default study's shape. Two
processes, one for each version of the code, take the same steps in turns, so that what else the machine does meets
both; seconds are processor time. Both must come to the same losses, up to rounding.

    git worktree add FOLDER COMMIT
    python benchmarks/step.py --before FOLDER [--codebooks 1 4] [--clips 2] [--rounds 15]

Without --before, this code alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch

from ssmttm.config import load_config
from ssmttm.models.config import ModelConfig
from ssmttm.pretrained.minilm import WIDTH
from ssmttm.run_table import read_runs
from ssmttm.settings import RunSpec
from ssmttm.training.data import DataSet, TextFile, TokenSet
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit
from ssmttm.training.tasks.language_model import LanguageModelTask

ROOT = Path(__file__).parents[1]
FRAMES, CLIPS, WORDS = 469, 64, (8, 30)
"""Of a clip of ten seconds; in the training set; tokens of a caption, from and to."""
STEPS = 3
"""Steps of a round, by the fastest of which the round counts."""


def training_set(folder: Path, codebooks: int, vocabulary: int, most: int) -> TokenSet:
    """Clips of random codes and captions."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(*WORDS, CLIPS)
    path = folder / "text.f16"
    path.write_bytes(rng.standard_normal((lengths.sum(), WIDTH), np.float32).astype(np.float16).tobytes())
    codes = rng.integers(0, vocabulary, (CLIPS, codebooks, FRAMES)).astype(np.uint16)
    spans = np.stack([np.cumsum(lengths) - lengths, lengths], 1)
    return TokenSet([f"clip{i}" for i in range(CLIPS)], codes, TextFile(path, WIDTH), spans, most)


def stepper_of(spec: RunSpec, folder: Path) -> Stepper:
    """A run before its first step."""
    model, settings = spec["model"], spec["training"]
    vocabulary, words = spec["data"]["codec"]["codebook_size"], spec["data"]["text"]["max_tokens"]
    clips = training_set(folder, model["codebooks"], vocabulary, words)
    sets = DataSet(*[clips] * (len(fields(DataSet)) - 2), "benchmark", "benchmark")  # type: ignore[arg-type, call-arg]
    task = LanguageModelTask(ModelConfig.from_spec(spec, WIDTH), settings, sets, {})  # type: ignore[typeddict-item]
    fit = Fit(settings["batch_size"], False)
    torch.manual_seed(0)
    task.build(torch.device("cpu"), fit)
    return Stepper(task, settings, fit, 1, Workers(torch.device("cpu")))


def serve(options: argparse.Namespace) -> None:
    """Take steps of the designs that are asked for on standard input: one line of seconds, loss and FLOPs for each."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if not options.before:  # as `ssmttm train` has it, and had it
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    specs = {f"{r['variant']} {r['size']}": r["spec"] for r in read_runs(load_config(*options.config)).values()}
    opened: dict[str, tuple[Stepper, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            name, codebooks = line.rstrip("\n").rsplit(" ", 1)
            if line not in opened:
                spec = specs[name]
                spec["model"]["codebooks"] = int(codebooks)
                spec["training"] |= {"batch_size": options.clips, "micro_batch": options.clips}
                opened = {line: (stepper_of(spec, Path(folder)), 0)}
            stepper, number = opened[line]
            best = float("inf")
            for _ in range(STEPS):
                started = time.process_time()
                loss = stepper.step(number, 1e-3)["loss"]
                best, number = min(best, time.process_time() - started), number + 1
            opened[line] = stepper, number
            print(best, loss, 3 * options.clips * stepper.task.clip_flops, flush=True)


@contextmanager
def served(code: Path, options: argparse.Namespace) -> Iterator[subprocess.Popen[str]]:
    """A process that takes steps with the code in the folder `code`."""
    command = [sys.executable, __file__, "--serve", "--clips", str(options.clips), "--config", *options.config]
    command += [] if code == ROOT else ["--before", str(code)]
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = cast("subprocess.Popen[str]", subprocess.Popen(command, cwd=ROOT, env=environment, **pipes))  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def asked(process: "subprocess.Popen[str]", design: str) -> list[float]:
    """Seconds, loss and FLOPs of one more round of `design`."""
    print(design, file=cast("IO[str]", process.stdin), flush=True)
    answer = cast("IO[str]", process.stdout).readline().split()
    if not answer:
        raise SystemExit(f"the process that steps {design} ended; see above")
    return [float(number) for number in answer]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a folder with the earlier code")
    parser.add_argument("--config", default=["config.yaml"], nargs="+", help="config file and overlays")
    parser.add_argument("--codebooks", type=int, default=[1, 4], nargs="+")
    parser.add_argument("--clips", type=int, default=2, help="of a step")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--designs", nargs="*", help="such as 'prefix-simba base'; default: all of the run table")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
        return
    runs = read_runs(load_config(*options.config)).values()
    designs = options.designs or dict.fromkeys(f"{row['variant']} {row['size']}" for row in runs)
    before = options.before or ROOT
    print("| design | codebooks | GFLOP | before, ms | after, ms | GFLOP/s | times faster | losses apart |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for codebooks in options.codebooks:
        for design in designs:
            with served(before.resolve(), options) as old, served(ROOT, options) as new:
                name = f"{design} {codebooks}"
                asked(old, name), asked(new, name)
                rounds = [(asked(old, name), asked(new, name)) for _ in range(options.rounds)]
            then, now = (statistics.median(r[i][0] for r in rounds) for i in range(2))
            times = statistics.median(a[0] / b[0] for a, b in rounds)
            apart = max(abs(a[1] - b[1]) for a, b in rounds)
            work = rounds[0][1][2] / 1e9
            print(
                f"| {design} | {codebooks} | {work:.2f} | {1e3 * then:.1f} | {1e3 * now:.1f} "
                f"| {work / then:.0f} to {work / now:.0f} | {times:.2f} | {apart:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
