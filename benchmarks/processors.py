"""What another processor would give: the same codec and runs, computed with other instructions and threads.

Instruction sets are those that other processors have; which of them a library takes can be set. First the codec is
fitted again, once for each setting, and the share of codes that differ is printed by codebook. Then finished runs are
trained again on the tokens that are there, and their clips generated and scored: prints each run's loss on test clips
and its Fréchet distance to the codec's reconstructions, how far they lie apart between settings, and how far between
designs. Run after a study, from its folder:

    python benchmarks/processors.py [RUN...] [--configfile workflow/presets/smoke/config.yaml] [--keep FOLDER]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import decode_audio
from ssmttm.choices import FINAL
from ssmttm.codecs.base import load_codec
from ssmttm.config import load_config
from ssmttm.evaluation.clipset import read_clipset
from ssmttm.evaluation.metrics.frechet import frechet_distance
from ssmttm.files import read_json
from ssmttm.run_table import read_runs
from ssmttm.spec import canonical_json, stage_spec
from ssmttm.tables import iter_rows

SETTINGS = {
    "as it is": ({}, 1),
    "AVX2": (
        {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
        | {"OPENBLAS_CORETYPE": "Haswell"},
        1,
    ),
    "SSE4": (
        {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41"}
        | {"OPENBLAS_CORETYPE": "Nehalem"},
        1,
    ),
    "two threads": ({}, 2),
}
"""By name: what libraries are told, and threads of training."""
CODED = 6
"""So many clips are coded to compare codecs."""
NUMBERS = {"test loss": 4, "Fréchet distance": 2}
"""With their decimals."""


def stage(name: str, spec: dict, environment: dict[str, str], **options: object) -> None:
    """One command of the project."""
    listed = {option: value if isinstance(value, list) else [value] for option, value in options.items()}
    told = [f"--{option}={value}" for option, values in listed.items() for value in values]
    command = [sys.executable, "-m", "ssmttm", name, *told, f"--spec={canonical_json(spec)}"]
    done = subprocess.run(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def codes_apart(config: dict, folder: Path) -> dict[str, list[float]]:
    """By setting: the share of codes, by codebook, that are other than those of the codec fitted as it is."""
    data, found = Path("results/data", config["data"]["version"]), {}
    clips = [data / "clips" / f"{shard}.parquet" for shard in range(config["data"]["shards"])]
    waves = [decode_audio(row["audio"]["bytes"])[0] for row in islice(iter_rows(clips[0], "clips"), CODED)]
    for name, (environment, threads) in SETTINGS.items():
        out = folder / name.replace(" ", "-") / "codec.safetensors"
        given = {"clips": clips, "splits": data / "splits.parquet", "out": out, "threads": threads}
        stage("codec", stage_spec(config, "codec"), environment, **given)
        codec = load_codec(out)
        found[name] = np.concatenate([codec.encode(wave) for wave in waves], axis=1)
    return {name: list((codes != found["as it is"]).mean(axis=1)) for name, codes in found.items()}


def computed(run: str, config: dict, environment: dict[str, str], threads: int, out: Path) -> list[float]:
    """Loss on test clips and Fréchet distance of `run`, trained in the folder `out`."""
    data, embedder = Path("results/data", config["data"]["version"]), config["evaluation"]["embedders"][0]
    made, embedded = out / "generated.parquet", out / "embedded.parquet"
    stage("train", read_runs(config)[run]["spec"], environment, run=run, data=data, out=out, threads=threads)
    heard = {"prompts": data / "prompts.parquet", "codec": data / "codec.safetensors", "out": made, "threads": 1}
    stage("generate", config["generation"], environment, model=out, **heard)
    taken = {"generated": made, "out": embedded, "cache": out / "cache", "threads": 1}
    stage("embed", stage_spec(config, "embed"), environment, embedder=embedder, **taken)
    clips = read_clipset(embedded, run)
    reference = Path("results/baselines") / config["data"]["version"] / "codec/embeddings" / FINAL
    real = read_clipset(reference / f"{embedder}.parquet", "codec")
    distance = frechet_distance(*(np.concatenate(side.windows) for side in (clips, real)))
    return [read_json(out / "manifest.json")["test_loss"], distance]


def apart(values: list[float], decimals: int) -> str:
    """How far the least and the greatest lie apart."""
    return f"{max(values) - min(values):.{decimals}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--configfile", nargs="*", default=[], help="overlays of config.yaml")
    parser.add_argument("--keep", type=Path, help="a folder for what is computed")
    options = parser.parse_args()
    config = load_config("config.yaml", *options.configfile)
    found: dict[str, dict[str, list[float]]] = {run: {} for run in options.runs}
    with tempfile.TemporaryDirectory() as temporary:
        print("Codes that differ, by codebook, after fitting the codec again:\n")
        for name, shares in codes_apart(config, options.keep or Path(temporary)).items():
            print(f"- {name}: {', '.join(f'{100 * share:.1f} %' for share in shares)}", flush=True)
        if not found:
            return
        print(f"\n| run | setting | {' | '.join(NUMBERS)} |\n| --- | --- | --- | --- |", flush=True)
        for run, by_setting in found.items():
            for name, (environment, threads) in SETTINGS.items():
                out = (options.keep or Path(temporary)) / run / name.replace(" ", "-")
                by_setting[name] = computed(run, config, environment, threads, out)
                shown = [f"{v:.{d}f}" for v, d in zip(by_setting[name], NUMBERS.values(), strict=True)]
                print(f"| {run} | {name} | {' | '.join(shown)} |", flush=True)
    print(f"\n| largest less smallest | {' | '.join(NUMBERS)} |\n| --- | --- | --- |")
    for run, by_setting in found.items():
        columns = zip(zip(*by_setting.values(), strict=True), NUMBERS.values(), strict=True)
        print(f"| {run}, between settings | {' | '.join(apart(values, d) for values, d in columns)} |")
    if len(found) > 1:
        usual = zip(*(by_setting["as it is"] for by_setting in found.values()), strict=True)
        told = [apart(values, d) for values, d in zip(usual, NUMBERS.values(), strict=True)]
        print(f"| between these runs, as it is | {' | '.join(told)} |")


if __name__ == "__main__":
    main()
