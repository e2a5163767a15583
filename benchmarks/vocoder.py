"""A vocoder against Griffin-Lim on the same codes of held-out artists: distance, FAD and speed, in one run.

Clips are of the test split of `ssmttm vocoder train`, whose artists it never heard. For the clip's own mel frames
(clean) and for codes of 1, 2 and all levels, both make audio of the same frames, taking turns on one thread:

- multi-resolution log-spectral distance to the clip in dB (`ssmttm.audio.spectral_distance`), mean over clips;
- FAD: Fréchet distance to the clips in musicnn's embedding, over pooled windows;
- how many seconds of audio a second of processor time makes.

Intervals are of 95 %, from a bootstrap over clips, both systems' together. --out writes the table for the model card:
`ssmttm vocoder card --folder … --figures …`.

    python benchmarks/vocoder.py --folder results/vocoder/debian-2 --data results/data/debian-2 [--clips 200] \
        [--vocoder FILE] [--out figures.json]

Steps of Griffin-Lim and the strength of dither can be changed after training: --projections and --dither measure the
same weights with those, and --save writes them as a vocoder of their own. Choose them on --split validation.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.audio.spectral_distance import log_spectral_distance
from ssmttm.codecs.base import load_codec
from ssmttm.evaluation import gaussian
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.files import write_json
from ssmttm.tables import iter_clips, read_mapping
from ssmttm.vocoder import GRIFFIN_LIM
from ssmttm.vocoder.weights import load_vocoder, save_vocoder

REPLICATES = 200
COLUMNS = ["frames", "made by", "distance, dB", "less than Griffin-Lim", "FAD", "of Griffin-Lim's", "x real time"]


def some_clips(splits: Path, split: str, count: int) -> list[str]:
    """Ids of `count` clips of a split, the same ones each time."""
    ids = sorted(clip for clip, of in read_mapping(splits, "splits", "clip_id", "split").items() if of == split)
    return [ids[i] for i in np.random.default_rng(1).permutation(len(ids))[:count]]


def changed(path: Path, projections: int | None, dither: float | None, out: Path) -> Path:
    """A copy of the vocoder in `path` with so many steps of Griffin-Lim after it, and dither of that strength."""
    trained = load_vocoder(path)
    if projections is not None:
        trained.network.config = replace(trained.network.config, projections=projections)
    if dither is not None:
        trained.network.dither.mul_(dither / trained.origin["spec"]["vocoder"]["dither"])
    save_vocoder(out, trained.network, trained.origin)
    return out


class Taken:
    """What one system makes of one kind of frames, clip after clip."""

    def __init__(self) -> None:
        self.distances: list[float] = []
        self.windows: list[np.ndarray] = []
        self.seconds = 0.0


def interval(values: np.ndarray) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"[{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of the vocoder: splits, codec, vocoder.safetensors")
    parser.add_argument("--data", type=Path, required=True, help="the data set that has the clips")
    parser.add_argument("--vocoder", type=Path, help="another file than that of --folder")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--out", type=Path, help="JSON file for the model card")
    parser.add_argument("--projections", type=int, help="steps of Griffin-Lim, instead of those it was trained through")
    parser.add_argument("--dither", type=float, help="its strength, instead of the configured one")
    parser.add_argument("--save", type=Path, help="where to write the vocoder with these")
    parser.add_argument("--all-levels", action="store_true", help="codes of all levels alone")
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    given = parser.parse_args()
    torch.set_num_threads(1)
    file = given.folder / "codec.safetensors"
    coders = {GRIFFIN_LIM: load_codec(file)}
    chosen = Path(given.vocoder or given.folder / "vocoder.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        if given.projections is not None or given.dither is not None:
            out = given.save or Path(folder) / "vocoder.safetensors"
            chosen = changed(chosen, given.projections, given.dither, out)
        coders["vocoder"] = load_codec(file, str(chosen))
    coder, embedder = coders[GRIFFIN_LIM], load_embedder("musicnn")
    wanted = set(some_clips(given.folder / "splits.parquet", given.split, given.clips))
    shards = sorted(p for p in (given.data / "clips").glob("*.parquet") if p.stem.isdigit())
    kinds = [coder.codebooks] if given.all_levels else ["clean", *dict.fromkeys([1, 2, coder.codebooks])]
    taken = {(kind, name): Taken() for kind in kinds for name in coders}
    originals: list[np.ndarray] = []
    audio = 0.0
    for number, clip in enumerate(iter_clips(shards, wanted), 1):
        wave = resample(*decode_audio(clip["audio"]["bytes"]), coder.sample_rate)
        wave = wave[: len(wave) // coder.hop * coder.hop]
        audio += len(wave) / coder.sample_rate
        originals.append(embedder.analyze(wave, coder.sample_rate).windows)
        codes = coder.encode(wave)
        for kind in kinds:
            z = coder.mel(wave).reshape(codes.shape[1], -1) if kind == "clean" else coder.latents(codes, kind)
            for name, system in coders.items():
                into, start = taken[kind, name], time.process_time()
                made = system.decode_latents(z)
                into.seconds += time.process_time() - start
                pair = (torch.from_numpy(x)[None] for x in (made, wave))
                into.distances.append(log_spectral_distance(*pair).item())
                into.windows.append(embedder.analyze(made, coder.sample_rate).windows)
        if number % 20 == 0:
            print(f"{number} clips", flush=True)
    counts = np.random.default_rng(2).multinomial(len(originals), [1 / len(originals)] * len(originals), REPLICATES)
    sizes, reference = [len(w) for w in originals], np.concatenate(originals)
    rows = []
    for kind in kinds:
        frames = "the clip's own" if kind == "clean" else f"codes of {kind} level{'s' * (kind > 1)}"
        fads, draws = {}, {}
        for name in coders:
            windows = np.concatenate(taken[kind, name].windows)
            fads[name] = gaussian.between(windows, reference)
            weights = (np.repeat(count, sizes) for count in counts)
            draws[name] = np.array([gaussian.between(windows, reference, w, w) for w in weights])
        base = np.array(taken[kind, GRIFFIN_LIM].distances)
        for name in coders:
            into = taken[kind, name]
            less = base - np.array(into.distances)
            own = name == GRIFFIN_LIM
            rows.append(
                [
                    frames,
                    name,
                    f"{np.mean(into.distances):.2f}",
                    "" if own else f"{less.mean():.2f} {interval(counts @ less / len(less))}",
                    f"{fads[name]:.2f}",
                    "" if own else f"{fads[name] / fads[GRIFFIN_LIM]:.2f} {interval(draws[name] / draws[GRIFFIN_LIM])}",
                    f"{audio / into.seconds:.0f}",
                ]
            )
            print(" | ".join(rows[-1]), flush=True)
    note = (
        f"{len(originals)} clips of artists that the vocoder has never heard, one thread; "
        f"{coders['vocoder'].vocoder}, {coder.identity}, {embedder.identity}. `python benchmarks/vocoder.py`"
    )
    print(json.dumps(note))
    if given.out:
        write_json(given.out, {"columns": COLUMNS, "rows": rows, "note": note})


if __name__ == "__main__":
    main()
