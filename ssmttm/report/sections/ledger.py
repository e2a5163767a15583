"""What ran where: costs, commits and machines of the runs, with links to their manifests."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ssmttm.numbers import budget_name
from ssmttm.report.inputs import Study
from ssmttm.report.scoreboard import run_facts


def linker(page: Path) -> Callable[[Path], str]:
    """A function from a file to its address relative to the page at `page`: it holds wherever the tree is moved."""
    folder = page.resolve().parent

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path.resolve(), folder)).as_posix())

    return link


def files(study: Study, link: Callable[[Path], str]) -> list[dict[str, str]]:
    """Addresses of the study's tables, those that are there."""
    names = ["comparison.csv", "summary.json", *(f"{name}.parquet" for name in study.tables)]
    return [{"name": n, "href": link(study.folder / n)} for n in names if (study.folder / n).is_file()]


def runs(study: Study, link: Callable[[Path], str]) -> list[dict[str, Any]]:
    """One entry per run."""
    return [_entry(r, study, link) for r in run_facts(study["comparison"]).itertuples()]


def _entry(run: Any, study: Study, link: Callable[[Path], str]) -> dict[str, Any]:
    told = study.summary["runs"][run.system]
    manifest = told["manifest"]
    return {
        "run": run.system,
        "href": link(study.folder / told["folder"] / "manifest.json"),
        "budget": budget_name(run.budget_kind, run.budget),
        "commit": manifest["commit"] or "no checkout",
        "device": manifest["device"],
        "fingerprint": manifest["fingerprint"],
        **{k: float(getattr(run, k)) for k in ("steps", "tokens", "seconds", "flops_planned", "flops_spent")},
        "percent": 100 * run.flops_spent / run.flops_planned,
    }


def machines(runs: dict[str, Any]) -> list[dict[str, Any]]:
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
