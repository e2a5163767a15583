"""How long do ten seconds of audio take: two stages and a vocoder, against one stage and Griffin-Lim?

One run of a single stage (all levels, decoded by Griffin-Lim) and one of two stages (level 1, a refiner, a vocoder), on
one thread, in turn within one process; medians over rounds, for one caption and for several at once. Goal: two
stages are at least twice as fast. The rows in between say which part of that comes from where.

    python benchmarks/ten_seconds.py --single results/runs/stages-single-1 --two results/runs/stages-unet-1
        [--vocoder shipped] [--seconds 10] [--captions 1 24] [--rounds 5]
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from ssmttm.config import generation_settings
from ssmttm.device import claim_device
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.pipeline import Pipeline
from ssmttm.generation.sampler import Sampling
from ssmttm.settings import GenerationSettings
from ssmttm.vocoder import GRIFFIN_LIM


def load(run: Path, refinement: Refinement | None, vocoder: str, device: torch.device) -> Pipeline:
    """The run at `run`, which must have as many stages as is asked for."""
    made = Pipeline.load(run, None, device, refinement=refinement, vocoder=vocoder)
    if (made.second is None) != (refinement is None):
        raise SystemExit(f"{run}: expected {'one stage' if refinement is None else 'two stages'}")
    return made


def measure(settings: GenerationSettings, given: argparse.Namespace, device: torch.device) -> None:
    """Print a table for each number of captions."""
    refinement, sampling = Refinement.from_settings(settings), Sampling.from_settings(settings)
    systems = {
        "one stage, Griffin-Lim": load(given.single, None, GRIFFIN_LIM, device),
        "one stage, vocoder": load(given.single, None, given.vocoder, device),
        "two stages, Griffin-Lim": load(given.two, refinement, GRIFFIN_LIM, device),
        "two stages, vocoder": load(given.two, refinement, given.vocoder, device),
    }
    base = next(iter(systems))
    for count in given.captions:
        captions = [f"calm piano with strings, number {i}" for i in range(count)]
        taken: dict[str, list[float]] = {name: [] for name in systems}
        for number in range(given.rounds + 1):
            for name, pipeline in systems.items():
                started = time.perf_counter()
                for _ in pipeline.generate(captions, sampling, list(range(count)), given.seconds):
                    pass
                if number:  # the first round warms up
                    taken[name].append(time.perf_counter() - started)
        print(f"\n| {count} x {given.seconds:g} s | seconds | x real time | x faster |\n| --- | --- | --- | --- |")
        for name, seconds in taken.items():
            ratio = statistics.median(b / s for b, s in zip(taken[base], seconds, strict=True))
            middle = statistics.median(seconds)
            print(f"| {name} | {middle:.2f} | {count * given.seconds / middle:.1f} | {ratio:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--single", type=Path, required=True, help="a trained run of one stage")
    parser.add_argument("--two", type=Path, required=True, help="a trained run of two stages")
    parser.add_argument("--vocoder", default="shipped", help="shipped, or a file of `ssmttm vocoder train`")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--captions", type=int, nargs="+", default=[1, 24], help="clips made at once")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with claim_device("cpu", 1) as device, torch.inference_mode():
        measure(generation_settings(), given, device)


if __name__ == "__main__":
    main()
