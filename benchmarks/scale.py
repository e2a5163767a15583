"""The data pipeline at the size of MTG-Jamendo: 55,701 tracks, real audio behind a faulty server.

    python benchmarks/scale.py --metadata ../mtg-jamendo-dataset/data/raw_30s_cleantags.tsv

Rows of the published table are repeated under new numbers up to 55,701. A server on this machine serves music of a
Debian package (by apt), encoded to MP3, under Jamendo's paths, with faults. Measured: planning the paper preset,
the stages index and license, and what one shard's jobs take at three sizes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "unit" / "support"))

from faulty_server import FaultyServer, cut, status  # noqa: E402
from sized_jamendo import RATE, TRACKS, music, one_of, write_tables  # noqa: E402

from ssmttm.audio.coded import encode_audio  # noqa: E402
from ssmttm.config import load_config  # noqa: E402
from ssmttm.seeds import stable_fraction  # noqa: E402
from ssmttm.spec import canonical_json, stage_spec  # noqa: E402

SECONDS = 200
SHARDS = (1024, 512, 256)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metadata", type=Path, required=True, help="a TSV of MTG-Jamendo, whole or its head")
    parser.add_argument("--package", default="singularity-music", help="Debian package whose music is served")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        songs = [
            encode_audio(np.resize(wave, SECONDS * RATE), RATE, "MP3") for wave in music(arguments.package, folder)
        ]
        print(f"{len(songs)} excerpts of {arguments.package}, {sum(map(len, songs)) / len(songs) / 1e6:.1f} MB each")
        audio = one_of(songs)
        files = {f"/{path}": audio(path) for path in write_tables(arguments.metadata, folder, SECONDS)}
        with FaultyServer(files, choose=fault) as server:
            config = settings(folder, f"{server.url()}/{{path}}")
            plan()
            list_and_license(config, folder)
            measure_shards(config, folder)
            faults = sum(bool(hit.fault) for hit in server.hits)
            print(f"server: {len(server.hits)} requests, {faults} of them answered with a fault")


def fault(path: str, number: int) -> Any:
    """The first request for a path may be cut or refused."""
    luck = stable_fraction("fault", path)
    if number > 1 or luck > 0.15:
        return None
    return cut(0.5) if luck < 0.10 else status(503, retry_after="0")


def settings(folder: Path, address: str) -> dict[str, Any]:
    """The paper preset with this corpus; voices stay, since separating them is the GPU's work."""
    config = load_config(ROOT / "config.yaml", ROOT / "workflow" / "presets" / "paper" / "config.yaml")
    config["data"]["sources"]["jamendo"] |= {
        "metadata": str(folder / "tracks.tsv"),
        "licenses": str(folder / "audio_licenses.txt"),
        "titles": None,
        "checksums": None,
        "audio": {"address": address},
        "exclude": [],
    }
    config["data"]["vocals"]["mode"] = "keep"
    return config


def run(*command: str) -> tuple[float, float]:
    """Seconds and peak memory in MB of a process that must succeed."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    told = process.stderr.read()
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        sys.exit(f"{' '.join(command[:4])} failed:\n{told.decode()[-2000:]}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def stage(config: dict[str, Any], name: str, *options: str) -> tuple[float, float]:
    text = canonical_json(stage_spec(config, name))
    return run(sys.executable, "-m", "ssmttm", name, "--spec", text, *options)


def plan() -> None:
    with tempfile.TemporaryDirectory() as name:
        preset = str(ROOT / "workflow" / "presets" / "paper" / "config.yaml")
        command = ("-m", "snakemake", "-n", "--quiet", "--snakefile", str(ROOT / "Snakefile"), "--directory", name)
        seconds, _ = run(sys.executable, *command, "--configfile", str(ROOT / "config.yaml"), preset)
    print(f"planning the paper preset: {seconds:.1f} s (goal: under 10)")


def list_and_license(config: dict[str, Any], folder: Path) -> None:
    cache, index = ("--cache", str(folder / "cache")), folder / "index.parquet"
    seconds, memory = stage(config, "index", "--out", str(index), *cache)
    print(f"index, {TRACKS} tracks: {seconds:.1f} s, {memory:.0f} MB")
    names = {"licensed": "licensed.parquet", "rejected": "rejected.parquet", "attribution": "ATTRIBUTION.md"}
    options = [f"--{option}={folder / file}" for option, file in names.items()]
    seconds, memory = stage(config, "license", "--index", str(index), *options)
    print(f"license, the whole stage: {seconds:.1f} s, {memory:.0f} MB")


def measure_shards(config: dict[str, Any], folder: Path) -> None:
    """Fetch and cut one shard of each size: seconds a track, and peak memory."""
    print(f"{'shards':>8} {'tracks':>8} {'audio s':>8} {'MB':>6} {'clips s':>8} {'MB':>6} {'s per track':>12}")
    for row in shard_rows(config, folder):
        print("{:8d} {:8d} {:8.1f} {:6.0f} {:8.1f} {:6.0f} {:12.3f}".format(*row), flush=True)


def shard_rows(config: dict[str, Any], folder: Path) -> Iterator[tuple[float, ...]]:
    for shards in SHARDS:
        out = {name: folder / f"{name}.{shards}.parquet" for name in ("audio", "ar", "clips", "fingerprints", "cr")}
        fetching, fetch_memory = stage(
            config,
            "audio",
            *("--licensed", str(folder / "licensed.parquet"), "--shard", "0", "--shards", str(shards)),
            *("--out", str(out["audio"]), "--rejected", str(out["ar"]), "--cache", str(folder / f"cache-{shards}")),
        )
        cutting, cut_memory = stage(
            config,
            "clips",
            *("--audio", str(out["audio"]), "--out", str(out["clips"]), "--rejected", str(out["cr"])),
            *("--fingerprints", str(out["fingerprints"])),
        )
        tracks = pq.read_metadata(out["fingerprints"]).num_rows
        yield shards, tracks, fetching, fetch_memory, cutting, cut_memory, (fetching + cutting) / tracks


if __name__ == "__main__":
    main()
