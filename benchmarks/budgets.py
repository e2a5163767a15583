"""Are equal budgets equal? Counted training FLOPs against FlopCounterMode, and what each run spends.

For every row of the run table: the products that this package counts over those that torch runs
in one forward and backward pass (goal: within 1 %), the share of elementwise scan work, which
FlopCounterMode doesn't see and which is counted by hand, and the share of the budget that the
planned steps spend (goal: to within one step).

A second table: what attention takes of the time of all pairs when its kernel leaves later frames out, with and without
padding, forward and backward, beside what is counted.

    python benchmarks/budgets.py [--config config.yaml]
"""

import argparse
import sys
import time

import torch

from ssmttm.config import load_config
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.flop_counter import kernel_counter
from ssmttm.models.kernels.attention import attend, pairs
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.pretrained.minilm import WIDTH
from ssmttm.run_table import read_runs
from ssmttm.spec import run_spec
from ssmttm.training.budget import plan_budget


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=["config.yaml"], nargs="+", help="config file and overlays")
    parser.add_argument("--frames", type=int, default=469, help="codec frames per clip")
    arguments = parser.parse_args()
    failed = 0
    print(f"{'run':34}{'parameters':>12}{'FLOPs/step':>12}{'count/run':>11}{'by hand':>9}{'steps':>8}{'spent':>9}")
    config = load_config(*arguments.config)
    specs = {name: row["spec"] for name, row in read_runs(config).items()}
    size, budget = next(iter(config["sizes"])), list(config["budgets"])[-1]
    for variant in sorted(set(config["variants"]) - {spec["variant"]["name"] for spec in specs.values()}):
        row = {"variant": variant, "size": size, "budget": budget, "seed": 1}
        specs[f"{variant}-{size}-{budget}"] = run_spec(config, row, variant)
    for name, spec in specs.items():
        model = MusicLM(ModelConfig.from_spec(spec, WIDTH))
        tokens = spec["data"]["text"]["max_tokens"]
        cost = model.flops(arguments.frames, tokens)
        predicted = model.config.codebooks * arguments.frames
        plan = plan_budget(spec["budget"], cost.total, predicted, spec["training"]["batch_size"])
        codes = delay(torch.zeros(1, model.config.codebooks, arguments.frames, dtype=torch.int64), model.special)
        captions, mask = torch.randn(1, tokens, WIDTH), torch.ones(1, tokens, dtype=torch.bool)
        with kernel_counter() as counter:
            model(shift(codes, model.special), captions, mask).sum().backward()
        ratio = TRAINING_FACTOR * cost.matmul / counter.get_total_flops()
        within = abs(ratio - 1) <= 0.01 and 0 <= plan.flops_planned - plan.flops_spent < plan.flops_per_step
        failed += not within
        print(
            f"{name:34}{sum(p.numel() for p in model.parameters()):12,}{plan.flops_per_step:12.3e}{ratio:11.4f}"
            f"{cost.scan_elementwise / cost.total:9.1%}{plan.steps:8}{plan.flops_spent / plan.flops_planned:9.2%}"
        )
    print("goal: count/run within 1 %, budget spent to within one step:", "reached" if not failed else "MISSED")
    time_attention()
    return int(failed > 0)


def time_attention() -> None:
    """Print the processor time of causal attention over that of attention to all frames, in turns."""
    print(f"\n{'frames':>8}{'pairs':>8}{'causal':>8}{'padded':>8}   of the time of all pairs, forward and backward")
    for length in (469, 1024, 2584):
        inputs = [torch.randn(2, 8, length, 64, requires_grad=True) for _ in range(3)]
        padding = (torch.arange(length) >= torch.tensor([[0], [30]]))[:, None, None, :]
        ways = {
            "all": lambda inputs=inputs: attend(*inputs),
            "causal": lambda inputs=inputs: attend(*inputs, causal=True),
            "padded": lambda inputs=inputs, padding=padding: attend(*inputs, padding, causal=True),
        }
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(7):
            for name, way in ways.items():
                started = time.process_time()
                way().sum().backward()
                least[name] = min(least[name], time.process_time() - started)
        shares = (pairs(length) / length**2, least["causal"] / least["all"], least["padded"] / least["all"])
        print(f"{length:8}" + "".join(f"{share:8.2f}" for share in shares))


if __name__ == "__main__":
    sys.exit(main())
