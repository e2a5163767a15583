"""Are equal budgets equal? Counted training FLOPs against FlopCounterMode, and what each run spends.

For every row of the run table: the products that this package counts over those that torch runs
in one forward and backward pass (goal: within 1 %), the share of elementwise scan work, which
FlopCounterMode doesn't see and which is counted by hand, and the share of the budget that the
planned steps spend (goal: to within one step).

    python benchmarks/budgets.py [--config config.yaml]
"""

import argparse
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ssmttm.config import load_config
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import delay, shift
from ssmttm.pretrained.minilm import WIDTH
from ssmttm.run_table import read_runs
from ssmttm.training.budget import plan_budget


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default=["config.yaml"], nargs="+", help="config file and overlays")
    parser.add_argument("--frames", type=int, default=469, help="codec frames per clip")
    arguments = parser.parse_args()
    failed = 0
    print(f"{'run':34}{'parameters':>12}{'FLOPs/step':>12}{'count/run':>11}{'by hand':>9}{'steps':>8}{'spent':>9}")
    for name, row in read_runs(load_config(*arguments.config)).items():
        spec = row["spec"]
        model = MusicLM(ModelConfig.from_spec(spec, WIDTH))
        tokens = spec["data"]["text"]["max_tokens"]
        cost = model.flops(arguments.frames, tokens)
        predicted = model.config.codebooks * arguments.frames
        plan = plan_budget(spec["budget"], cost.total, predicted, spec["training"]["batch_size"])
        codes = delay(torch.zeros(1, model.config.codebooks, arguments.frames, dtype=torch.int64), model.special)
        captions, mask = torch.randn(1, tokens, WIDTH), torch.ones(1, tokens, dtype=torch.bool)
        # the plain attention kernel: the fused ones recompute products in the backward pass
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            model(shift(codes, model.special), captions, mask).sum().backward()
        ratio = TRAINING_FACTOR * cost.matmul / counter.get_total_flops()
        within = abs(ratio - 1) <= 0.01 and 0 <= plan.flops_planned - plan.flops_spent < plan.flops_per_step
        failed += not within
        print(
            f"{name:34}{sum(p.numel() for p in model.parameters()):12,}{plan.flops_per_step:12.3e}{ratio:11.4f}"
            f"{cost.scan_elementwise / cost.total:9.1%}{plan.steps:8}{plan.flops_spent / plan.flops_planned:9.2%}"
        )
    print("goal: count/run within 1 %, budget spent to within one step:", "reached" if not failed else "MISSED")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
