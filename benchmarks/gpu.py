"""Training speed, utilization and memory of every design on one device, at the paper's size by default.

    python benchmarks/gpu.py [--steps 200] [--size paper] [--variant prefix-simba ...] [--clips 4]
    python benchmarks/gpu.py --device cpu --size base --steps 3 --precision fp32

Real optimizer steps (forward, backward, AdamW) on random codes. Utilization is counted FLOPs (those that budgets
are in) over what a large dense matrix product reaches on this device in the same precision. Beside them: transformers'
MusicGen decoder with as many layers and as wide, and one Mamba-2 mixer against mamba-ssm's, where that imports.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ssmttm.accounting.design import build, choose_size
from ssmttm.codecs.base import frames_in
from ssmttm.device import claim_device
from ssmttm.models.cost import TRAINING_FACTOR
from ssmttm.models.mixer import build_mixer
from ssmttm.training.data import Batch
from ssmttm.training.objective import codebook_losses
from ssmttm.training.optimizer import build_optimizer

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(run: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Mean seconds of one call, after a tenth as many that warm up."""
    for _ in range(max(1, repeats // 10)):
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


def line(name: str, tokens: int, flops: float | None, seconds: float, peak: float, device: torch.device) -> None:
    share = "-" if flops is None else f"{flops / seconds / peak:.1%}"
    print(f"| {name} | {tokens / seconds:,.0f} | {1e3 * seconds:,.1f} | {share} | {peak_gb(device)} |", flush=True)


def train_ours(variant: str, size: str, options: argparse.Namespace, device: torch.device, peak: float) -> None:
    config, chosen = choose_size(size, None, [Path("config.yaml")])
    spec, model = build(config, variant, chosen)
    data = spec["data"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    tokens, clips = data["text"]["max_tokens"], options.clips
    torch.manual_seed(0)
    model = type(model)(model.config).to(device).train()
    optimizer = build_optimizer(model, spec["training"])
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    shape = (clips, model.config.codebooks, frames)
    batch = Batch(
        torch.randint(model.special, shape, device=device),
        torch.randn(clips, tokens, model.config.text_width, device=device),
        torch.ones(clips, tokens, dtype=torch.bool, device=device),
        [],
    )

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            loss = codebook_losses(model, batch, batch.text_mask).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    seconds = seconds_of(step, options.steps, device)
    flops = TRAINING_FACTOR * clips * model.flops(frames, tokens).total
    line(variant, clips * frames * model.config.codebooks, flops, seconds, peak, device)


def train_musicgen(width: int, layers: int, frames: int, options: argparse.Namespace, device: torch.device) -> None:
    from transformers import MusicgenDecoderConfig, MusicgenForCausalLM

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

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            logits = model(input_ids=codes, encoder_hidden_states=text, use_cache=False).logits
        torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), codes.flatten()).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    seconds = seconds_of(step, options.steps, device)
    line(f"transformers' MusicGen decoder, {layers} x {width}", codes.numel(), None, seconds, 1.0, device)


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
    if device.type != "cuda" or importlib.util.find_spec("mamba_ssm") is None:
        print("mamba-ssm is not installed, or this is no GPU: not compared")
        return
    from mamba_ssm import Mamba2

    theirs = Mamba2(shape.d_model, d_state=shape.d_state, headdim=shape.head_dim, expand=shape.expand).to(device)
    print(f"one mixer, mamba-ssm: {1e3 * seconds_of(passing(theirs), options.steps, device):.2f} ms")


def compare(options: argparse.Namespace, device: torch.device) -> None:
    config, chosen = choose_size(options.size, None, [Path("config.yaml")])
    peak = dense_flops(device, options.precision)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}, {options.precision}, {options.clips} clips a step; a dense product: {peak / 1e12:.2f} TFLOP/s\n")
    print("| design | codec tokens/s | ms/step | utilization | GB |\n| --- | --- | --- | --- | --- |")
    for variant in options.variant or config["variants"]:
        train_ours(variant, options.size, options, device, peak)
    spec, model = build(config, "prefix-simba", chosen)
    data = spec["data"]
    frames = frames_in(data["codec"], data["seconds"], data["sample_rate"])
    train_musicgen(model.config.d_model, model.config.layers, frames, options, device)
    print()
    mixer_against_mamba_ssm(options.size, options, device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--size", default="paper", help="a size of config.yaml, or a preset's: paper, paper-quarter")
    parser.add_argument("--variant", nargs="+", help="default: all of the config's")
    parser.add_argument("--clips", type=int, default=4, help="clips per step")
    parser.add_argument("--steps", type=int, default=200, help="steps that are timed")
    parser.add_argument("--precision", choices=DTYPES, default="bf16")
    options = parser.parse_args()
    with claim_device(options.device) as device:
        compare(options, device)


if __name__ == "__main__":
    main()
