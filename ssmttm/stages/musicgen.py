"""Stage `musicgen`: MusicGen's audio for the prompts, from weights on this machine."""

import shutil
from pathlib import Path
from typing import Any

import torch

from ssmttm.choices import MUSICGEN
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.systems.facts import write_facts
from ssmttm.evaluation.systems.musicgen import BATCH, generate, notes_on, stated
from ssmttm.pretrained.musicgen import LONGEST_S, MusicGenSampling, load_musicgen
from ssmttm.progress import Progress, notify
from ssmttm.settings import StageSpec
from ssmttm.tables import read_table, write_table

_KEY = "evaluation.musicgen.model"


def run(spec: StageSpec, prompts: Path, out: Path, facts: Path, device: str, threads: int | None) -> None:
    """Write MusicGen's clips for the table `prompts`, and what it cost; finished batches survive an interruption."""
    settings, clips = spec["musicgen"], spec["clips"]
    if settings is None:
        raise UserError(f"{_KEY}: names no weights; set it to a folder that holds them")
    defaults = MusicGenSampling()
    sampling = MusicGenSampling(
        **{name: settings.get(name) or getattr(defaults, name) for name in ("guidance", "top_k", "temperature")}
    )
    seconds = settings.get("seconds") or min(clips["seconds"], LONGEST_S)
    batch = settings.get("batch") or BATCH
    wanted = read_table(prompts, "captions", ["clip_id", "caption"]).to_pylist()
    partial = out.parent / "partial"
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        model = load_musicgen(settings["model"], _KEY)
        known = stated(model, settings)
        model.model.to(place)  # type: ignore[arg-type]  # a wrapper hides what it takes
        batches = -(-len(wanted) // batch)
        progress = Progress(MUSICGEN, batches * model.steps(seconds), "steps")
        rows: list[Any] = []
        for made, kept in generate(
            model, wanted, seconds, batch, sampling, spec["seed"], clips, partial, progress.advance
        ):
            rows += made
            if kept:
                progress.start_at(progress.done + model.steps(seconds))
    write_table(out, "generated", rows)
    shutil.rmtree(partial, ignore_errors=True)
    notes = notes_on(rows, model.sample_rate, seconds, clips)
    for note in notes:
        notify(f"{MUSICGEN}: {note}")
    sampled = f"guidance {sampling.guidance:g}, top-k {sampling.top_k}, temperature {sampling.temperature:g}"
    write_facts(
        facts,
        MUSICGEN,
        known,
        sample_rates=[model.sample_rate],
        channels=[1],
        notes=[sampled, *notes],
        model=model.identity,
    )
