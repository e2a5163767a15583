"""What does a refiner add to level 1, how few steps does it need, and what does a second of audio cost?

Codes of level 1 of real test clips go in, as if a language model had written them without fault. Its output is
compared with the clips: distance of mean spectra (features per band, in their own units, over each clip), of single
frames (which no honest sample of what is uncertain makes smaller than the best guess does), and Frechet distance in an
embedder's space. Beside it level 1 decoded alone, all levels of the codec, and the first refiner of latents without
what it has learned: its estimate is zero, so it adds noise of the mean and covariance of the latents to level 1.

    python benchmarks/refiner.py --data results/data/VERSION --refiner results/refiners/NAME/model.safetensors …
        [--clips 48] [--steps 2 4 8 16 50] [--samplers ddim dpm] [--cost]

Goal: the Frechet distance at 8 steps within 10 % of that at 50. With --cost also the seconds that the second stage
takes per second of audio, at 10 s and at 160 s of one recording, on one thread.
"""

import argparse
import copy
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ssmttm.audio.coded import decode_audio, limit_peak
from ssmttm.choices import SAMPLERS
from ssmttm.codecs.base import Codec, load_codec
from ssmttm.evaluation.embedders import musicnn
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.generation.latent_samplers import Captions, Refinement, build_sampler
from ssmttm.generation.refine import WindowRefiner
from ssmttm.generation.second_stage import load_tables
from ssmttm.given import read_release
from ssmttm.models.refiner.checkpoint import load_refiner
from ssmttm.models.refiner.continuous import ContinuousRefiner
from ssmttm.models.refiner.refiner import Refiner
from ssmttm.settings import RunData
from ssmttm.tables import iter_clips
from ssmttm.training.data import Batch, load_splits

CPU = torch.device("cpu")


class Bench:
    """Test clips, and what is measured of features that stand for them."""

    def __init__(self, data: Path, spec: RunData, levels: int, count: int) -> None:
        self.codec: Codec = load_codec(data / "codec.safetensors")
        with tempfile.TemporaryDirectory() as scratch:
            sets = load_splits(data, read_release(data), spec, levels, Path(scratch))
            chosen = np.linspace(0, len(sets.test) - 1, min(count, len(sets.test))).astype(int)
            self.batch: Batch = sets.test.batch(chosen, CPU)
        self.levels = levels
        self.embedder = musicnn.load({})
        waves = {}
        for clip in iter_clips(
            sorted(p for p in data.glob("clips/*.parquet") if "rejected" not in p.name), self.batch.clip_ids
        ):
            waves[clip["clip_id"]] = decode_audio(clip["audio"]["bytes"])
        self.reference = self._embed([waves[name][0] for name in self.batch.clip_ids])
        self.truth = [self.codec.latents(row, levels) for row in self.batch.codes.numpy()]

    def _embed(self, waves: list[np.ndarray]) -> np.ndarray:
        clips = [(wave, self.codec.sample_rate) for wave in waves]
        return np.concatenate([e.windows for e in self.embedder.analyze_many(clips)])

    def report(self, name: str, features: list[np.ndarray], seconds: float | None = None) -> float:
        """Print a row of the table; returns the Frechet distance."""
        waves = [limit_peak(self.codec.decode_latents(z)) for z in features]
        distance = frechet_distance(self._embed(waves), self.reference)
        frames = np.mean([np.abs(a - b).mean() for a, b in zip(features, self.truth, strict=True)])
        means = np.mean([np.abs(a.mean(0) - b.mean(0)).mean() for a, b in zip(features, self.truth, strict=True)])
        spread = np.mean([np.abs(a.std(0) - b.std(0)).mean() for a, b in zip(features, self.truth, strict=True)])
        cost = "" if seconds is None else f"{seconds:.4f}"
        print(f"| {name} | {distance:.2f} | {means:.4f} | {spread:.4f} | {frames:.4f} | {cost} |", flush=True)
        return distance


def refined(refiner: Refiner, bench: Bench, sampler: str, steps: int) -> tuple[list[np.ndarray], float]:
    """Features of all clips, and seconds per second of audio."""
    batch, config = bench.batch, refiner.config
    started = time.perf_counter()
    sampling = build_sampler(
        refiner, load_tables(bench.codec, config.levels, CPU), Refinement(sampler, steps, 1.0, False)
    )
    captions = Captions(batch.text, batch.text_mask, list(range(len(batch.codes))))
    refining = WindowRefiner(sampling, captions, config.window, config.overlap)
    latents = torch.cat([refining.push(batch.codes[:, 0]).latents, refining.finish().latents], 1).numpy()
    seconds = (time.perf_counter() - started) / (len(latents) * latents.shape[1] / bench.codec.frame_rate)
    return [bench.codec.join(row[0].numpy(), z) for row, z in zip(batch.codes, latents, strict=True)], seconds


def without_learning(refiner: ContinuousRefiner) -> ContinuousRefiner:
    """A copy that estimates zero."""
    untrained = copy.deepcopy(refiner)
    for parameter in untrained.head.parameters():
        torch.nn.init.zeros_(parameter)
    return untrained


def cost(refiner: Refiner, bench: Bench, sampler: str, steps: int, seconds: float) -> float:
    """Seconds per second of one recording of `seconds`."""
    config, rate = refiner.config, bench.codec.frame_rate
    codes: Tensor = bench.batch.codes[:1, 0].repeat(1, 100)[:, : round(seconds * rate)]
    sampling = build_sampler(
        refiner, load_tables(bench.codec, config.levels, CPU), Refinement(sampler, steps, 1.0, False)
    )
    times = []
    for _ in range(3):
        captions = Captions(bench.batch.text[:1], bench.batch.text_mask[:1], [1])
        refining, started = WindowRefiner(sampling, captions, config.window, config.overlap), time.perf_counter()
        for frame in codes.unbind(1):
            refining.push(frame[:, None])
        refining.finish()
        times.append(time.perf_counter() - started)
    return min(times) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--refiner", type=Path, nargs="+", required=True)
    parser.add_argument("--clips", type=int, default=48)
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 4, 8, 16, 50])
    parser.add_argument("--samplers", nargs="+", default=["ddim", "dpm", "euler"])
    parser.add_argument("--cost", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    bench: Bench | None = None
    untrained_told = False
    print("| system | Frechet distance | mean spectrum | its spread | single frames | s per s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in given.refiner:
        refiner, origin = load_refiner(path)
        levels, objective, name = refiner.config.levels, refiner.config.objective, path.parent.name
        if bench is None:
            bench = Bench(given.data, origin["spec"]["data"], levels, given.clips)
            codes = bench.batch.codes.numpy()
            bench.report("level 1 alone", [bench.codec.latents(row, 1) for row in codes])
            bench.report(f"all {levels} levels", bench.truth)
        if not untrained_told and isinstance(refiner, ContinuousRefiner):
            sampler = next(s for s in given.samplers if s in SAMPLERS[objective])
            bench.report(f"{name}, but nothing learned", *refined(without_learning(refiner), bench, sampler, 8))
            untrained_told = True
        for sampler in [s for s in given.samplers if s in SAMPLERS.get(objective, given.samplers[:1])]:
            distances = {}
            for steps in given.steps:
                features, seconds = refined(refiner, bench, sampler, steps)
                distances[steps] = bench.report(f"{name}, {sampler}, {steps} steps", features, seconds)
            if 8 in distances and 50 in distances:
                print(f"{name}, {sampler}: Frechet distance at 8 steps over 50: {distances[8] / distances[50]:.3f}")
            if given.cost:
                short, long = (cost(refiner, bench, sampler, 8, length) for length in (10, 160))
                print(f"{name}, {sampler}: s per s at 10 s {short:.4f}, at 160 s {long:.4f}, ratio {long / short:.3f}")


if __name__ == "__main__":
    main()
