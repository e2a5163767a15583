"""Many trainings that read one data set from a slow file system: what do they wait for?

    python benchmarks/slow_files.py [--jobs 8] [--clips 4000] [--rate 30]

Needs bindfs and /dev/fuse (Debian: apt-get install bindfs), and root. A made-up data set of the paper's shape (nine
levels, 30 s, captions of 60 tokens) lies in a folder that each training sees through a mount of its own, as a node
does, which reads no faster than --rate MB/s. A training loads the data and takes steps of 128 clips; the model is a
pause of half a second, as a GPU has it. Ways: all share one file of captions and ask for the next step's ahead, as the
workflow has it; they share it and read when they need it; each writes a file of its own first. Printed: seconds until
the first step, and how much longer a step takes than its pause (1.0 is no waiting).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.progress import Progress
from ssmttm.settings import RunData
from ssmttm.tables import table_writer
from ssmttm.training.batches import clips_at
from ssmttm.training.data import load_splits

LEVELS, FRAMES, TOKENS, WIDTH, BATCH = 9, 2584, 60, 768, 128
PAUSE = 0.5
SHARDS = 20
CODEC, ENCODER = "dac:0123456789ab", "t5:0123456789ab"
DATA: RunData = {
    "version": "slow-1",
    "seconds": 30.0,
    "sample_rate": 44_100,
    "codec": {"name": "dac", "codebooks": LEVELS, "codebook_size": 1024},
    "text": {"encoder": "t5", "max_tokens": TOKENS},
}
WAYS = {"shared, asked for ahead": (True, True), "shared": (True, False), "each its own": (False, False)}
GOAL = 1.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--clips", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=30.0, help="MB/s that each training's mount reads at most")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        folder, scratch, ahead = arguments.train
        train(Path(folder), Path(scratch), ahead == "ahead", arguments.steps)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        write(folder / "data", arguments.clips)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
        demand = BATCH * TOKENS * WIDTH * 2 / PAUSE / 1e6
        print(f"{arguments.clips} clips, {size / 1e6:.0f} MB; {arguments.jobs} trainings at {arguments.rate} MB/s each")
        print(f"captions of a step, by its pause: {demand:.1f} MB/s")
        print(f"{'captions':26} {'s to first step':>16} {'step by pause':>14}   (goal: {GOAL})")
        for way, (shared, ahead) in WAYS.items():
            starts, ratios = measure(Path(name), shared, ahead, arguments)
            print(f"{way:26} {statistics.median(starts):16.1f} {statistics.median(ratios):14.2f}", flush=True)


def measure(folder: Path, shared: bool, ahead: bool, arguments: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Seconds until the first step, and a step's length by that of its pause, of each of the trainings at once."""
    mounts = [folder / f"node{job}" for job in range(arguments.jobs)]
    limits = ["--multithreaded", "--enable-lock-forwarding", f"--read-rate={int(arguments.rate * 1e6)}"]
    for mount in mounts:
        mount.mkdir(exist_ok=True)
        subprocess.run(["bindfs", *limits, str(folder / "files"), str(mount)], check=True)
    try:
        processes = []
        for job, mount in enumerate(mounts):
            scratch = mount / ("captions" if shared else f"own{job}")
            words = [str(mount / "data"), str(scratch), "ahead" if ahead else "then"]
            command = [sys.executable, __file__, "--steps", str(arguments.steps), "--train", *words]
            processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        found = [json.loads(process.communicate()[0]) for process in processes]
    finally:
        for mount in mounts:
            subprocess.run(["umount", "--lazy", str(mount)], check=True)
    for path in (folder / "files").glob("*/*.f16"):
        path.unlink()
    return [one[0] for one in found], [one[1] for one in found]


def train(data: Path, scratch: Path, ahead: bool, steps: int) -> None:
    """Print how long it took to load, and a step by its pause."""
    started = time.perf_counter()
    sets = load_splits(data, read_release(data), DATA, 1, scratch)
    loaded = time.perf_counter() - started
    seed, cpu = int(time.time_ns() % 1000), torch.device("cpu")
    sets.train.batch(clips_at(0, BATCH, len(sets.train), seed), cpu)
    started = time.perf_counter()
    for step in range(1, steps + 1):
        if ahead:
            sets.train.expect(clips_at(step * BATCH, BATCH, len(sets.train), seed))
        time.sleep(PAUSE)
        sets.train.batch(clips_at(step * BATCH, BATCH, len(sets.train), seed), cpu)
    print(json.dumps([loaded, (time.perf_counter() - started) / steps / PAUSE]))


def write(folder: Path, clips: int) -> None:
    """A released data set of random codes and captions."""
    rng = np.random.default_rng(0)
    progress = Progress("write", SHARDS, "shards")
    for shard in range(SHARDS):
        with (
            table_writer(folder / "tokens" / f"{shard}.parquet", "tokens") as add_codes,
            table_writer(folder / "text" / f"{shard}.parquet", "text") as add_text,
        ):
            for clip in range(shard, clips, SHARDS):
                codes = rng.integers(0, 1024, LEVELS * FRAMES).astype(np.uint16)
                names = {"clip_id": f"clip{clip}", "codebooks": LEVELS, "frames": FRAMES}
                add_codes({**names, "codes": codes, "codec": CODEC})
                text = rng.integers(0, 1 << 14, TOKENS * WIDTH).astype(np.uint16).view(np.float16)
                names = {"clip_id": f"clip{clip}", "length": TOKENS, "width": WIDTH}
                add_text({**names, "embedding": text, "encoder": ENCODER})
        progress.advance()
    with table_writer(folder / "splits.parquet", "splits") as add:
        for clip in range(clips):
            split = {0: "validation", 1: "test"}.get(clip, "train")
            add({"clip_id": f"clip{clip}", "track_id": str(clip), "artist": str(clip), "split": split})
    sums = {path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*.parquet"))}
    release = {"codec": CODEC, "text_encoder": ENCODER, "sha256": sums}
    (folder / "dataset.json").write_text(json.dumps(release), encoding="utf-8")


if __name__ == "__main__":
    main()
