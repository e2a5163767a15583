"""Training speed, utilization and memory of every design on one GPU, ours and mamba-ssm's own block side by side.

    python benchmarks/gpu.py [--steps 300] [--size paper] [--variant prefix-simba ...] [--clips 4] [--compile]
    python benchmarks/gpu.py --device cpu --size base --steps 3 --precision fp32     # no figures: tries that it runs

Each design is trained for real: so many optimizer steps (forward, backward, AdamW) on the same few clips of random
codes, whose loss must fall. Utilization is counted FLOPs (those that budgets are in) over what a large dense matrix
product reaches on this device in the same precision, and over the datasheet's figure where that is known. Where
mamba-ssm is installed, each design of Mamba-2 or Mamba-1 is trained once more with its own block in place of our mixer.
Beside them: transformers' MusicGen decoder with as many layers and as wide, and one mixer alone.
"""

import argparse
import gc
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ssmttm.accounting.design import build, choose_size
from ssmttm.codecs.base import frames_in
from ssmttm.device import claim_device
from ssmttm.models.config import ModelConfig
from ssmttm.models.cost import TRAINING_FACTOR, Cost
from ssmttm.models.kernels import packages
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixer import SequenceMixer, backends, build_mixer
from ssmttm.training.budget import learning_rate
from ssmttm.training.data import Batch
from ssmttm.training.objective import codebook_losses
from ssmttm.training.optimizer import build_optimizer
from ssmttm.training.step import compile_blocks

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
DATASHEET = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12}
"""FLOP/s of dense products in bfloat16, by a part of the device's name; the first that fits."""
LEARNED = 100
"""Steps after which the loss of clips that a model sees in every step has fallen."""
NO_GPU = """benchmarks/gpu.py measures a GPU, and torch finds none here: nothing was measured. To try that it runs:
    python benchmarks/gpu.py --device cpu --size base --steps 3 --precision fp32"""


def finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def warming(repeats: int) -> int:
    """Calls before those that are timed."""
    return max(1, repeats // 10)


def seconds_of(run: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Mean seconds of one call, after a tenth as many that warm up."""
    for _ in range(warming(repeats)):
        run()
    finish(device)
    started = time.perf_counter()
    for _ in range(repeats):
        run()
    finish(device)
    return (time.perf_counter() - started) / repeats


def dense_flops(device: torch.device, precision: str) -> float:
    """FLOP/s of a large matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device, dtype=DTYPES[precision]) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: a @ b, 20, device)


def peak_gb(device: torch.device) -> str:
    return f"{torch.cuda.max_memory_allocated(device) / 1e9:.1f}" if device.type == "cuda" else "-"


def datasheet(device: torch.device, precision: str) -> float | None:
    if device.type != "cuda" or precision != "bf16":
        return None
    name = torch.cuda.get_device_name(device)
    return next((flops for part, flops in DATASHEET.items() if part in name), None)


class Table:
    """Rows of one device and precision."""

    def __init__(self, device: torch.device, precision: str) -> None:
        self.device, self.precision = device, precision
        self.dense = dense_flops(device, precision)
        self.peak = datasheet(device, precision)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
        print(f"{name}, torch {torch.__version__}, {precision}; a dense product: {self.dense / 1e12:.2f} TFLOP/s\n")
        print("| design | mixers by | codec tokens/s | ms/step | of a dense product | MFU | GB | loss |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")

    def row(self, name: str, by: str, tokens: int, flops: float | None, seconds: float, losses: list[Tensor]) -> None:
        """Raises SystemExit if training broke: its speed would mean nothing."""
        first, last = losses[0].item(), losses[-1].item()
        if not math.isfinite(last):
            raise SystemExit(f"{name} by {by}: the loss is {last} after {len(losses)} steps; its speed means nothing")
        if len(losses) >= LEARNED and last >= first:
            raise SystemExit(
                f"{name} by {by}: the loss went from {first} to {last} in {len(losses)} steps, so it is wrong"
            )
        shares = [
            "-" if flops is None or most is None else f"{flops / seconds / most:.1%}"
            for most in (self.dense, self.peak)
        ]
        cells = [name, by, f"{tokens / seconds:,.0f}", f"{1e3 * seconds:,.1f}", *shares, peak_gb(self.device)]
        print(f"| {' | '.join(cells)} | {first:.2f} to {last:.2f} |", flush=True)


class TheirBlock(nn.Module):
    """mamba-ssm's own block in the place of one of our mixers; for clips without padding."""

    def __init__(self, config: ModelConfig, ours: SequenceMixer) -> None:
        super().__init__()
        self.block = their_block(config)
        self.flops: Callable[[int], Cost] = ours.flops

    def forward(self, x: Tensor, state: None = None, mask: Tensor | None = None) -> tuple[Tensor, None]:
        return self.block(x), None


def their_block(config: ModelConfig) -> nn.Module:
    shape = {"d_state": config.d_state, "d_conv": config.d_conv, "expand": config.expand}
    if config.mixer == "mamba1":
        from mamba_ssm.modules.mamba_simple import Mamba

        return Mamba(config.d_model, **shape)
    from mamba_ssm.modules.mamba2 import Mamba2

    return Mamba2(config.d_model, headdim=config.head_dim, chunk_size=config.chunk, **shape)


def with_their_blocks(model: MusicLM) -> int:
    """Replace our mixers of Mamba by theirs; returns how many."""
    replaced = 0
    for layer, block in enumerate(model.blocks, start=1):
        if model.config.mixer_of(layer) in ("mamba1", "mamba2"):
            block.mixer = TheirBlock(model.config, block.mixer)
            replaced += 1
    return replaced


def train_variant(variant: str, table: Table, options: argparse.Namespace, theirs: bool) -> None:
    device = table.device
    config, chosen = choose_size(options.size, None, [Path("config.yaml")])
    spec, model = build(config, variant, chosen)
    data = spec["data"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens, clips = data["text"]["max_tokens"], options.clips
    gc.collect()  # what the row before left
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    torch.manual_seed(0)
    model = type(model)(model.config)
    if theirs and not with_their_blocks(model):
        return
    model = model.to(device).train()
    by = "mamba-ssm's block" if theirs else "; ".join(backends(model, device, DTYPES[options.precision]).values())
    if options.compile:
        compile_blocks(model.blocks)
    optimizer = build_optimizer(model, spec["training"])
    shape = (clips, model.config.codebooks, frames)
    batch = Batch(
        torch.randint(model.special, shape, device=device),
        torch.randn(clips, tokens, model.config.text_width, device=device),
        torch.ones(clips, tokens, dtype=torch.bool, device=device),
        [],
    )
    losses: list[Tensor] = []

    def step() -> None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(len(losses), options.steps + warming(options.steps), spec["training"])
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            loss = codebook_losses(model, batch, batch.text_mask).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())

    seconds = seconds_of(step, options.steps, device)
    flops = TRAINING_FACTOR * clips * model.flops(frames, tokens).total
    table.row(variant, by, clips * frames * model.config.codebooks, flops, seconds, losses)


def train_musicgen(width: int, layers: int, frames: int, table: Table, options: argparse.Namespace) -> None:
    from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

    device = table.device
    config = MusicgenDecoderConfig(
        vocab_size=2048, num_hidden_layers=layers, ffn_dim=4 * width, num_attention_heads=16, hidden_size=width,
        num_codebooks=1, audio_channels=1, max_position_embeddings=frames + 1, dropout=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = MusicgenForCausalLM(config).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    codes = torch.randint(2048, (options.clips, frames), device=device)
    text = torch.randn(options.clips, 60, width, device=device)
    losses: list[Tensor] = []

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            logits = model(input_ids=codes, encoder_hidden_states=text, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), codes.flatten())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.detach())

    seconds = seconds_of(step, options.steps, device)
    table.row(f"MusicGen's decoder, {layers} x {width}", "transformers", codes.numel(), None, seconds, losses)


def mixer_against_mamba_ssm(size: str, options: argparse.Namespace, device: torch.device) -> None:
    config, chosen = choose_size(size, None, [Path("config.yaml")])
    shape = build(config, "prefix-simba", chosen)[1].config
    ours = build_mixer(shape, 1).to(device)
    x = torch.randn(options.clips, 2048, shape.d_model, device=device, requires_grad=True)

    def passing(mixer: torch.nn.Module) -> Callable[[], None]:
        def run() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
                y: Tensor | tuple[Tensor, object] = mixer(x)
            (y[0] if isinstance(y, tuple) else y).sum().backward()

        return run

    print(f"one mixer, ours: {1e3 * seconds_of(passing(ours), options.steps, device):.2f} ms forward and backward")
    if not by_mamba_ssm(device):
        print("mamba-ssm is not installed, or this is no GPU: not compared")
        return
    theirs = their_block(shape).to(device)
    print(f"one mixer, mamba-ssm: {1e3 * seconds_of(passing(theirs), options.steps, device):.2f} ms")


def by_mamba_ssm(device: torch.device) -> bool:
    return device.type == "cuda" and packages.usable("mamba-ssm")


def compare(options: argparse.Namespace, device: torch.device) -> None:
    config, chosen = choose_size(options.size, None, [Path("config.yaml")])
    table = Table(device, options.precision)
    for variant in options.variant or config["variants"]:
        train_variant(variant, table, options, theirs=False)
        if by_mamba_ssm(device):
            train_variant(variant, table, options, theirs=True)
    spec, model = build(config, "prefix-simba", chosen)
    data = spec["data"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    train_musicgen(model.config.d_model, model.config.layers, frames, table, options)
    print()
    mixer_against_mamba_ssm(options.size, options, device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto (a free GPU), cuda or cuda:N; cpu to try the script")
    parser.add_argument("--size", default="paper", help="a size of config.yaml, or a preset's: paper, paper-quarter")
    parser.add_argument("--variant", nargs="+", help="default: all of the config's")
    parser.add_argument("--clips", type=int, default=4, help="clips per step")
    parser.add_argument("--steps", type=int, default=300, help="steps that are timed, after a tenth as many")
    parser.add_argument("--precision", choices=DTYPES, default="bf16")
    parser.add_argument("--compile", action="store_true", help="blocks by torch.compile")
    options = parser.parse_args()
    if options.device != "cpu" and not torch.cuda.is_available():
        sys.exit(NO_GPU)
    with claim_device(options.device) as device:
        if options.device == "auto" and device.type == "cpu":
            sys.exit("every GPU here is claimed by another ssmttm job: nothing was measured")
        compare(options, device)


if __name__ == "__main__":
    main()
