"""The report page: gathers its parts and renders them into one self-contained HTML file."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.reporting import figures, findings, numbers, players, scoreboard
from ssmttm.reporting.corpus import corpus, usable

COLORS = 8
"""The style sheet has so many colors; further variants begin again."""


def script_json(value: Any) -> Markup:
    """JSON that can stand inside a script element: no `<`, so that nothing can close or open one."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def render(context: dict[str, Any]) -> str:
    """The page. Everything in `context` is escaped, except plotly's own script."""
    environment = Environment(
        loader=PackageLoader("ssmttm", "reporting"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(numbers, name) for name in ("significant", "power_of_ten", "millions", "clock", "plural")
    }
    environment.filters["script_json"] = script_json
    plotly = get_plotlyjs()
    if "</script" in plotly.lower():
        raise ValueError("plotly's script would close its own element")
    return environment.get_template("template.html.j2").render(plotly=Markup(plotly), **context)


def _frame(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such file; `ssmttm compare` writes it")
    return pd.read_parquet(path)


def study(folder: Path, data: dict[str, Any], settings: dict[str, Any], share: int) -> dict[str, Any]:
    """Everything that the page shows of one study; `share` bytes are for its players."""
    summary = read_json(folder / "summary.json")
    comparison, curves = _frame(folder / "comparison.parquet"), _frame(folder / "curves.parquet")
    runs = scoreboard.run_facts(comparison)
    variants = list(dict.fromkeys(runs["variant"]))
    colors = {v: i % COLORS for i, v in enumerate(variants)}
    budgets = list(runs.groupby(["budget_kind", "budget"], sort=False))
    systems = {b: summary["baselines"][b] for b in ("originals", "codec") if b in summary["baselines"]}
    folders = {s: (folder / v["folder"]).resolve() for s, v in {**systems, **summary["runs"]}.items()}
    return {
        "name": summary["study"],
        "sentence": findings.study_sentence(runs, data, int(comparison["n"].min())),
        "says": findings.says(comparison),
        "says_not": findings.says_not(comparison, data, settings["evaluation"]["embedder"]),
        "variants": [{"name": v, "color": colors[v], **_design(runs, v)} for v in variants],
        "blocks": scoreboard.blocks(comparison, colors),
        "cautions": scoreboard.cautions(comparison),
        "confidence": float(comparison["confidence"].iloc[0]),
        "metrics": [
            {"metric": m, "name": numbers.METRIC_NAMES.get(m, m), **told} for m, told in summary["metrics"].items()
        ],
        "curves": [
            {"name": numbers.budget_name(k, a), "traces": figures.learning_curves(curves, group, colors)}
            for (k, a), group in budgets
        ],
        "uniform_loss": math.log(settings["data"]["codec"]["codebook_size"]),
        "scaling": figures.scaling(comparison, runs, colors),
        "examples": players.examples(folders, settings["report"]["examples"], share),
        "asked": settings["report"]["examples"],
        "player_groups": _player_groups(budgets, colors),
        "ledger": [_ledger(r, summary["runs"][r.system]["manifest"]) for r in runs.itertuples()],
        "machines": _machines(summary["runs"]),
    }


def _design(runs: pd.DataFrame, variant: str) -> dict[str, str]:
    row = runs[runs["variant"] == variant].iloc[0]
    return {k: str(row[k]) for k in ("mixer", "feedforward", "conditioning")}


def _player_groups(budgets: list[Any], colors: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {
            "name": numbers.budget_name(kind, amount),
            "runs": [
                {
                    "run": r.system,
                    "variant": r.variant,
                    "color": colors[r.variant],
                    "size": numbers.millions(r.parameters),
                }
                for r in group.itertuples()
            ],
        }
        for (kind, amount), group in budgets
    ]


def _ledger(run: Any, manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "run": run.system,
        "budget": numbers.budget_name(run.budget_kind, run.budget),
        "commit": manifest["commit"] or "no checkout",
        "device": manifest["device"],
        "fingerprint": manifest["fingerprint"],
        **{k: float(getattr(run, k)) for k in ("steps", "tokens", "seconds", "flops_planned", "flops_spent")},
        "percent": 100 * run.flops_spent / run.flops_planned,
    }


def _machines(runs: dict[str, Any]) -> list[dict[str, Any]]:
    """Each machine with its package versions, and which runs ran there."""
    found: dict[str, dict[str, Any]] = {}
    for name, run in runs.items():
        manifest = run["manifest"]
        key = json.dumps([manifest["machine"], manifest["packages"]], sort_keys=True)
        entry = found.setdefault(
            key, {"machine": manifest["machine"], "packages": manifest["packages"], "commits": set(), "runs": []}
        )
        entry["runs"].append(name)
        entry["commits"].add(manifest["commit"] or "no checkout")
    return [{**m, "commits": sorted(m["commits"])} for m in found.values()]


def build(spec: dict[str, Any], studies: list[Path], data: Path) -> str:
    """The report on `studies` and the data set in folder `data`, as one HTML text."""
    if not studies:
        raise UserError("a report needs at least one study")
    told = corpus(data)
    shown = [study(folder, told, spec, players.MAX_BYTES // len(studies)) for folder in studies]
    drawn = {s["name"]: {"curves": s["curves"], "scaling": s["scaling"]} for s in shown}
    return render(
        {
            "title": spec["title"],
            "corpus": told,
            "policy": usable(spec["data"]["license"]),
            "packages": spec["data"]["sources"],
            "generation": spec["generation"],
            "studies": shown,
            "drawn": drawn,
            "axes": figures.AXES,
            "references": numbers.REFERENCE_NAMES,
            "metric_names": numbers.METRIC_NAMES,
            "shown": scoreboard.SHOWN,
        }
    )
