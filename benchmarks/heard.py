"""What is heard of a model, by numbers: how near held-out music, how strong a beat, how much that is tonal.

The captions of a data set's prompts are answered by each model; the clips themselves, and the clips through the codec,
are heard beside them.

    python benchmarks/heard.py --data results/data/VERSION --baselines results/baselines/VERSION
        --model before=results/runs/NAME [--model now=FOLDER …] [--set temperature=0.9 …]

Without --model, the model that comes with the package. Settings of --set are options of `ssmttm generate`. Measures:

frechet     squared Fréchet distance (musicnn) between the windows of all clips and those of the clips themselves
beat        how much the envelope repeats itself: rises of its level by frames of 10 ms, the largest autocorrelation at
            0.25 to 1.5 s, of 1 at most; noise has about 0.08
tonal       share of the bins of a spectrum (4,096 points) that stand 12 dB or more above the median of the 41 around
            them, in percent

Goal, for each measure: at least half way from `before` to the codec.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import stft

from ssmttm.audio.coded import decode_audio
from ssmttm.evaluation.embedders import musicnn
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.tables import iter_rows

FRAME_S, LAGS_S = 0.01, (0.25, 1.5)
RIVALS = ("training_codec", "bigram", "noise")
"""Heard too, where the study has them."""
POINTS, AROUND, ABOVE_DB = 4096, 41, 12.0


def beat(wave: np.ndarray, rate: int) -> float:
    """See above."""
    frame = round(FRAME_S * rate)
    level = np.sqrt((wave[: len(wave) // frame * frame].reshape(-1, frame) ** 2).mean(1))
    rises = np.maximum(np.diff(np.convolve(level, np.hanning(7)[1:-1], "same")), 0)
    rises -= rises.mean()
    products = np.correlate(rises, rises, "full")[len(rises) - 1 :] / np.arange(len(rises), 0, -1)
    low, high = (round(lag / FRAME_S) for lag in LAGS_S)
    return float(products[low:high].max() / (products[0] + 1e-12))


def tonal(wave: np.ndarray, rate: int) -> float:
    """See above."""
    spectrum = 20 * np.log10(np.abs(stft(wave, rate, nperseg=POINTS)[2]) + 1e-6)
    return float(100 * (spectrum - median_filter(spectrum, (AROUND, 1)) >= ABOVE_DB).mean())


def generate(model: Path | None, prompts: Path, settings: list[str], out: Path) -> Path:
    """Answer the captions."""
    named = [] if model is None else ["--model", str(model)]
    told = [word for setting in settings for word in (f"--{setting.partition('=')[0]}", setting.partition("=")[2])]
    command = [sys.executable, "-m", "ssmttm", "generate", *named, "--prompts", str(prompts), "--out", str(out)]
    subprocess.run([*command, *told], check=True)
    return out


def main() -> None:
    """Print a row for each system."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--baselines", type=Path, required=True)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", dest="settings")
    options = parser.parse_args()
    embedder = musicnn.load({})
    originals: np.ndarray | None = None
    print(f"{'system':24} {'clips':>5} {'frechet':>8} {'beat':>6} {'tonal, %':>8}")
    with tempfile.TemporaryDirectory() as scratch:

        def hear(name: str, table: Path) -> None:
            nonlocal originals
            clips = [decode_audio(row["audio"]["bytes"]) for row in iter_rows(table, "generated")]
            windows = np.concatenate([embedder.analyze(wave, rate).windows for wave, rate in clips])
            originals = windows if originals is None else originals
            heard = [np.mean([measure(wave, rate) for wave, rate in clips]) for measure in (beat, tonal)]
            distance = frechet_distance(windows, originals)
            print(f"{name:24} {len(clips):5} {distance:8.2f} {heard[0]:6.3f} {heard[1]:8.2f}", flush=True)

        for name in ("originals", "codec", *(n for n in RIVALS if (options.baselines / n).is_dir())):
            hear(name, options.baselines / name / "generated" / "final.parquet")
        for number, named in enumerate(options.model or ["shipped="]):
            name, _, folder = named.partition("=")
            out = Path(scratch) / f"{number}.parquet"
            prompts = options.data / "prompts.parquet"
            hear(name, generate(Path(folder) if folder else None, prompts, options.settings, out))


if __name__ == "__main__":
    main()
