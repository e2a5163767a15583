"""Are damaged copies of real music found, and nothing else? Plants them in Debian's music, and counts.

Packages come by apt, about 1 GB, into the cache that the debian source uses, too. Some of the tracks are damaged
in each of the ways of damages.py, encoded, and read again as the pipeline does. Found pairs of different tracks are
compared sample by sample, and are false unless their correlation or `REPEATS` says otherwise. Then the matching of
55,701 synthetic fingerprints, with planted copies, is timed in a process of its own.

    python benchmarks/duplicates.py [--hours 9] [--plant 0.3] [--tracks 55701] [--cache results/cache]
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from damages import DAMAGES, encoded

from ssmttm.audio.fingerprint import Fingerprinter
from ssmttm.audio.matching import candidates
from ssmttm.audio.streams import Undecodable, stream
from ssmttm.dataset.dedup import Recording, find_duplicates
from ssmttm.seeds import stable_fraction
from ssmttm.sources.debian.apt import Apt
from ssmttm.sources.debian.deb import read_package

PACKAGES = ["mrrescue", "gamine-data", "zaz-data", "singularity-music", "hyperrogue-music", "marsshooter-data"]
PACKAGES += ["warzone2100-music", "wesnoth-1.16-music", "ufoai-music", "naev-data"]
REPEATS = {
    frozenset(["menu.opus", "menu_enhanced.opus"]): "one recording under two names",
    frozenset(["ambient2.ogg", "ambient2_5.ogg"]): "two mixes of one recording",
}
"""Pairs of distinct files that hold the same music: true duplicates."""

RATE, SHORTEST_S, SIMILARITY = 24000, 12.0, 0.8
LONGEST_PLANTED_S = 123.0
CODES = 1900
"""Of a synthetic track: four minutes."""
SAME_SAMPLES = 0.9


def decoded(data: bytes) -> np.ndarray:
    """The samples as the pipeline reads them."""
    return np.concatenate([block.wave for block in stream(data, RATE)])


def recording(name: str, wave: np.ndarray, seconds: float) -> Recording:
    fingerprinter = Fingerprinter(RATE)
    fingerprinter.feed(wave)
    # Copies of the same samples are for the fingerprints to find: every recording gets a hash of its own.
    return Recording(name, "CC0-1.0", name, fingerprinter.result().codes, seconds, RATE, None, False)


def files(cache: Path, packages: list[str]) -> Iterator[tuple[str, bytes]]:
    """(package/path, encoded file) of all audio in the packages."""
    apt = Apt(cache / "debian")
    for name in packages:
        package = apt.find(name)
        if package is None:
            sys.exit(f"{name}: apt has no such package; this benchmark is made for Debian bookworm")
        for member in read_package(apt.path(package), name, lambda path: True):
            if member.problem is None and member.data and "/doc/" not in member.path:
                yield f"{name}/{member.name}", member.data


def build(cache: Path, hours: float, share: float) -> tuple[list[Recording], dict[str, list[Recording]]]:
    """Fingerprints of the corpus, and of the damaged copies by damage; a copy is named after its original."""
    corpus: list[Recording] = []
    planted: dict[str, list[Recording]] = {damage: [] for damage in DAMAGES}
    for name, data in files(cache, PACKAGES):
        try:
            wave = decoded(data)
            seconds = len(wave) / RATE
            if seconds < SHORTEST_S:
                continue
        except Undecodable:
            continue
        corpus.append(recording(name, wave, seconds))
        if stable_fraction("plant", name) < share:
            plant(name, data, planted)
        done = sum(t.duration_s for t in corpus) / 3600
        if len(corpus) % 10 == 0:
            print(f"{len(corpus)} tracks, {done:.1f} h, {len(planted['-6 dB'])} damaged", file=sys.stderr)
        if done >= hours:
            break
    return corpus, planted


def plant(name: str, data: bytes, planted: dict[str, list[Recording]]) -> None:
    """Add the track's damaged copies; a file that libsndfile can't read is left alone."""
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate = file.samplerate
            wave = file.read(round(LONGEST_PLANTED_S * rate), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError:
        return
    wave = np.repeat(wave, 2, axis=1)[:, :2] if wave.shape[1] == 1 else wave[:, :2]
    for damage, (change, kind) in DAMAGES.items():
        copy = decoded(encoded(*change(wave, rate), kind))
        planted[damage].append(recording(f"{name}~", copy, len(copy) / RATE))


def correlation(cache: Path, first: str, second: str, offset_s: float) -> tuple[float, float]:
    """How alike the samples of two tracks are where they meet: the median over 5 s windows of the greatest
    normalized correlation within 0.3 s, and how far the lag spreads between windows, in milliseconds."""
    packages = {first.split("/")[0], second.split("/")[0]}
    waves = {name: decoded(data) for name, data in files(cache, sorted(packages)) if name in (first, second)}
    a, b = waves[first], waves[second]
    size, reach = 5 * RATE, round(0.3 * RATE)
    found = []
    for start in range(0, len(a) - size, size):
        low = start - round(offset_s * RATE) - reach
        if low < 0 or low + size + 2 * reach > len(b) or np.abs(a[start : start + size]).max() < 1e-3:
            continue
        x, y = a[start : start + size], b[low : low + size + 2 * reach]
        product = np.fft.irfft(np.fft.rfft(y, 1 << 18) * np.fft.rfft(x, 1 << 18).conj())[: 2 * reach + 1]
        energy = np.cumsum(np.append(0.0, y.astype(np.float64) ** 2))
        scaled = np.abs(product) / np.sqrt((energy[size:] - energy[:-size]) * (x**2).sum() + 1e-9)
        found.append((scaled.max(), scaled.argmax()))
    values, lags = np.array(found or [(0.0, 0.0)]).T
    return float(np.median(values)), float(np.subtract(*np.quantile(lags, [0.75, 0.25])) / RATE * 1000)


def repeats(cache: Path, corpus: list[Recording]) -> tuple[set[frozenset[str]], int]:
    """Pairs of the corpus itself that are true duplicates, and how many false ones were found; prints each."""
    known, false = set(), 0
    for row in find_duplicates(corpus, SIMILARITY):
        pair = row["track_id"], row["duplicate_of"]
        value, spread = correlation(cache, *pair, row["offset_s"])
        reason = REPEATS.get(frozenset(name.rsplit("/", 1)[-1] for name in pair))
        if reason is None and value >= SAME_SAMPLES:
            reason = "the same samples"
        if reason:
            known.add(frozenset(pair))
        else:
            false += 1
        print(f"  {pair[0]}\n  {pair[1]}")
        print(
            f"    similarity {row['similarity']:.3f}, correlation {value:.2f} "
            f"(lag within {spread:.1f} ms): {reason or 'FALSE'}"
        )
    return known, false


def score(corpus: list[Recording], copies: list[Recording], known: set[frozenset[str]]) -> tuple[int, list[float], int]:
    """How many copies were found, the similarities, and how many pairs are false."""
    found, similarities, false = set(), [], 0
    for row in find_duplicates([*corpus, *copies], SIMILARITY):
        pair = row["track_id"], row["duplicate_of"]
        names = frozenset(name.rstrip("~") for name in pair)  # of the originals
        if len(names) == 2 and names not in known:
            false += 1
        elif copied := {name for name in pair if name.endswith("~")}:
            found |= copied
            similarities.append(row["similarity"])
    return len(found), similarities, false


def synthetic(sources: list[np.ndarray], tracks: int) -> tuple[np.ndarray, int]:
    """Codes [tracks, CODES] with the statistics of real ones, and how many of them are copies, from the end on.

    Each quarter of a code's bits is taken from another real track, from a place of its own. One in twenty is a
    copy of one of the first: 1.2 s cut off, and 1 % or 12 % of its bits inverted.
    """
    rng = np.random.default_rng(0)
    pool = np.stack([codes[:CODES] for codes in sources if len(codes) >= CODES])
    codes = np.zeros((tracks, CODES), np.uint32)
    for row in codes:
        for quarter in range(4):
            part = np.roll(pool[rng.integers(len(pool))], rng.integers(CODES))
            row |= part & np.uint32(0xFF << 8 * quarter)
    for i in range(tracks // 20):
        flips = rng.random((CODES - 10, 32), dtype=np.float32) < (0.12 if i % 2 else 0.01)
        codes[-1 - i, : CODES - 10] = codes[i, 10:] ^ np.packbits(flips, axis=1).view(np.uint32)[:, 0]
    return codes, tracks // 20


def measure(path: Path) -> None:
    """In a process of its own: print seconds, peak memory in GB, copies found, candidates, false pairs."""
    codes = np.load(path)
    copies, last = len(codes) // 20, len(codes) - 1
    tracks = [Recording(f"{i:06}", "CC0-1.0", str(i), row, 240.0, RATE, None, False) for i, row in enumerate(codes)]
    started = time.perf_counter()
    rows = find_duplicates(tracks, SIMILARITY)
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1e6
    pairs = {(int(r["track_id"]), int(r["duplicate_of"])) for r in rows}
    wanted = {(last - i, i) for i in range(copies)}
    print(seconds, peak, len(pairs & wanted), len(candidates([t.codes for t in tracks])), len(pairs - wanted))


def collisions(every: list[np.ndarray]) -> float:
    """The share of pairs of different tracks' codes that are equal."""
    keys = np.unique(np.concatenate([c.astype(np.uint64) << np.uint64(20) | np.uint64(i) for i, c in enumerate(every)]))
    counts = np.unique(keys >> np.uint64(20), return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / (len(keys) * (len(keys) - 1.0)))


def scale(sources: list[np.ndarray], tracks: int) -> bool:
    """Print what matching takes at a quarter of `tracks` and at all of them; whether the goals are reached."""
    reached = True
    print(f"codes that are equal in two real tracks: {collisions(sources):.1e}")
    for count in (tracks // 4, tracks):
        codes, copies = synthetic(sources, count)
        if count < tracks:
            print(f"codes that are equal in two synthetic tracks: {collisions(list(codes[: count // 2])):.1e}")
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "codes.npy", codes)
            command = [sys.executable, __file__, "--measure", f"{folder}/codes.npy"]
            words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        seconds, peak, found, compared, false = map(float, words)
        print(
            f"{count:,} synthetic tracks: {seconds:.1f} s, {peak:.2f} GB at the peak, {compared:.0f} pairs compared, "
            f"{found / copies:.1%} of {copies} copies found, {false:.0f} false"
        )
        reached = reached and peak < 2 and found >= 0.95 * copies and false == 0
    return reached


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=99.0, help="stop after this much music")
    parser.add_argument("--plant", type=float, default=0.3, help="share of the tracks that are damaged")
    parser.add_argument("--tracks", type=int, default=55_701, help="synthetic fingerprints")
    parser.add_argument("--cache", type=Path, default=Path("results/cache"), help="where packages are kept")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return 0
    corpus, planted = build(arguments.cache, arguments.hours, arguments.plant)
    print(f"{len(corpus)} tracks, {sum(t.duration_s for t in corpus) / 3600:.1f} h; pairs found among them:")
    known, false = repeats(arguments.cache, corpus)
    reached = not false
    print(f"{'damage':38}{'copies':>8}{'found':>9}{'similarity: median':>20}{'least':>8}{'false':>7}")
    for damage, copies in planted.items():
        found, similarities, wrong = score(corpus, copies, known)
        middle, least = (np.median(similarities), min(similarities)) if similarities else (np.nan, np.nan)
        print(f"{damage:38}{len(copies):8}{found / max(len(copies), 1):9.1%}{middle:20.3f}{least:8.3f}{wrong:7}")
        reached = reached and not wrong and ("speed" in damage or found >= 0.95 * len(copies))
    reached = scale([t.codes for t in corpus], arguments.tracks) and reached
    print("goals:", "reached" if reached else "MISSED")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
