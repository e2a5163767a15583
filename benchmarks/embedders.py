"""Embedders on real music: seconds of audio per second, and whether distances grow with every step of damage.

Packages come by apt into the cache that the debian source uses, too. Clips of 10 s are cut out of their music;
a distance is measured between the clips and the same clips damaged. Each row has a bootstrap interval over clips,
and each series says whether every step is in the right order, in the value and clearly: paired by clip, with the
interval of the step above zero. "reversed" and "pitch" are not alike for all uses: a tagger may be blind to the
direction of time.

    python benchmarks/embedders.py [--clips 120] [--cache results/cache] [--threads 2] [--models models.yaml]

`--models` names a file like `evaluation.models`, with the weights of further embedders.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import av
import librosa
import numpy as np
import torch
import yaml

from ssmttm.audio.streams import Undecodable, stream
from ssmttm.evaluation.embedder import Embedder, Embedding, load_embedder
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.evaluation.metrics.kl import bernoulli_kl
from ssmttm.sources.debian.apt import Apt
from ssmttm.sources.debian.deb import read_package
from ssmttm.statistics.bootstrap import resamples

PACKAGES = ["mrrescue", "zaz-data", "singularity-music", "hyperrogue-music"]
RATE, SECONDS, EVERY_S = 48000, 10.0, 30.0
RESAMPLES, CONFIDENCE = 100, 0.95
Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def opus(kilobits: int) -> Damage:
    def damage(wave: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="ogg") as container:
            output = container.add_stream("libopus", rate=RATE, layout="mono")
            output.bit_rate = 1000 * kilobits
            frame = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), format="flt", layout="mono")
            frame.sample_rate = RATE
            for packet in [*output.encode(frame), *output.encode(None)]:
                container.mux(packet)
        buffer.seek(0)
        with av.open(buffer) as container:
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            parts = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        found = np.concatenate([f.to_ndarray()[0] for f in parts])[: len(wave)]
        return np.pad(found, (0, len(wave) - len(found)))

    return damage


def noise(decibel: float) -> Damage:
    def damage(wave: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        level = np.sqrt((wave**2).mean()) * 10 ** (-decibel / 20)
        return wave + level * generator.standard_normal(len(wave)).astype(np.float32)

    return damage


def pitch(semitones: int) -> Damage:
    return lambda wave, generator: librosa.effects.pitch_shift(wave, sr=RATE, n_steps=semitones)


def clipped(decibel: float) -> Damage:
    """Driven by so much beyond its peak, then cut off at full scale and turned down again."""
    gain = 10 ** (decibel / 20)

    def damage(wave: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        peak = np.abs(wave).max()
        return np.clip(wave * gain, -peak, peak) / np.float32(gain**0.5)

    return damage


SERIES: dict[str, list[tuple[str, Damage]]] = {
    "Opus": [(f"{k} kbit/s", opus(k)) for k in (24, 12, 6)],
    "noise": [(f"{d} dB SNR", noise(d)) for d in (40, 30, 20, 10)],
    "pitch": [(f"+{s} semitones", pitch(s)) for s in (1, 2, 4)],
    "reversed": [("reversed", lambda wave, generator: wave[::-1].copy())],
    "clipped": [(f"{d} dB drive", clipped(d)) for d in (12, 24)],
}
"""Steps of each damage, from the least to the worst."""


def clips(cache: Path, packages: list[str], wanted: int) -> list[np.ndarray]:
    """Clips of 10 s, one for every 30 s of a track, mono at 48 kHz, not silent, spread over the packages."""
    apt = Apt(cache / "debian")
    found: list[list[np.ndarray]] = []
    for name in packages:
        package = apt.find(name)
        if package is None:
            sys.exit(f"{name}: apt has no such package; this benchmark is made for Debian bookworm")
        mine: list[np.ndarray] = []
        for member in read_package(apt.path(package), name, lambda path: True):
            if len(mine) >= -(-wanted // len(packages)):
                break
            if member.problem is None and member.data:
                mine.extend(_cut(member.data))
        found.append(mine[: -(-wanted // len(packages))])
    return [clip for mine in found for clip in mine][:wanted]


def _cut(data: bytes) -> Iterator[np.ndarray]:
    try:
        parts = []
        for block in stream(data, RATE):
            parts.append(block.wave)
            if sum(len(p) for p in parts) > 120 * RATE:
                break
    except Undecodable:
        return
    wave = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    size, step = round(SECONDS * RATE), round(EVERY_S * RATE)
    for start in range(0, len(wave) - size + 1, step):
        clip = wave[start : start + size]
        if np.sqrt((clip**2).mean()) > 0.01:
            yield clip


def speed(embedder: Embedder, music: list[np.ndarray]) -> tuple[float, float]:
    """Seconds of audio per second, and per second of one core, resampling from 48 kHz included; the best of three."""
    embedder.analyze(music[0], RATE)
    wall, core = [], []
    for _ in range(3):
        started, busy = time.perf_counter(), time.process_time()
        embedder.analyze_many([(clip, RATE) for clip in music])
        wall.append(time.perf_counter() - started)
        core.append(time.process_time() - busy)
    seconds = len(music) * SECONDS
    return seconds / min(wall), seconds / min(core)


def divergence(kind: str, reference: np.ndarray, damaged: np.ndarray) -> np.ndarray:
    """KL(reference || damaged) per clip, [n]."""
    if kind == "sigmoid":
        return bernoulli_kl(reference, damaged)
    p, q = (np.clip(a.astype(np.float64), 1e-6, None) for a in (reference, damaged))
    return (p * np.log(p / q)).sum(axis=1)


def frechet(x: list[np.ndarray], y: list[np.ndarray], index: np.ndarray) -> float:
    return frechet_distance(np.concatenate([x[i] for i in index]), np.concatenate([y[i] for i in index]))


def measure(embedder: Embedder, music: list[np.ndarray]) -> None:
    reference = embedder.analyze_many([(clip, RATE) for clip in music])
    draws = resamples(len(music), RESAMPLES, 1)
    whole = np.arange(len(music))
    for series, steps in SERIES.items():
        values: dict[str, list[tuple[float, np.ndarray]]] = {"FAD": [], "KL": []}
        for number, (label, damage) in enumerate(steps):
            damaged = embed(embedder, music, damage, number)
            pair = [e.windows for e in reference], [e.windows for e in damaged]
            rows = [("FAD", frechet(*pair, whole), np.array([frechet(*pair, draw) for draw in draws]))]
            if embedder.activation != "none":
                posteriors = np.stack([e.posterior for e in reference]), np.stack([e.posterior for e in damaged])
                each = divergence(embedder.activation, *posteriors)
                rows.append(("KL", float(each.mean()), each[draws].mean(axis=1)))
            for name, value, replicates in rows:
                shifted = replicates - (replicates.mean() - value)  # resampling lifts a Fréchet distance
                low, high = np.quantile(shifted, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
                values[name].append((value, replicates))
                print(f"{embedder.name:9} {name:4} {series:9} {label:14} {value:11.5g}  [{low:.5g}, {high:.5g}]")
        for name, found in values.items():
            if len(found) > 1:
                report(embedder.name, name, series, found)


def embed(embedder: Embedder, music: list[np.ndarray], damage: Damage, number: int) -> list[Embedding]:
    generator = np.random.default_rng(number)
    return embedder.analyze_many([(damage(clip, generator), RATE) for clip in music])


def report(embedder: str, name: str, series: str, found: list[tuple[float, np.ndarray]]) -> None:
    """Say whether each step is worse than the one before it, and whether its interval leaves zero out."""
    steps = [(b - a, np.quantile(y - x, (1 - CONFIDENCE) / 2)) for (a, x), (b, y) in pairwise(found)]
    right, clear = sum(d > 0 for d, _ in steps), sum(d > 0 and low > 0 for d, low in steps)
    verdict = "in order" if right == len(steps) else "OUT OF ORDER"
    print(f"{embedder:9} {name:4} {series:9} -> {verdict}: {right} of {len(steps)} steps, {clear} of them clearly")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--cache", type=Path, default=Path("results/cache"))
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = yaml.safe_load(options.models.read_text()) if options.models else {}
    music = clips(options.cache, options.packages, options.clips)
    print(f"{len(music)} clips of {SECONDS:.0f} s from {', '.join(options.packages)}; {options.threads} threads")
    for name in ["musicnn", *models]:
        embedder = load_embedder(name, models)
        wall, core = speed(embedder, music[:24])
        print(f"{embedder.identity}: {wall:.0f} x realtime, {core:.0f} x for each core it keeps busy")
        measure(embedder, music)


if __name__ == "__main__":
    main()
