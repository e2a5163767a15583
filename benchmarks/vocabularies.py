"""Which vocabulary and frame rate of level 1 teach a small model most within seconds?

For each of them a codec is fitted to the training clips of a data set, as the spectral codec is: log-mel frames, some
of which are stacked to one frame of codes, by residual k-means. Level 1 of its codes is then learned for `--seconds` of
one core by Prefix SiMBA and by the Transformer of the paper's layers, each at the better of two rates, by its loss on
the held-out tracks of training artists (split tuning); the trivial systems count pairs and triples of codes. Nats are
per second of music, so that vocabularies and frame rates can be compared.

    python benchmarks/vocabularies.py --data results/data/laptop-5 [--seconds 30] [--codes 64 256 1024] [--stacks 2 4]

The loss of a codec is the root mean square error of log-mel bands on the test clips, in decibels, of level 1 alone and
of as many levels as spend 1,700 bits on a second.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.codecs import _mel, _residual
from ssmttm.codecs.base import padded_wave
from ssmttm.config import load_config
from ssmttm.evaluation.ngrams import fit_code_model
from ssmttm.given import read_release
from ssmttm.models.config import ModelConfig
from ssmttm.rates import with_rate
from ssmttm.run_table import read_runs
from ssmttm.settings import RunSpec
from ssmttm.tables import iter_clips, read_mapping
from ssmttm.training.budget import learning_rate
from ssmttm.training.data import DataSet, TokenSet, load_splits
from ssmttm.training.parallel import Workers
from ssmttm.training.step import Stepper
from ssmttm.training.task import Fit
from ssmttm.training.tasks.language_model import LanguageModelTask

BITS = 1700
"""Of all levels together, per second: what six levels of 64 codes spend at 46.9 frames."""
DESIGNS = {"prefix-simba": (4e-3, 8e-3), "prefix-transformer": (2e-3, 4e-3)}
"""Designs of the default study, with the rates that are tried for each."""
SPLITS = ("train", "validation", "test", "known", "tuning")
DECIBELS = 20 / math.log(10)


@dataclass
class Coded:
    """A data set under one codec."""

    levels: int
    losses: tuple[float, float]
    """Of level 1, and of all levels, in decibels."""
    sets: DataSet


def features_of(data: Path, sample_rate: int) -> dict[str, np.ndarray]:
    """Log-mel frames `[frames, bands]` of every clip."""
    splits = read_mapping(data / "splits.parquet", "splits", "clip_id", "split")
    found = {}
    for clip in iter_clips(sorted((data / "clips").glob("[0-9].parquet")), set(splits)):
        wave = padded_wave(resample(*decode_audio(clip["audio"]["bytes"]), sample_rate), 4 * _mel.HOP)
        found[clip["clip_id"]] = _mel.log_mel(torch.from_numpy(wave), sample_rate).numpy()
    return found


def coded(features: dict[str, np.ndarray], sets: DataSet, size: int, stack: int, rate: float) -> Coded:
    """`sets` with codes of level 1 of a codec of `size` codes, of `stack` mel frames each."""
    levels = max(1, round(BITS / (rate * math.log2(size))))
    stacked = {clip: mel[: len(mel) // stack * stack].reshape(-1, stack * _mel.BANDS) for clip, mel in features.items()}
    train = np.concatenate([stacked[clip] for clip in sets.train.clip_ids])
    generator = np.random.default_rng(1)
    kept = train[np.sort(generator.choice(len(train), min(len(train), 40 * size), replace=False))]
    mean = kept.mean(0)
    books = _residual.fit_codebooks(kept - mean, levels, size, 1)

    def codes(clip: str) -> np.ndarray:
        return _residual.quantize(stacked[clip] - mean, books)

    errors = np.zeros(2)
    for clip in sets.test.clip_ids:
        own, residual = codes(clip), stacked[clip] - mean
        for level in range(levels):
            residual = residual - books[level][own[level]]
            errors += np.square(residual).mean() * np.array([level == 0, level == levels - 1])
    one, whole = np.sqrt(errors / len(sets.test.clip_ids)) * DECIBELS

    def recoded(part: TokenSet) -> TokenSet:
        changed = np.stack([codes(clip)[:1] for clip in part.clip_ids]).astype(np.uint16)
        same = copy(part)
        same.codes = changed
        return same

    parts: dict[str, Any] = {name: recoded(getattr(sets, name)) for name in SPLITS}
    return Coded(levels, (one, whole), replace(sets, **parts))


def step_seconds(stepper: Stepper, trials: int = 5) -> float:
    """Processor seconds of a step, of which other work on the machine takes none; leaves the model as it was."""
    stepper.step(0, 0.0)
    started = time.process_time()
    for number in range(trials):
        stepper.step(number, 0.0)
    stepper.optimizer.state.clear()
    return (time.process_time() - started) / trials


def learned(spec: RunSpec, sets: DataSet, width: int, seconds: float) -> dict[str, float]:
    """Nats per code on `tuning` and `test` after `seconds` of processor time, the schedule's last step among them."""
    settings = spec["training"]
    task = LanguageModelTask(ModelConfig.from_spec(spec, width), settings, sets, {})  # type: ignore[typeddict-item]
    fit = Fit(settings["batch_size"], False)
    torch.manual_seed(1)
    task.build(torch.device("cpu"), fit)
    stepper = Stepper(task, settings, fit, 1, Workers(torch.device("cpu")))
    steps = max(1, int(seconds / step_seconds(stepper)))
    for number in range(steps):
        stepper.step(number, learning_rate(number, steps, settings))
    return {"steps": steps} | {name: stepper.evaluate(getattr(sets, name))[0] for name in ("tuning", "test")}


def rows(options: argparse.Namespace) -> Iterator[tuple[Any, ...]]:
    """One for each vocabulary and frame rate."""
    config = load_config()
    config["rates"] = None
    runs = {run["variant"]: run["spec"] for run in read_runs(config).values() if run["size"] == "base"}
    sample_rate = config["data"]["clips"]["sample_rate"]
    features = features_of(options.data, sample_rate)
    with tempfile.TemporaryDirectory() as scratch:
        spec = runs["prefix-simba"]
        sets = load_splits(options.data, read_release(options.data), spec["data"], 1, Path(scratch))
        for stack in options.stacks:
            rate = sample_rate / (stack * _mel.HOP)
            for size in options.codes:
                made = coded(features, sets, size, stack, rate)
                counts = {}
                for name in ("unigram", "bigram", "trigram"):
                    model = fit_code_model(name, size, made.sets.train.codes[:, 0], made.sets.validation.codes[:, 0])
                    counts[name] = -rate * float(model.log_probabilities(made.sets.test.codes[:, 0]).mean())
                found = {}
                for name, rates in DESIGNS.items():
                    trials = []
                    for tried in rates:
                        own = with_rate(runs[name], tried)
                        own["data"]["codec"]["codebook_size"] = size
                        trials.append(learned(own, made.sets, sets.train.text_width, options.seconds))
                    best = min(trials, key=lambda t: t["tuning"])
                    found[name] = (rate * best["test"], best["steps"])
                yield rate, size, made.levels, *made.losses, counts, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a released data set")
    parser.add_argument("--seconds", type=float, default=30, help="of training, for each trial")
    parser.add_argument("--codes", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--stacks", type=int, nargs="+", default=[2, 4], help="mel frames in a frame of codes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    print("Nats per second of music on the test clips: level 1, its bigram, and how much less the others need.\n")
    print("| frames/s | codes | levels | level 1, dB | all, dB | unigram | bigram | trigram | "
          + " | ".join(f"{name} (steps)" for name in DESIGNS) + " |")  # fmt: skip
    print("| " + " | ".join(["---"] * (8 + len(DESIGNS))) + " |")
    for rate, size, levels, one, whole, counts, found in rows(options):
        less = [f"{counts['bigram'] - nats:+.1f} ({steps})" for nats, steps in found.values()]
        cells = [f"{rate:.1f}", size, levels, f"{one:.2f}", f"{whole:.2f}", f"{counts['unigram']:.0f}"]
        cells += [f"{counts['bigram']:.1f}", f"{counts['bigram'] - counts['trigram']:+.1f}", *less]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    print(f"\n{(time.monotonic() - started) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
