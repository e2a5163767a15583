"""Does fetching survive faults and kills? Real music from a faulty loopback server, killed again and again.

Short clips of Debian's music are served under MTG-Jamendo's paths. Of all requests 10 % are cut off,
5 % answered with 503 and Retry-After, 5 % stall, and 2 % get wrong bytes. A process that fetches in
several threads is killed with SIGKILL at random moments and started again. Goals: in the end every
track is there with the right SHA-256, none was asked for again after it was complete, and a further
run asks for nothing.

    python benchmarks/fetching.py [--tracks 500] [--kills 5] [--seed 1]
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import av
import numpy as np

from ssmttm.errors import UserError
from ssmttm.fetch.download import download
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import sha256_bytes, sha256_file
from ssmttm.sources.debian.apt import Apt
from ssmttm.sources.debian.deb import read_package

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "support"))

from faulty_server import Fault, FaultyServer, cut, stall, status, wrong_bytes  # noqa: E402

PACKAGES = ("gamine-data", "mrrescue")
SHARES = {"cut": 0.10, "503": 0.05, "stall": 0.05, "wrong bytes": 0.02}
FETCHING = {"connections": 4, "attempts": 6, "timeout_s": 1.0, "backoff_s": 0.2}
THREADS = 8
RATE, SECONDS = 44100, (3.0, 12.0)


def music(folder: Path) -> list[bytes]:
    """Encoded music of Debian packages; raises UserError without apt or network."""
    archive, found = Apt(folder), []
    for name in PACKAGES:
        if (package := archive.find(name)) is None:
            raise UserError(f"apt knows no package {name}")
        members = read_package(archive.path(package), name, lambda path: path.endswith((".ogg", ".mp3")))
        found += [m.data for m in members if m.problem is None and m.name.endswith((".ogg", ".mp3"))]
    return found


def tones() -> list[bytes]:
    """Ten minutes of changing chords, where there is no music."""
    rng, out = np.random.default_rng(1), BytesIO()
    t = np.arange(RATE * 2) / RATE
    notes = [sum(np.sin(2 * np.pi * f * t) for f in 110 * 2 ** (rng.integers(0, 36, 3) / 12)) for _ in range(300)]
    with av.open(out, "w", "wav") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        wave = (np.concatenate(notes) * 9000).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return [out.getvalue()]


def mp3_frames(sources: list[bytes]) -> list[bytes]:
    """The first half minute of each source as MP3 frames of 26 ms, each of which may begin a file."""
    encoder = av.CodecContext.create("libmp3lame", "w")
    encoder.sample_rate, encoder.bit_rate, encoder.layout, encoder.format = RATE, 128_000, "stereo", "s16p"
    encoder.options = {"compression_level": "9"}
    encoder.open()
    frames: list[bytes] = []
    for source in sources:
        resampler = av.AudioResampler("s16p", "stereo", RATE, frame_size=encoder.frame_size)
        with av.open(BytesIO(source)) as container:
            for frame in container.decode(audio=0):
                if frame.time > 30:
                    break
                frame.pts = None
                for resampled in resampler.resample(frame):
                    frames += [bytes(packet) for packet in encoder.encode(resampled)]
    return frames


def clips(frames: list[bytes], count: int, rng: random.Random) -> dict[str, bytes]:
    """Different clips of the music, under the paths of MTG-Jamendo."""
    files: dict[str, bytes] = {}
    for number in rng.sample(range(1000, 1_400_000), count):
        length = round(rng.uniform(*SECONDS) * RATE / 1152)
        start = rng.randrange(max(1, len(frames) - length))
        files[f"/audio/{number % 100:02d}/{number}.low.mp3"] = b"".join(frames[start : start + length])
    return files


def choose(path: str, number: int, seed: int) -> Fault | None:
    """What happens to one request."""
    rng = random.Random(f"{seed} {path} {number}")
    draw = rng.random()
    faults = {
        "cut": cut(rng.random(), reset=rng.random() < 0.5),
        "503": status(503, retry_after="1"),
        "stall": stall(2.5, rng.random()),
        "wrong bytes": wrong_bytes(rng.randrange(1, 1 << 30)),
    }
    for name, share in SHARES.items():
        if draw < share:
            return faults[name]
        draw -= share
    return None


def fetch_all(folder: Path, base: str) -> int:
    """The process that is killed: fetch every track of `checksums.json`; 0 if all are there."""
    checksums = json.loads((folder / "checksums.json").read_text(encoding="utf-8"))

    def fetch(item: tuple[str, str]) -> bool:
        path, sha256 = item
        options = {"sha256": sha256, "fetching": FETCHING, "slots": folder / "slots"}
        try:
            download(f"{base}{path}", folder / "cache" / path.lstrip("/"), **options)
        except Unavailable as error:
            print(f"{error.reason}: {error}", file=sys.stderr)
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        return int(not all(list(pool.map(fetch, checksums.items()))))


def present(folder: Path, files: dict[str, bytes]) -> set[str]:
    return {path for path in files if (folder / "cache" / path.lstrip("/")).exists()}


def wrong(folder: Path, files: dict[str, bytes]) -> int:
    """How many of the tracks that count as present are not what they should be."""
    there = present(folder, files)
    return sum(sha256_file(folder / "cache" / p.lstrip("/")) != sha256_bytes(files[p]) for p in there)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return fetch_all(Path(arguments.child[0]), arguments.child[1])
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as temporary:
        folder = Path(temporary)
        try:
            sources, origin = music(folder / "debian"), f"music of {' and '.join(PACKAGES)}"
        except UserError as error:
            sources, origin = tones(), f"tones, for want of music: {error}"
        files = clips(mp3_frames(sources), arguments.tracks, rng)
        checksums = {path: sha256_bytes(data) for path, data in files.items()}
        (folder / "checksums.json").write_text(json.dumps(checksums), encoding="utf-8")
        with FaultyServer(files, lambda path, n: choose(path, n, arguments.seed), pace=(1 << 14, 0.005)) as server:
            return run(server, folder, files, arguments.kills, rng, origin)


def run(
    server: FaultyServer, folder: Path, files: dict[str, bytes], kills: int, rng: random.Random, origin: str
) -> int:
    command = [sys.executable, __file__, "--child", str(folder), server.url()]
    started, complete, spoilt, killed, partial = time.time(), {}, 0, 0, 0
    while True:
        with subprocess.Popen(command) as process:
            if killed < kills:
                # at a random moment of the remaining work, so that every kill finds some
                goal = len(files) * (killed + rng.uniform(0.2, 1.0)) / (kills + 1)
                while process.poll() is None and len(present(folder, files)) < goal:
                    time.sleep(0.05)
                time.sleep(rng.uniform(0.0, 0.2))
                process.send_signal(signal.SIGKILL)
        killed += process.returncode == -signal.SIGKILL
        for path in present(folder, files):
            complete.setdefault(path, time.time())
        spoilt += wrong(folder, files)
        partial += len(list((folder / "cache").rglob("*.part")))
        if process.returncode != -signal.SIGKILL:
            break
    seconds, hits = time.time() - started, list(server.hits)
    for path in complete:  # the record is written once, when the track was found to be right
        record = (folder / "cache" / path.lstrip("/")).with_suffix(".mp3.json")
        complete[path] = min(complete[path], record.stat().st_mtime)
    again = sum(hit.begun > complete.get(hit.path, hit.begun) for hit in hits)
    subprocess.run(command, check=True)
    idle = len(server.hits) - len(hits)
    faults = Counter(hit.fault for hit in hits if hit.fault)
    sent, needed = sum(hit.sent for hit in hits if hit.status in (200, 206)), sum(map(len, files.values()))
    there = len(present(folder, files))
    rows = [
        ("tracks", f"{len(files)}, {needed / 1e6:.1f} MB ({origin})"),
        ("kills", f"{killed}, which left {partial} parts"),
        ("requests", f"{len(hits)}, of which {sum(hit.status == 206 for hit in hits)} went on where they were"),
        *((name, f"{faults[name]} ({faults[name] / len(hits):.1%})") for name in SHARES),
        ("bytes sent / needed", f"{sent / needed:.3f}"),
        ("present and right", f"{there - wrong(folder, files)}"),
        ("present but wrong, at any kill", f"{spoilt}"),
        ("asked for again when complete", f"{again}"),
        ("asked for by a further run", f"{idle}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    for name, value in rows:
        print(f"{name:32}{value}")
    right = there - wrong(folder, files) == len(files)
    reached = right and killed == kills and process.returncode == 0 and not (spoilt or again or idle)
    print("goal: all present and right, none asked for again when complete:", "reached" if reached else "MISSED")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
