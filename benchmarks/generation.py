"""How fast is generation? Prefix SiMBA at the paper's size against MusicGen-small's decoder, and against itself.

Random weights, guidance as a batch of two, both sides in turn within one process; medians.

1. Time per frame, against transformers' MusicGen-small decoder with its key-value cache, at frames
   100 and 2,400 (goals: at least 1.2 x and 2 x faster, under 100 ms in bf16).
2. Time per frame at frames 2,400 to 2,500 over frames 0 to 100 (goal: at most 1.05).
3. A whole generation of 2,200 frames against running the model over the whole sequence for each
   frame, conditional and null pass apart, as the code released with arXiv 2601.14786 does (goal:
   at least 500 x). A few lengths are measured; the rest is interpolated, and the sum extrapolated.

    python benchmarks/generation.py [--dtype fp32 bf16] [--frames 96] [--small]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import MusicgenDecoderConfig, MusicgenForCausalLM
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from ssmttm.generation.sampler import Sampling, draw, guided_step
from ssmttm.models.config import ModelConfig
from ssmttm.models.inference.decode import RECENT
from ssmttm.models.inference.precision import set_precision
from ssmttm.models.lm import MusicLM, Stream

EARLY, LATE, WHOLE = 100, 2400, 2200
TOKENS = 20
SAMPLING = Sampling(temperature=1.0, top_k=250, guidance=3.0)
PAPER = ModelConfig(
    mixer="mamba2",
    feedforward="gelu",
    conditioning="prefix",
    layers=24,
    d_model=1024,
    d_state=512,
    d_conv=4,
    expand=2,
    head_dim=64,
    chunk=256,
    attention_heads=8,
    feedforward_factor=2,
    dropout=0.3,
    final_norm=False,
    codebooks=1,
    codebook_size=1024,
    text_width=768,
)


class Ours:
    """One generation of Prefix SiMBA under way."""

    def __init__(self, model: MusicLM, past: int) -> None:
        self.model = model
        mask = torch.ones(2, TOKENS, dtype=torch.bool)
        mask[1] = False
        text = torch.randn(1, TOKENS, model.config.text_width).expand(2, -1, -1)
        self.stream: Stream = model.start(text, mask)
        model.prefill(torch.randint(model.special, (1, model.config.codebooks, past)).expand(2, -1, -1), self.stream)
        self.codes = torch.zeros(1, model.config.codebooks, dtype=torch.int64)

    def frame(self) -> None:
        """Generate one frame."""
        logits = guided_step(self.model, self.codes, self.stream, SAMPLING.guidance)
        self.codes = draw(logits, SAMPLING, torch.rand(self.codes.shape))


class Peer:
    """One generation of MusicGen-small's decoder under way, with guidance and cache."""

    def __init__(self, model: MusicgenForCausalLM, past: int) -> None:
        self.model, config = model, model.config
        self.codebooks, self.size = config.num_codebooks, config.vocab_size
        self.text = torch.randn(2, TOKENS, config.hidden_size, dtype=model.dtype)
        self.cache = EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))
        for start in range(0, past, 256):
            self._feed(torch.randint(self.size, (self.codebooks, min(256, past - start))))
        self.codes = torch.zeros(1, self.codebooks, dtype=torch.int64)

    def _feed(self, codes: Tensor) -> Tensor:
        """Logits `[1, K, size]` after `codes [K, frames]`."""
        logits = self.model(
            input_ids=codes.repeat(2, 1),
            encoder_hidden_states=self.text,
            past_key_values=self.cache,
            use_cache=True,
        ).logits[:, -1]
        conditional, null = logits.float().view(2, 1, self.codebooks, -1)
        return null + SAMPLING.guidance * (conditional - null)

    def frame(self) -> None:
        """Generate one frame."""
        self.codes = draw(self._feed(self.codes.T), SAMPLING, torch.rand(1, self.codebooks))


def medians(rounds: int, *tasks: Callable[[], None]) -> list[float]:
    """Median seconds per frame of each of `tasks`, in turn a block of frames each, after one that doesn't count.

    A block is as long as our model puts off writing its state, so that each holds that work once.
    """
    times: list[list[float]] = [[] for _ in tasks]
    for number in range(rounds + 1):
        for task, kept in zip(tasks, times, strict=True):
            started = time.perf_counter()
            for _ in range(RECENT):
                task()
            if number:
                kept.append((time.perf_counter() - started) / RECENT)
    return [statistics.median(kept) for kept in times]


def against_peer(model: MusicLM, peer: MusicgenForCausalLM, rounds: int, small: bool) -> None:
    """Print the first comparison."""
    for position, goal in ((EARLY, 1.2), (LATE, 2.0)):
        middle = position if not small else position // 10
        past = max(0, middle - (rounds + 2) * RECENT // 2)
        ours, theirs = medians(rounds, Ours(model, past).frame, Peer(peer, past).frame)
        print(
            f"  about frame {middle:5}: {ours * 1e3:7.1f} ms, MusicGen-small {theirs * 1e3:7.1f} ms: "
            f"{theirs / ours:5.2f} x faster (goal {goal} x)"
        )


def over_time(model: MusicLM, rounds: int, small: bool) -> float:
    """Print the second comparison; returns seconds per frame."""
    late = LATE if not small else LATE // 10
    first, last = medians(rounds, Ours(model, 0).frame, Ours(model, late).frame)
    frames = (rounds + 1) * RECENT
    print(
        f"  frames {late} to {late + frames} over 0 to {frames}: {last * 1e3:.1f} / {first * 1e3:.1f} ms = "
        f"{last / first:.3f} (goal at most 1.05)"
    )
    return first


def against_recomputing(model: MusicLM, per_frame: float, small: bool) -> None:
    """Print the third comparison."""
    whole = WHOLE if not small else WHOLE // 10
    lengths = [whole // 8, whole // 2, whole]
    text, mask = torch.randn(1, TOKENS, model.config.text_width), torch.ones(1, TOKENS, dtype=torch.bool)
    seconds = []
    model(torch.zeros(1, model.config.codebooks, 64, dtype=torch.int64), text, mask)
    for length in lengths:
        codes = torch.zeros(1, model.config.codebooks, length, dtype=torch.int64)
        started = time.perf_counter()
        model(codes, text, mask)
        seconds.append(time.perf_counter() - started)
    each = np.interp(np.arange(1, whole + 1), [0, *lengths], [0.0, *seconds])
    recomputing = 2 * each.sum()
    started = time.perf_counter()
    Ours(model, 0)
    ours = time.perf_counter() - started + whole * per_frame
    measured = ", ".join(f"{length}: {s:.2f} s" for length, s in zip(lengths, seconds, strict=True))
    fewer = (TOKENS + (whole + 1) / 2) * whole / (TOKENS + whole)
    print(f"  one pass over a sequence of {measured}")
    print(
        f"  {whole} frames: {ours:.0f} s against {recomputing:.0f} s recomputed (both extrapolated): "
        f"{recomputing / ours:.0f} x (goal 500 x); {fewer:.0f} x fewer frames go through the model"
    )


def profile(model: MusicLM) -> None:
    """Print where the time of a frame goes."""
    generation = Ours(model, 0)
    for _ in range(3):
        generation.frame()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as recorded:
        for _ in range(RECENT):
            generation.frame()
    events = sorted(recorded.key_averages(), key=lambda e: -e.self_cpu_time_total)
    total = sum(e.self_cpu_time_total for e in events)
    shares = ", ".join(f"{e.key.removeprefix('aten::')} {e.self_cpu_time_total / total:.0%}" for e in events[:8])
    print(f"  where a frame's time goes: {shares}")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"])
    parser.add_argument("--frames", type=int, default=96, help="frames timed at each place, in blocks of 16")
    parser.add_argument("--small", action="store_true", help="small models and a tenth of the lengths: a quick check")
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    torch.manual_seed(0)
    width, layers = (64, 2) if arguments.small else (1024, 24)
    config = replace(PAPER, d_model=width, layers=layers)
    peer_config = MusicgenDecoderConfig(
        hidden_size=width, num_hidden_layers=layers, ffn_dim=4 * width, num_attention_heads=16, dropout=0.0
    )
    for dtype in arguments.dtype:
        model = set_precision(MusicLM(config).eval(), dtype)
        peer = MusicgenForCausalLM(peer_config).eval()
        if dtype == "bf16":
            peer = peer.bfloat16()
        sizes = [sum(p.numel() for p in m.parameters()) / 1e6 for m in (model, peer)]
        print(f"{dtype}: Prefix SiMBA {sizes[0]:.0f}M, MusicGen-small {sizes[1]:.0f}M parameters")
        rounds = max(1, arguments.frames // RECENT)
        against_peer(model, peer, rounds, arguments.small)
        del peer
        per_frame = over_time(model, rounds, arguments.small)
        profile(model)
        against_recomputing(model, per_frame, arguments.small)


if __name__ == "__main__":
    main()
