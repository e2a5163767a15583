"""What the presets take: the table of the README, as `ssmttm plan` expects it or, where a study is kept, as it was.

Kept studies (docs/studies) say their hours. Without --write the table is printed, with the forecast's hours beside
those that a kept study took.

    python benchmarks/presets.py [--write]
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ssmttm import run_table
from ssmttm.config import load_config
from ssmttm.forecast import music, rates
from ssmttm.forecast.models import Counter
from ssmttm.forecast.stages import forecast
from ssmttm.forecast.total import Total, total

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
KEPT = ROOT / "docs" / "studies"
MARKS = re.compile(r"(<!-- presets -->\n).*?(<!-- /presets -->)", re.DOTALL)
ESTIMATED = "≈ "


class Machine(NamedTuple):
    """What a preset is meant to run on."""

    cores: int
    gpu: str | None = None
    gpus: int = 0


PRESETS = {
    "default study": ("", Machine(2)),
    "`debian`": ("debian", Machine(2)),
    "`single-gpu`": ("single-gpu", Machine(8, "rtx3090", 1)),
    "`paper`": ("paper", Machine(64, "h100", 8)),
}


class Figures(NamedTuple):
    """The forecast of a preset."""

    total: Total
    clip_hours: float
    parameters: list[int]
    flops: float
    study: str


def figures(preset: str, machine: Machine) -> Figures:
    """Of `preset`, or of the default study, on `machine`."""
    overlays = [f"workflow/presets/{preset}/config.yaml"] if preset else []
    config = load_config(ROOT / "config.yaml", *(ROOT / overlay for overlay in overlays))
    studies = run_table.read_studies(config, ROOT)
    amount = music.of_config(config, None, None, None)
    gpu = rates.gpu(machine.gpu) if machine.gpu else None
    summed = total(forecast(config, studies, amount, gpu), machine.cores, machine.gpus, gpu, 0.0, None)
    counter = Counter()
    own = [row for row in studies.runs.values() if row["study"] in studies.own and not row["language_model"]]
    models = [counter.language_model(row["spec"]) for row in own]
    second = [counter.refiner(studies.refiners[name]) for name in {row["refiner"] for row in own} if name]
    flops = sum(model.flops or 0.0 for model in models + second)
    clip_hours = amount.clips * config["data"]["clips"]["seconds"] / 3600
    return Figures(summed, clip_hours, [model.parameters for model in models], flops, studies.own[0])


def kept(study: str) -> dict[str, Any] | None:
    """The manifest of a kept study."""
    path = KEPT / study / "manifest.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def hours(value: float) -> str:
    """Minutes below an hour and a half."""
    return f"{60 * value:.0f} min" if value < 1.5 else f"{value:,.0f} h" if value >= 10 else f"{value:.1f} h"


def millions(value: float) -> str:
    return f"{value / 1e6:.2g}" if value < 1e7 else f"{value / 1e6:,.0f}"


def table() -> str:
    """The table, one row per preset."""
    lines = [
        "| preset | clips | models | million parameters | training FLOPs | time | on | GPU-hours | disk | memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (preset, machine) in PRESETS.items():
        summed, clip_hours, parameters, flops, study = figures(preset, machine)
        took = kept(study)
        time = hours(took["hours"]) if took else ESTIMATED + hours(summed.wall_hours)
        on = f"{machine.cores} cores" + (f", {machine.gpus} {machine.gpu}" if machine.gpu else "")
        exponent = len(f"{flops:.0f}") - 1
        gpu_hours = f"{ESTIMATED}{summed.gpu_hours:,.0f}" if machine.gpu else "–"
        cells = (
            name,
            hours(clip_hours),
            f"{len(parameters)}",
            f"{millions(min(parameters))} to {millions(max(parameters))}",
            f"{flops / 10**exponent:.1f}e{exponent}",
            time,
            on,
            gpu_hours,
            f"{ESTIMATED}{summed.disk_gb:,.0f} GB",
            f"{ESTIMATED}{summed.memory_gb:,.1f} GB",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put it into README.md")
    if parser.parse_args().write:
        text = README.read_text(encoding="utf-8")
        README.write_text(MARKS.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", text), encoding="utf-8")
        return
    print(table())
    for name, (preset, machine) in PRESETS.items():
        expected = figures(preset, machine)
        if took := kept(expected.study):
            print(f"{name}: expected {expected.total.wall_hours:.2f} hours, took {took['hours']:.2f}")


if __name__ == "__main__":
    main()
