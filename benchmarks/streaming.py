"""MTG-Jamendo's 55,701 tracks from the index to tokens, by SLURM: jobs, bytes and files of every stage.

    tests/slurm/up.sh && . /var/lib/ssmttm-slurm/env
    python benchmarks/streaming.py --metadata raw_30s_cleantags.tsv [--tracks 55701] [--shards 100] [--folder DIR]

Rows of the published table are repeated up to 55,701, and each has five seconds of music of its own, strung together
of seconds of a Debian package's: one clip of four seconds is kept. A server on this machine has them in 100 tar
archives, as the collection is published. The workflow runs with its profile for SLURM and the paper's settings, but for
the codec, which is the offline one, and voices, which aren't separated; all shards are in the queue at once.
Interrupted, run it again with the same --folder.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as pq
import yaml
from sized_jamendo import TRACKS, music, seconds_of, strung, write_archives, write_tables
from slurm_accounts import Account, accounts

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 5
PORT = 18_765  # always the same: the address is one of the data set's settings
VERSION = "streamed-1"
GOALS = {"tracks per job": 10.0, "most files in a folder": 10_000}


class Server(SimpleHTTPRequestHandler):
    """Sends files, and counts."""

    sent: ClassVar[Counter[str]] = Counter()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source, outputfile) -> None:  # type: ignore[no-untyped-def]
        """See http.server."""
        super().copyfile(source, outputfile)
        self.sent["requests"] += 1
        self.sent["bytes"] += source.tell()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of `folder` on this machine while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", PORT), partial(Server, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{PORT}"
        server.shutdown()


def settings(folder: Path, address: str, shards: int) -> dict[str, object]:
    """What goes over the paper's preset."""
    return {
        "data": {
            "version": VERSION,
            "shards": shards,
            "sources": {
                "jamendo": {
                    "metadata": str(folder / "tracks.tsv"),
                    "licenses": str(folder / "audio_licenses.txt"),
                    "titles": None,
                    "checksums": None,
                    "tar_checksums": None,
                    "audio": {"tars": f"{address}/{{archive}}"},
                    "exclude": [],
                }
            },
            "clips": {"seconds": SECONDS - 1.0},
            "vocals": {"mode": "keep", "model": None},
            "codec": {"name": "spectral", "codebooks": 9, "codebook_size": 64},
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metadata", type=Path, required=True, help="a TSV of MTG-Jamendo, whole or its head")
    parser.add_argument("--package", default="singularity-music", help="Debian package whose music is served")
    parser.add_argument("--tracks", type=int, default=TRACKS)
    parser.add_argument("--shards", type=int, default=100)
    parser.add_argument("--local", action="store_true", help="without SLURM, on this machine's cores")
    parser.add_argument("--folder", type=Path, help="kept; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (arguments.folder or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        pieces = seconds_of(music(arguments.package, folder))
        paths = write_tables(arguments.metadata, folder, SECONDS, arguments.tracks)
        archives = write_archives(folder / "archives", paths, strung(pieces, SECONDS))
        made = f"{archives / 1e9:.2f} GB in archives ({time.monotonic() - started:.0f} s)"
        print(f"{len(pieces)} pieces of a second, {made}", flush=True)
        with served(folder / "archives") as address:
            started = time.monotonic()
            said = run(folder, address, arguments)
            report(folder, said, time.monotonic() - started, arguments)


def run(folder: Path, address: str, arguments: argparse.Namespace) -> str:
    """Tokens of all shards; what Snakemake says."""
    for name in ("Snakefile", "workflow", "config.yaml", "environment.yml"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(ROOT / name)
    text = yaml.safe_dump(settings(folder, address, arguments.shards))
    (folder / "streaming.yaml").write_text(text, encoding="utf-8")
    wanted = [f"results/data/{VERSION}/tokens/{shard}.parquet" for shard in range(arguments.shards)]
    profile = ["--workflow-profile", "workflow/profiles/slurm", "--jobs", str(arguments.shards)]
    command = [sys.executable, "-m", "snakemake", *wanted, *(["--cores", "all"] if arguments.local else profile)]
    command += ["--configfile", "workflow/presets/paper/config.yaml", "streaming.yaml"]
    with open(folder / "said", "a+", encoding="utf-8") as said:
        done = subprocess.run(command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, check=False)
        said.seek(0)
        text = said.read()
    if done.returncode:
        sys.exit(f"the workflow failed; see {folder / 'said'}\n{text[-3000:]}")
    return text


def report(folder: Path, said: str, seconds: float, arguments: argparse.Namespace) -> None:
    """Print what it took."""
    data = folder / "results" / "data" / VERSION
    stage_of = dict(re.findall(r"SLURM jobid (\d+) \(log: \S*/(?:rule|group)_(\w+?)[/.]", said))
    kept = accounts(list(stage_of))
    print(f"{seconds / 60:.1f} minutes since it was started last; {len(stage_of)} jobs submitted")
    print(f"{'jobs of':20} {'jobs':>6} {'processor s':>12}")
    for stage, count in Counter(stage_of.values()).items():
        used = sum(kept[job].processor for job, name in stage_of.items() if name == stage and job in kept)
        print(f"{stage:20} {count:6d} {used:12.0f}")
    print(f"{'product':20} {'files':>6} {'MB':>12} {'rows':>8}")
    for product in ("index", "licensed", "clips", "fingerprints", "duplicates", "splits", "codec", "tokens"):
        files = shards(data / product) or list(data.glob(f"{product}.*"))
        rows = sum(pq.read_metadata(path).num_rows for path in files if path.suffix == ".parquet")
        print(f"{product:20} {len(files):6d} {sum(path.stat().st_size for path in files) / 1e6:12.1f} {rows:8d}")
    print(f"server: {Server.sent['requests']} requests, {Server.sent['bytes'] / 1e6:.0f} MB")
    left = [path for path in (folder / "results").rglob("*") if path.is_file()]
    fullest, most = Counter(path.parent for path in left).most_common(1)[0]
    print(f"kept in all: {len(left)} files, {sum(path.stat().st_size for path in left) / 1e6:.0f} MB")
    place, goal = fullest.relative_to(folder), GOALS["most files in a folder"]
    print(f"most files in a folder: {most}, in {place} (goal: under {goal})")
    if stage_of:
        each = arguments.tracks / len(stage_of)
        print(f"tracks per job: {each:.0f} (goal: at least {GOALS['tracks per job']:.0f})")
        print(f"jobs that ran at once: {at_once(kept)}")


def shards(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.parquet") if ".rejected" not in path.name]


def at_once(kept: dict[str, Account]) -> int:
    """The most jobs that ran at a time."""
    changes = sorted(change for job in kept.values() for change in ((job.start, 1), (job.end, -1)))
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


if __name__ == "__main__":
    main()
