"""Processor seconds of evaluating one run, its stages one process each and all in one process, and that both agree.

Run by hand in a folder with a finished study: python benchmarks/evaluation_jobs.py RUN [--config OVERLAY]
Both start with empty caches, in a folder of their own. What other programs do on the machine hardly counts.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ssmttm.choices import FINAL, checkpoints_of, here
from ssmttm.config import load_config
from ssmttm.run_table import read_studies
from ssmttm.spec import canonical_json, evaluate_spec


def spent(command: list[str]) -> float:
    """Processor seconds of a command of ssmttm, which must end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "ssmttm.cli", *command], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])} failed:\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands(folder: Path, names: list[str], spec: dict, results: Path, version: str, refiner: str) -> list[list[str]]:
    """The stages one by one, as a command each."""
    data, baselines, cache = results / "data" / version, results / "baselines" / version, folder / "cache"
    found = []
    for name in names:
        audio, model = folder / "generated" / f"{name}.parquet", folder / "checkpoints" / f"{name}.safetensors"
        second = "none"
        if refiner:
            second = folder / "refiner.safetensors"
            second = second if name == FINAL else results / "refiners" / refiner / "checkpoints" / f"{name}.safetensors"
        found.append(
            [
                "generate", f"--model={folder if name == FINAL else model}", f"--refiner={second}",
                f"--prompts={data / 'prompts.parquet'}", f"--codec={data / 'codec.safetensors'}", f"--out={audio}",
                f"--record={audio.with_suffix('.json')}", "--threads=1", f"--spec={canonical_json(spec['generation'])}",
            ]
        )  # fmt: skip
        for embedder in here(spec["embedders"]):
            embedded = folder / "embeddings" / name / f"{embedder}.parquet"
            found.append(
                [
                    "embed", f"--embedder={embedder}", f"--generated={audio}", f"--out={embedded}", f"--cache={cache}",
                    "--threads=1", f"--spec={canonical_json(spec['embed'])}",
                ]
            )  # fmt: skip
            references = {n: baselines / n / "embeddings" / FINAL for n in ("originals", "codec")}
            references |= {"training": data / "training"} if "training_copies" in spec["score"]["metrics"] else {}
            found.append(
                [
                    "score", f"--embedder={embedder}", f"--system={folder.name}", f"--embeddings={embedded}",
                    f"--data={data}", *(f"--reference={n}={p / embedder}.parquet" for n, p in references.items()),
                    f"--out={folder / 'scores' / name / embedder}.json", f"--spec={canonical_json(spec['score'])}",
                ]
            )  # fmt: skip
    found.append(
        [
            "likelihood", f"--data={data}", f"--model={folder / 'model.safetensors'}", "--threads=1",
            f"--out={folder / 'likelihoods.parquet'}", f"--spec={canonical_json(spec['likelihood'])}",
        ]
    )  # fmt: skip
    return found


def main() -> None:
    """Run both, compare what they made, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--config", type=Path, action="append", default=[], help="an overlay, such as a preset")
    arguments = parser.parse_args()
    config = load_config(Path("config.yaml"), *arguments.config)
    studies, results = read_studies(config), Path("results").absolute()
    row, version = studies.runs[arguments.run], config["data"]["version"]
    names = checkpoints_of(config, row, studies.refiners.get(row["refiner"]))
    spec = evaluate_spec(config, row["generation"])
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as temporary:
        folders = [Path(temporary) / place / arguments.run for place in ("apart", "together")]
        for folder in folders:
            shutil.copytree(
                results / "runs" / arguments.run,
                folder,
                ignore=shutil.ignore_patterns("evaluated", "likelihoods.parquet"),
            )
            for product in ("generated", "embeddings", "scores"):
                shutil.rmtree(folder / product, ignore_errors=True)
        apart = commands(folders[0], names, spec, results, version, row["refiner"])
        seconds = [spent(command) for command in apart]
        together = [
            "evaluate", *(str(folders[1] / "generated" / f"{name}.parquet") for name in names),
            f"--refiner={results / 'refiners' / row['refiner'] if row['refiner'] else 'none'}",
            f"--data={results / 'data' / version}", f"--baselines={results / 'baselines' / version}",
            f"--cache={folders[1] / 'cache'}", "--threads=1", f"--spec={canonical_json(spec)}",
        ]  # fmt: skip
        once, again = spent(together), spent(together)
        rescored = [*together[:-1], f"--spec={canonical_json({**spec, 'score': {**spec['score'], 'seed': 12345}})}"]
        scores_only = spent(rescored)
        for product in ("generated/*.parquet", "embeddings/*/*.parquet", "likelihoods.parquet"):
            for file in folders[0].glob(product):
                if file.read_bytes() != (folders[1] / file.relative_to(folders[0])).read_bytes():
                    sys.exit(f"{file.relative_to(folders[0])} differs")
    found = {
        "processes, apart": len(apart),
        "processor seconds, apart": round(sum(seconds), 1),
        "processor seconds, in one process": round(once, 1),
        "ratio": round(sum(seconds) / once, 2),
        "processor seconds, nothing to make": round(again, 1),
        "processor seconds, scores alone": round(scores_only, 1),
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
