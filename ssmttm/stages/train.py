"""Train one run: tokens and text in; model, curve and manifest out."""

import shutil
import time
from pathlib import Path
from typing import Any

import torch

from ssmttm.device import claim_device
from ssmttm.files import sha256_file, write_json
from ssmttm.models.checkpoint import save_model
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.progress import Progress
from ssmttm.provenance import code_of, manifest
from ssmttm.seeds import stable_int
from ssmttm.spec import canonical_json
from ssmttm.tables import write_table
from ssmttm.training.budget import plan_budget
from ssmttm.training.data import load_split
from ssmttm.training.loop import Trainer


def run(name: str, spec: dict[str, Any], data: Path, out: Path, device: str, threads: int | None) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`.

    While it trains, resumable states are kept in `out/state`; they are used only when spec, code
    and data are the same, and removed at the end.
    """
    started = time.perf_counter()
    settings = spec["training"]
    threads = settings["threads"] if threads is None else threads
    code = code_of("train", mixer=spec["variant"]["mixer"])
    dataset = sha256_file(data / "dataset.json")
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        words = spec["data"]["text"]["max_tokens"]
        train, validation, test = (load_split(data, split, words) for split in ("train", "validation", "test"))
        torch.manual_seed(stable_int("init", spec["seed"]))
        model = MusicLM(ModelConfig.from_spec(spec, train.text_width)).to(place)
        clips = settings["batch_size"] * settings["accumulate"]
        plan = plan_budget(spec["budget"], model, clips, train.frames, train.text_tokens)
        trainer = Trainer(model, train, validation, settings, plan, spec["seed"])
        identity = canonical_json({"spec": spec, "code": code, "data": dataset})
        curve = trainer.run(out / "state", identity, Progress(name, plan.steps, "steps"))
        test_loss = trainer.evaluate(test)
        label = str(place) if place.type == "cpu" else torch.cuda.get_device_name(place)
    facts = {"spec": spec, "codec": train.codec, "text_encoder": train.encoder}
    save_model(out / "model.safetensors", model.cpu(), facts)
    write_table(out / "curve.parquet", "curve", curve)
    record = manifest(
        "train",
        spec,
        run=name,
        fingerprint=code,
        dataset={"version": spec["data"]["version"], "sha256": dataset},
        device=label,
        threads=threads,
        parameters=sum(p.numel() for p in model.parameters()),
        parameters_by_group=model.parameters_by_group(),
        steps=plan.steps,
        tokens=plan.steps * plan.tokens_per_step,
        clips={"train": len(train), "validation": len(validation), "test": len(test)},
        test_loss=test_loss,
        flops_per_step=plan.flops_per_step,
        flops_planned=plan.flops_planned,
        flops_spent=plan.flops_spent,
        seconds=trainer.state.seconds,
        wall_seconds=time.perf_counter() - started,
        codec=train.codec,
        text_encoder=train.encoder,
    )
    write_json(out / "manifest.json", record)
    shutil.rmtree(out / "state", ignore_errors=True)
