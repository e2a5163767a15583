"""A trained run as an entry has it: what its files say, and what is computed anew from its model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsonschema import Draft202012Validator

from ssmttm.config import complain
from ssmttm.errors import UserError
from ssmttm.evaluation.likelihood import TOGETHER, clip_losses
from ssmttm.files import read_json, sha256_file
from ssmttm.given import check_run_spec
from ssmttm.models.checkpoint import check_shapes, load_model, read_origin, read_tensors
from ssmttm.records.data import Data
from ssmttm.records.entry import MACHINE
from ssmttm.records.tracks import core_parameters, unfilled
from ssmttm.settings import RunSpec
from ssmttm.spec import differences
from ssmttm.training.budget import plan_budget
from ssmttm.training.data import TokenSet

MODEL = "model.safetensors"
_MANIFEST = Draft202012Validator(
    {
        "type": "object",
        "required": [
            *("run", "spec", "commit", "fingerprint", "device", "machine", "seconds", "device_hours", "threads"),
            *("steps", "dataset"),
        ],
        "properties": {
            **{key: {"type": "string"} for key in ("run", "fingerprint", "device")},
            **{key: {"type": "number", "minimum": 0} for key in ("seconds", "device_hours")},
            **{key: {"type": "integer", "minimum": 1} for key in ("threads", "steps")},
            "spec": {"type": "object", "required": ["seed"]},
            "commit": {"type": ["string", "null"]},
            "machine": MACHINE,
            "dataset": {"type": "object", "required": ["sha256"], "properties": {"sha256": {"type": "string"}}},
        },
    }
)


@dataclass(frozen=True)
class Counted:
    """What a run's spec says of each training by it."""

    parameters: int
    core_parameters: int
    flops_per_step: float
    steps: int | None
    """None for a budget in hours, whose steps were measured."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the run in `folder`; UserError where there is none, or it lacks what an entry needs."""
    if not (folder / MODEL).is_file():
        raise UserError(
            f"{folder}: no trained run: it has no {MODEL}; name the folder of one, such as results/runs/RUN"
        )
    path = folder / "manifest.json"
    manifest = read_json(path)
    complain(_MANIFEST, manifest, str(path), "`ssmttm train` writes it: put back the run's own")
    if not all(math.isfinite(manifest[key]) for key in ("seconds", "device_hours")):
        raise UserError(f"{path}: seconds or device_hours that are not finite; put back the run's own")
    return manifest


def stated(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of its run, by the keys of an entry's run."""
    minutes = 60 * float(manifest["device_hours"]) * int(manifest["threads"])
    return {
        **{key: manifest[key] for key in ("run", "commit", "fingerprint", "device", "machine")},
        "seed": manifest["spec"]["seed"],
        "seconds": round(float(manifest["seconds"]), 3),
        "core_minutes": round(minutes, 4),
        "steps": manifest["steps"],
    }


def model_sha256(folder: Path) -> str:
    """Of the run's model; UserError where it can't be read."""
    try:
        return sha256_file(folder / MODEL)
    except OSError as error:
        raise UserError(f"{folder / MODEL}: can't be read: {error.strerror}; put back the run's own") from error


def check_origin(folder: Path, spec: RunSpec, data: Data, where: str) -> None:
    """UserError unless the model says itself that it was trained by `spec`, on a data set like `data`."""
    path = folder / MODEL
    origin: Mapping[str, Any] = read_origin(path)
    if differing := differences(origin.get("spec"), spec):
        raise UserError(
            f"{where}: spec: its {', '.join(differing[:4])} isn't what {path} says that it was trained by; make the "
            "record from the runs again"
        )
    reads = origin.get("text_encoder"), origin.get("text_width")
    if reads != (data.release["text_encoder"], data.text_width):
        raise UserError(
            f"{path}: reads captions as {reads[0]} embeds them, {reads[1]} numbers a token, and {data.folder} has "
            f"those of {data.release['text_encoder']}, {data.text_width}; name the data set that it was trained on"
        )
    if spec["model"]["codebooks"] > 1 and origin.get("codec") != data.release["codec"]:
        raise UserError(
            f"{path}: models several levels of the codec {origin.get('codec')}, and {data.folder} has codes of "
            f"{data.release['codec']}, which another processor fitted; check it on the data set it was trained on"
        )


def check_spec(spec: Mapping[str, Any], seed: int, data: Data, where: str) -> RunSpec:
    """The spec of the run with `seed`; UserError for one that isn't complete, or of other data."""
    try:
        whole = check_run_spec({**spec, "seed": seed})
    except UserError as error:
        wrong = str(error).splitlines()[0].removeprefix("--spec: ")
        raise UserError(f"{where}: spec: {wrong}; make the record from the runs again") from error
    if differing := differences(whole["data"], data.settings, "spec.data"):
        raise UserError(
            f"{where}: {', '.join(differing)}: not as in {data.folder}; records are of the default study's data alone"
        )
    return whole


def count(spec: RunSpec, data: Data, where: str) -> Counted:
    """What is counted of the design, on clips as the data's; UserError where no model can be made of it."""
    try:
        model = unfilled(spec, data.text_width)
    except UserError as error:
        raise UserError(f"{where}: {error}; make the record from the runs again") from error
    frames = data.frames
    clip = model.flops(frames, spec["data"]["text"]["max_tokens"]).total
    batch, budget = spec["training"]["batch_size"], spec["budget"]
    hours = "gpu_hours" in budget
    # The FLOPs of a step are the same under every budget.
    plan = plan_budget({"iterations": 1} if hours else budget, clip, model.config.codebooks * frames, batch)
    groups = model.parameters_by_group()
    steps = None if hours else plan.steps
    return Counted(sum(groups.values()), core_parameters(groups), plan.flops_per_step, steps)


@torch.inference_mode()
def losses_of(folder: Path, spec: RunSpec, clips: TokenSet, device: torch.device) -> dict[str, float]:
    """The loss of level 1 of each of `clips`, in nats per code, computed from the run's model.

    UserError for a model that can't be read, or that isn't of its spec.
    """
    path = folder / MODEL
    check_shapes(path, read_tensors(path, "ssmttm")[1], unfilled(spec, clips.text_width).state_dict())
    model = load_model(path)[0].to(device)
    losses: dict[str, float] = {}
    for start in range(0, len(clips), TOGETHER):
        batch = clips.batch(np.arange(start, min(start + TOGETHER, len(clips))), device)
        first = clip_losses(model, batch, batch.text_mask)[:, 0]
        losses |= zip(batch.clip_ids, map(float, first), strict=True)
    if not all(map(math.isfinite, losses.values())):
        raise UserError(f"{path}: its losses are not finite; train again")
    return losses
