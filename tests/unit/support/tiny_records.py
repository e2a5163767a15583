"""A tiny data set that stands for the default study's, trained runs on it, and the records made of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import training_data
from language_models import TINY, tiny_model
from training_data import CODEC, ENCODER, LEVELS, load, tiny_spec, write_dataset

from ssmttm.config import ROOT, load_config
from ssmttm.evaluation.likelihood import of_model, read_places
from ssmttm.files import sha256_file, write_json
from ssmttm.models.checkpoint import save_model
from ssmttm.records import checking, making
from ssmttm.records.data import Data, read_data
from ssmttm.records.entry import Record, earlier, read_record, sealed
from ssmttm.tables import SCHEMAS, read_table, write_table

ARTISTS = 8
COMMIT = "1234567890" * 4
CPU = torch.device("cpu")
SPEC: dict[str, Any] = tiny_spec("prefix-simba")
MACHINE = {"cpu": "Any | CPU", "cores": 2, "system": "Linux 6", "python": "3.11.7"}
BETTER, WORSE = 1.0, 30.0
"""Factors on the weights of the heads: of more, a model without training says the wrong with more conviction."""


def tiny_config() -> dict[str, Any]:
    """The default study's config, of the tiny data set."""
    config: dict[str, Any] = dict(load_config(ROOT / "config.yaml"))
    config["data"] = {**config["data"], "version": "tiny-1"}
    return config


def write_data(folder: Path) -> Path:
    """A released data set with captions and settings, and more clips of the split test than others need."""
    counts = dict(training_data.COUNTS)
    training_data.COUNTS["test"] = ARTISTS
    try:
        write_dataset(folder)
    finally:
        training_data.COUNTS.update(counts)
    clips = [f"{split}{i:02d}" for split, count in (counts | {"test": ARTISTS}).items() for i in range(count)]
    write_captions(folder, {clip: f"clip {clip}" for clip in clips})
    data = SPEC["data"]
    settings = {
        "version": data["version"],
        "clips": {"seconds": data["seconds"], "sample_rate": data["sample_rate"]},
        "codec": data["codec"],
        "text": data["text"],
    }
    change_release(folder, settings=settings)
    return folder


def write_captions(folder: Path, captions: dict[str, str]) -> None:
    """The shard of captions, and its hash in dataset.json."""
    more = dict.fromkeys(SCHEMAS["captions"].names) | {"styles": [], "written_by": "template", "tags": []}
    rows = [{**more, "clip_id": clip, "track_id": clip, "caption": text} for clip, text in captions.items()]
    write_table(folder / "captions" / "0.parquet", "captions", rows)
    release_anew(folder, "captions/0.parquet")


def write_code(folder: Path, level: int) -> None:
    """Another code of one clip at that level, and the hash of its shard."""
    path = folder / "tokens" / "0.parquet"
    rows = read_table(path, "tokens").to_pylist()
    codes = np.array(rows[0]["codes"], np.uint16).reshape(LEVELS, -1)
    codes[level - 1, 0] = (codes[level - 1, 0] + 1) % TINY["codebook_size"]
    rows[0]["codes"] = codes.ravel()
    write_table(path, "tokens", rows)
    release_anew(folder, "tokens/0.parquet")


def change_release(folder: Path, **changes: Any) -> None:
    """Other values in dataset.json."""
    release = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(release | changes), encoding="utf-8")


def release_anew(folder: Path, name: str) -> None:
    """The hash of a file, as it is now, in dataset.json."""
    release = json.loads((folder / "dataset.json").read_text())
    change_release(folder, sha256={**release["sha256"], name: sha256_file(folder / name)})


def write_runs(results: Path, data: Path, name: str, factor: float = BETTER, seeds: int = 3, **spec: Any) -> list[Path]:
    """Folders of runs of one design, a seed each, whose heads are multiplied by `factor`; `spec` changes their spec."""
    folders = []
    for seed in range(1, seeds + 1):
        whole = {**SPEC, **spec, "seed": seed}
        folder = results / f"{name}-{seed}"
        model = tiny_model("prefix-simba")
        with torch.no_grad():
            for head in model.heads:
                head.weight *= factor * (1 + 0.001 * seed)
        origin = {"spec": whole, "codec": CODEC, "text_encoder": ENCODER}
        save_model(folder / "model.safetensors", model, origin)
        clips = load(data, results, whole).test
        rows = of_model(model, clips, read_places(data / "splits.parquet"), "test", 1, CPU)
        write_table(folder / "likelihoods.parquet", "likelihoods", rows)
        manifest = {
            "run": folder.name,
            "spec": whole,
            "commit": COMMIT,
            "fingerprint": "0123456789abcdef",
            "device": "cpu",
            "machine": MACHINE,
            "seconds": 12.0,
            "device_hours": 12.0 / 3600,
            "threads": 1,
            "steps": 7,
            "dataset": {"version": "tiny-1", "sha256": sha256_file(data / "dataset.json")},
        }
        write_json(folder / "manifest.json", manifest)
        folders.append(folder)
    return folders


def make(path: Path, runs: list[Path], data: Data, config: dict[str, Any], **more: str) -> Path:
    """A record's file, made of runs and not yet checked."""
    said = {"name": path.stem, "track": path.name.split("-")[0], "today": "2026-11-29", **more}
    write_json(path, making.make(making.folders_of(runs), data, config=config, where=str(path), **said))  # type: ignore[arg-type]
    return path


def check(path: Path, runs: list[Path], data: Data, config: dict[str, Any], checkout: Path | None = None) -> str:
    """What a check of the file says, beside the others of its folder."""
    folders = {folder.name: folder for folder in runs}
    record: Record = read_record(path)
    before = earlier(path, path.parent)
    return checking.check(record, data, folders, before, config, CPU, checkout or path.parent)  # type: ignore[arg-type]


def opened(folder: Path, config: dict[str, Any], contents: dict[str, str]) -> Data:
    """The data set, if it holds what `contents` says."""
    return read_data(folder, config, contents)  # type: ignore[arg-type]


def edit(path: Path, change: Any) -> Path:
    """The record with what `change` does to it, sealed again."""
    entry = json.loads(path.read_text())
    change(entry)
    write_json(path, sealed(entry))
    return path
