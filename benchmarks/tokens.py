"""Do tokens reach training fast enough, and in little memory? Parquet shards to shuffled batches.

Makes a data set of the paper's shape (55,000 clips of 2,584 frames at one codebook, captions of up
to 60 tokens of 768 half-precision numbers) in a temporary folder, opens it as training does, and
measures clips per second of shuffled batches. Beside it, what the fastest run of the default study
consumes here. Goals: at least 20 times as much, at under 1 GB of memory.

    python benchmarks/tokens.py [--clips 55000] [--folder DIR]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from ssmttm.config import load_config
from ssmttm.device import claim_device
from ssmttm.models.config import ModelConfig
from ssmttm.pretrained.minilm import WIDTH
from ssmttm.run_table import read_runs
from ssmttm.tables import SCHEMAS, write_table
from ssmttm.training.batches import clips_at
from ssmttm.training.data import load_splits
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit
from ssmttm.training.tasks.language_model import LanguageModelTask

FRAMES, WORDS, TEXT_WIDTH, SHARDS, BATCH = 2584, 60, 768, 55, 4
CODEC, ENCODER = "dac:benchmark", "t5:benchmark"
PAPER = {
    "model": {"codebooks": 1},
    "data": {"codec": {"name": "dac", "codebook_size": 1024}, "text": {"max_tokens": WORDS}},
}
RELEASED = {"codec": CODEC, "text_encoder": ENCODER}


def write_shards(folder: Path, clips: int) -> None:
    """The data set, shard by shard: random codes, captions of 20 to 60 tokens."""
    rng = np.random.default_rng(0)
    splits = []
    for shard, ids in enumerate(np.array_split(np.arange(clips), min(SHARDS, clips))):
        names, count = [f"clip{i:06d}" for i in ids], len(ids)
        lengths = rng.integers(20, WORDS + 1, count)
        codes = pa.array(rng.integers(0, 1024, count * FRAMES, dtype=np.uint16))
        embedding = pa.array(rng.standard_normal(lengths.sum() * TEXT_WIDTH, dtype=np.float32).astype(np.float16))
        text_offsets = np.concatenate([[0], np.cumsum(lengths)]) * TEXT_WIDTH
        tokens = {
            "clip_id": names,
            "codebooks": [1] * count,
            "frames": [FRAMES] * count,
            "codes": pa.ListArray.from_arrays(pa.array(np.arange(count + 1) * FRAMES, pa.int32()), codes),
            "codec": [CODEC] * count,
        }
        text = {
            "clip_id": names,
            "length": lengths,
            "width": [TEXT_WIDTH] * count,
            "embedding": pa.ListArray.from_arrays(pa.array(text_offsets, pa.int32()), embedding),
            "encoder": [ENCODER] * count,
        }
        for name, columns in (("tokens", tokens), ("text", text)):
            write_table(folder / name / f"{shard}.parquet", name, pa.table(columns, schema=SCHEMAS[name]))
        kinds = {0: "validation", 1: "test"}
        splits += [
            {"clip_id": n, "track_id": n, "artist": n, "split": kinds.get(i % 100, "train")}
            for n, i in zip(names, ids, strict=True)
        ]
    write_table(folder / "splits.parquet", "splits", splits)


def measure_batches(folder: Path, batches: int) -> None:
    """In a process of its own: print seconds to open, clips per second, and peak memory before and after."""
    before = peak_memory()
    started = time.perf_counter()
    train = load_splits(folder, RELEASED, PAPER["data"], PAPER["model"]["codebooks"], folder / "scratch").train
    opened = time.perf_counter() - started
    started = time.perf_counter()
    for i in range(batches):
        train.batch(clips_at(i * BATCH, BATCH, len(train), 1), torch.device("cpu"))
    rate = batches * BATCH / (time.perf_counter() - started)
    print(opened, rate, before / 1e9, peak_memory() / 1e9)


def peak_memory() -> int:
    """Bytes of this process at their peak so far; getrusage would count the parent process, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def fastest_run(config: str, frames: int, steps: int) -> tuple[str, float]:
    """The run of the default study that takes in most clips per second, on data of its own shape."""
    best = ("", 0.0)
    for name, row in read_runs(load_config(config)).items():
        spec: dict[str, Any] = row["spec"]
        words, codebooks = spec["data"]["text"]["max_tokens"], spec["model"]["codebooks"]
        train = _Noise(codebooks, spec["data"]["codec"]["codebook_size"], frames, words)
        settings = spec["training"] | {"compile": False}
        size = settings["batch_size"] // settings["processes"]
        with claim_device("cpu", settings["threads"]) as device:
            config = ModelConfig.from_spec(spec, WIDTH)
            task = LanguageModelTask(config, settings, SimpleNamespace(train=train, validation=None, test=None), {})
            task.build(device, Fit(size, False))
            stepper = Stepper(task, settings, Fit(size, False), 1, Workers(device))
            stepper.step(0, 0.0)
            started = time.perf_counter()
            for i in range(steps):
                stepper.step(i, 0.0)
            rate = steps * settings["batch_size"] / (time.perf_counter() - started)
        best = max(best, (name, rate), key=lambda pair: pair[1])
    return best


class _Noise:
    """A data set that costs nothing to read."""

    def __init__(self, codebooks: int, size: int, frames: int, words: int) -> None:
        from ssmttm.training.data import Batch

        self.text_tokens, self.clip_ids = words, ["clip"] * 64
        self._make = lambda n: Batch(
            torch.randint(0, size, (n, codebooks, frames)),
            torch.randn(n, words, WIDTH),
            torch.ones(n, words, dtype=torch.bool),
            ["clip"] * n,
        )

    def __len__(self) -> int:
        return len(self.clip_ids)

    def batch(self, indices: np.ndarray, device: torch.device) -> Any:
        return self._make(len(indices))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=55_000, help="clips of the synthetic data set")
    parser.add_argument("--batches", type=int, default=2000, help="batches of 4 clips that are timed")
    parser.add_argument("--steps", type=int, default=3, help="steps of each run of the default study that are timed")
    parser.add_argument("--config", default="config.yaml")
    parser.add_argument("--frames", type=int, default=469, help="codec frames per clip of the default study")
    parser.add_argument("--folder", type=Path, help="where to make the data set (default: a temporary folder)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure_batches(arguments.measure, arguments.batches)
        return 0
    room = arguments.clips * (2 * WORDS * TEXT_WIDTH * 2 + FRAMES * 2)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 1.2 * room:
            print(f"{folder}: {1.2 * room / 1e9:.1f} GB of disk are needed; choose --folder or fewer --clips")
            return 2
        write_shards(folder, arguments.clips)
        command = [sys.executable, __file__, "--measure", name, "--batches", str(arguments.batches)]
        words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        opened, rate, before, peak = map(float, words)
    run, consumed = fastest_run(arguments.config, arguments.frames, arguments.steps)
    print(f"{'clips of the data set':44}{arguments.clips:>12,}")
    print(f"{'seconds to open it, its first time':44}{opened:12.1f}")
    print(f"{'clips per second, batches of 4':44}{rate:12.0f}")
    print(f"{'clips per second of ' + run:44}{consumed:12.1f}")
    print(f"{'ratio (goal: at least 20)':44}{rate / consumed:12.0f}")
    print(f"{'peak memory, GB (goal: under 1)':44}{peak:12.2f}")
    print(f"{'of which the imports take, GB':44}{before:12.2f}")
    reached = rate >= 20 * consumed and peak < 1
    print("goals:", "reached" if reached else "MISSED")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
