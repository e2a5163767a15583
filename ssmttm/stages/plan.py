"""Command `plan`: what a study will take, before it runs."""

import json
from dataclasses import asdict
from pathlib import Path

from ssmttm import run_table
from ssmttm.config import load_preset, nearest_config
from ssmttm.errors import UserError
from ssmttm.forecast import music, rates
from ssmttm.forecast.stages import forecast
from ssmttm.forecast.table import table
from ssmttm.forecast.total import total


def run(
    preset: str | None,
    files: list[Path] | None,
    data: Path | None,
    tracks: int | None,
    hours: float | None,
    gpu: str | None,
    gpus: int,
    cores: int,
    core_price: float,
    gpu_price: float | None,
    as_json: bool,
) -> str:
    """The text that `ssmttm plan` prints; arguments as its options, None for those that weren't given."""
    if (tracks is None) != (hours is None):
        raise UserError("--tracks and --hours: both say how much music there is; give both, or neither")
    config = load_preset(files or [nearest_config()], preset)
    kind = rates.gpu(gpu) if gpu else None
    amount = music.of_config(config, data, tracks, hours)
    stages = forecast(config, run_table.read_studies(config), amount, kind)
    summed = total(stages, cores, gpus if kind else 0, kind, core_price, gpu_price)
    if as_json:
        parts = {"music": asdict(amount), "stages": [asdict(stage) for stage in stages], "total": asdict(summed)}
        return json.dumps(parts, indent=2)
    return table(stages, summed, amount, kind)
