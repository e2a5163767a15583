"""A training step with the compiled loops of Mamba-2 and with tensor operations: whom do the loops serve?

For each Mamba-2 design of the run table the seconds of processor time of a step (loss, gradients, update) on one
thread, both ways in turn; the figures are medians, and the median of the rounds' ratios. `elements` are those of x in
one mixer, by which the mixer decides (`ssmttm.models.mixers.mamba2.LARGE`).

    python benchmarks/loops.py
    python benchmarks/loops.py --config config.yaml workflow/presets/debian/config.yaml --clips 4
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from ssmttm.config import load_config
from ssmttm.models.config import ModelConfig
from ssmttm.models.dropout import clip_seeds
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixers import mamba2
from ssmttm.models.patterns import steps_for
from ssmttm.pretrained.minilm import WIDTH
from ssmttm.run_table import read_runs
from ssmttm.settings import RunSpec
from ssmttm.training.data import Batch
from ssmttm.training.objective import codebook_losses
from ssmttm.training.optimizer import build_optimizer

ALWAYS, NEVER = 0, 1 << 60
"""Elements from which loops are used."""


def step_of(model: MusicLM, spec: RunSpec, clips: int, frames: int) -> Callable[[int], float]:
    """A function that takes one optimizer step with loops from so many elements on; returns its processor seconds."""
    tokens = spec["data"]["text"]["max_tokens"]
    codes = torch.randint(0, model.special, (clips, model.config.codebooks, frames))
    batch = Batch(codes, torch.randn(clips, tokens, WIDTH), torch.ones(clips, tokens, dtype=torch.bool), [])
    optimizer = build_optimizer(model, spec["training"])

    def step(large: int) -> float:
        mamba2.LARGE = large
        started = time.process_time()
        with clip_seeds(range(clips)):
            codebook_losses(model, batch, batch.text_mask).mean().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return time.process_time() - started

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=["config.yaml"], nargs="+", help="config file and overlays")
    parser.add_argument("--clips", type=int, default=2, help="of one forward pass")
    parser.add_argument("--frames", type=int, default=469, help="codec frames per clip")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    usual = mamba2.LARGE
    print("| design | million parameters | elements | loops, s | tensor operations, s | over loops | used |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    seen = set()
    for row in read_runs(load_config(*options.config)).values():
        spec, name = row["spec"], f"{row['variant']} {row['size']}"
        if spec["variant"]["mixer"] != "mamba2" or name in seen:
            continue
        seen.add(name)
        torch.manual_seed(0)
        model = MusicLM(ModelConfig.from_spec(spec, WIDTH)).train()
        step = step_of(model, spec, options.clips, options.frames)
        step(ALWAYS)
        step(NEVER)
        rounds = [(step(ALWAYS), step(NEVER)) for _ in range(options.rounds)]
        loops, plain = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
        length = steps_for(options.frames, model.config.codebooks)
        if spec["variant"]["conditioning"] == "prefix":
            length += spec["data"]["text"]["max_tokens"]
        elements = options.clips * length * model.config.expand * model.config.d_model
        print(
            f"| {name} | {sum(p.numel() for p in model.parameters()) / 1e6:.1f} | {elements:,} | {loops:.2f} "
            f"| {plain:.2f} | {statistics.median(p / q for q, p in rounds):.2f} "
            f"| {'loops' if elements >= usual else 'tensor operations'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
