"""A results folder as it is before a run is evaluated, shared by tests of stages that embed and score."""

import json
import shutil
from pathlib import Path
from typing import Any

from run_folders import CODEC, RATE, Words, tiny_codec, write_refiner, write_run
from tiny_embedders import vggish
from training_data import write_dataset

from ssmttm.audio.coded import encode_audio
from ssmttm.contracts.holding import music
from ssmttm.files import sha256_file
from ssmttm.stages import embed
from ssmttm.tables import write_table

IDS = ["a", "b", "c", "d"]
SCORE = {"metrics": ["frechet", "diversity"], "bootstrap": 20, "confidence": 0.9, "seed": 1, "training_clips": 10}
TEXT = {"encoder": "minilm", "max_tokens": 8}
LIKELIHOOD = {"seed": 1, "codec": CODEC, "text": TEXT}


def generated(path: Path, seed: int) -> Path:
    """A table of audio for `IDS`."""
    rows = [
        {"clip_id": i, "system": "x", "caption": f"calm piano {i}", "seed": 1, "duration_s": 1.0, "sample_rate": RATE,
         "audio": {"bytes": encode_audio(music(1.0, RATE, seed + n), RATE), "path": f"{i}.flac"}}
        for n, i in enumerate(IDS)
    ]  # fmt: skip
    write_table(path, "generated", rows)
    return path


def write_results(results: Path) -> Path:
    """A released data set, embedded references, a trained run of one stage or two; returns the embedder's weights."""
    run, codec = write_run(results, codebooks=1), tiny_codec()
    (run / "checkpoints").mkdir()
    shutil.copy(run / "model.safetensors", run / "checkpoints" / "0.5.safetensors")
    write_refiner(run / "refiner.safetensors", codec)
    write_refiner(results / "refiners" / "second" / "checkpoints" / "0.5.safetensors", codec, layers=2)
    data = write_dataset(results / "data" / "v1", codec=codec.identity, frames=80, encoder=Words.identity)
    write_table(data / "captions" / "0.parquet", "captions", [])
    with open(data / "prompts.csv", "w", encoding="utf-8") as file:
        file.writelines(["clip_id,caption\n", *(f"{i},calm piano {i}\n" for i in IDS)])
    release: dict[str, Any] = json.loads((data / "dataset.json").read_text())
    release |= {"codec": codec.identity, "text_encoder": Words.identity}
    release["sha256"] |= {name: sha256_file(data / name) for name in ("codec.safetensors", "captions/0.parquet")}
    (data / "dataset.json").write_text(json.dumps(release), encoding="utf-8")
    weights = vggish(results)
    for seed, name in enumerate(("originals", "codec")):
        folder = results / "baselines" / "v1" / name
        audio = generated(folder / "generated" / "final.parquet", 10 * seed)
        out = folder / "embeddings" / "final" / "vggish.parquet"
        embed.run({"models": {"vggish": str(weights)}}, "vggish", audio, [], None, out, results / "cache", 1)
    return weights
