"""Do the pretrained codecs lose time or memory against transformers' own calls of the same weights?

Time: DAC at 44.1 kHz, EnCodec at 24 kHz and at 32 kHz in their published sizes, with random weights, encode and decode
a clip; ours and theirs take turns, and the medians of CPU time are compared. Do they make the same codes and audio?
Memory: for recordings of several lengths, in a process each, how far memory rises above what model and recording take
themselves. For that the models have fewer channels: theirs would not fit otherwise.

Without repeats only memory is measured.

    python benchmarks/codecs.py [--seconds 10] [--repeats 3] [--minutes 1 10 60] [--theirs-up-to 10] [--channels 4]
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import DacConfig, DacModel, EncodecConfig, EncodecModel

from ssmttm.codecs.base import Codec, fit_codec
from ssmttm.threads import set_threads

ENCODEC_32 = {
    "sampling_rate": 32000, "upsampling_ratios": [8, 5, 4, 4], "num_filters": 64, "codebook_size": 2048,
    "target_bandwidths": [2.2], "use_causal_conv": False, "use_conv_shortcut": False,
}  # fmt: skip
PUBLISHED: dict[str, dict[str, Any]] = {
    "dac": {"sampling_rate": 44100},
    "encodec at 24 kHz": {},
    "encodec at 32 kHz": ENCODEC_32,
}


def model(name: str, channels: int | None, folder: Path) -> tuple[Any, Codec]:
    """Theirs and ours of the same random weights; `channels` where the narrowest layers are to be narrower."""
    torch.manual_seed(0)
    changes = dict(PUBLISHED[name])
    if name == "dac":
        narrow = {"encoder_hidden_size": channels, "decoder_hidden_size": 16 * channels} if channels else {}
        theirs: Any = DacModel(DacConfig(**(changes | narrow))).eval()
    else:
        narrow = {"num_filters": channels} if channels else {}
        theirs = EncodecModel(EncodecConfig(**(changes | narrow))).eval()
        for level in theirs.quantizer.layers:
            level.codebook.embed.normal_()
    theirs.save_pretrained(folder)
    levels = theirs.config.n_codebooks if name == "dac" else theirs.config.num_quantizers
    settings: Any = {
        "name": name.split()[0],
        "model": str(folder),
        "codebooks": levels,
        "codebook_size": theirs.config.codebook_size,
    }
    return theirs, fit_codec(settings, (), 0, theirs.config.sampling_rate, 1)


def noise(samples: int) -> np.ndarray:
    wave = np.empty(samples, np.float32)
    np.random.default_rng(0).standard_normal(dtype=np.float32, out=wave)
    return np.multiply(wave, 0.1, out=wave)  # no second array, which would be the most memory so far


@torch.inference_mode()
def their_codes(theirs: Any, wave: np.ndarray) -> Any:
    samples = torch.from_numpy(wave)[None, None]
    if isinstance(theirs, DacModel):
        return theirs.encode(samples).audio_codes
    return theirs.encode(samples, bandwidth=theirs.config.target_bandwidths[-1]).audio_codes


@torch.inference_mode()
def their_wave(theirs: Any, codes: torch.Tensor) -> Any:
    if isinstance(theirs, DacModel):
        return theirs.decode(audio_codes=codes).audio_values[0].numpy()
    return theirs.decode(codes, [None]).audio_values[0, 0].numpy()


def seconds_of(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure_time(name: str, seconds: float, repeats: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = model(name, None, Path(folder))
    wave = noise(ours.frames(round(seconds * ours.sample_rate)) * ours.hop)
    codes = their_codes(theirs, wave)
    mine = ours.encode(wave)
    same = (mine == codes.reshape(mine.shape).numpy()).mean()
    apart = np.abs(ours.decode(mine) - their_wave(theirs, torch.from_numpy(mine).reshape(codes.shape))).max()
    works = {
        "encode": (lambda: ours.encode(wave), lambda: their_codes(theirs, wave)),
        "decode": (lambda: ours.decode(mine), lambda: their_wave(theirs, codes)),
    }
    for what, turns in works.items():
        taken = [[seconds_of(work) for work in turns] for _ in range(repeats)]
        a, b = (statistics.median(column) for column in zip(*taken, strict=True))
        print(f"{name}, {what} {seconds:g} s: ours {a:.2f} s, theirs {b:.2f} s of CPU time, ratio {a / b:.2f}")
    print(f"{name}: {same:.2%} of the codes are the same, samples at most {apart:.1e} apart")


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def now() -> int:
    """The memory that it has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure_memory(name: str, whose: str, minutes: float, channels: int) -> None:
    """In a process of its own: print how far encoding, then decoding rise above model, recording and result."""
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = model(name, channels, Path(folder))
    short = noise(50 * ours.hop)  # what is loaded once
    ours.decode(ours.encode(short)), their_wave(theirs, their_codes(theirs, short))
    wave = noise(ours.frames(round(60 * minutes * ours.sample_rate)) * ours.hop)
    before, start = now(), time.perf_counter()
    codes: Any = ours.encode(wave) if whose == "ours" else their_codes(theirs, wave)
    encoded = peak() - before
    decoded = ours.decode(codes) if whose == "ours" else their_wave(theirs, codes)
    rise = peak() - before - decoded.nbytes
    print(json.dumps({"encode": encoded, "both": rise, "seconds": time.perf_counter() - start}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 10, 60])
    parser.add_argument("--theirs-up-to", type=float, default=10)
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--codecs", nargs="*", default=list(PUBLISHED), choices=list(PUBLISHED))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    set_threads(1)
    if options.one:
        measure_memory(options.one[0], options.one[1], float(options.one[2]), options.channels)
        return
    for name in options.codecs if options.repeats else ():
        measure_time(name, options.seconds, options.repeats)
    for name in options.codecs:
        for whose in ("ours", "theirs"):
            for minutes in options.minutes:
                if whose == "theirs" and minutes > options.theirs_up_to:
                    continue
                command = [sys.executable, __file__, "--channels", str(options.channels), "--one"]
                done = subprocess.run([*command, name, whose, str(minutes)], check=True, capture_output=True, text=True)
                rise = json.loads(done.stdout.splitlines()[-1])
                print(f"{name}, {options.channels} channels, {minutes:g} minutes, {whose}:", end=" ")
                print(f"{rise['encode'] / 1e6:,.0f} MB to encode, {rise['both'] / 1e6:,.0f} MB in all", end=" ")
                print(f"({rise['seconds']:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
