"""What ran where: costs, commits and machines of the runs, with links to their manifests."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from ssmttm.numbers import budget_name, clock, millions, power_of_ten
from ssmttm.report.cells import Cell, Row, Table, count, number, text
from ssmttm.report.scoreboard import run_rows
from ssmttm.study.folder import Machine, RunManifest, RunSummary, Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import SystemScore


def ledger(study: Study, link: Callable[[str], str]) -> Table:
    """What every run cost; `link` turns a path relative to the study's folder into an address."""
    runs = rows_of(run_rows(study["comparison"]), SystemScore)
    return Table([_row(run, study.summary["runs"][run.system], link) for run in runs])


def _row(run: SystemScore, summary: RunSummary, link: Callable[[str], str]) -> Row:
    manifest, commit = summary["manifest"], _commit(summary["manifest"])
    share = 100 * run.flops_spent / run.flops_planned if run.flops_spent and run.flops_planned else None
    return {
        "Run": Cell(run.system, href=link(f"{summary['folder']}/manifest.json"), style="mono"),
        "Budget": text(budget_name(str(run.budget_kind), run.budget or 0)),
        "Steps": count(run.steps),
        "Tokens": number(run.tokens, millions),
        "FLOPs planned": number(run.flops_planned, power_of_ten),
        "FLOPs spent": number(run.flops_spent, power_of_ten),
        "Of the plan": number(share, lambda v: f"{v:.1f} %"),
        "Time": number(run.seconds, clock),
        "Device": text(manifest["device"]),
        "Commit": Cell(commit[:10] + "+" * commit.endswith("+changes"), code=True, title=commit),
        "Code": Cell(manifest["fingerprint"], code=True, style="short"),
    }


def _commit(manifest: RunManifest) -> str:
    return manifest["commit"] or "no checkout"


@dataclass(frozen=True)
class Place:
    """A machine with its package versions, and what ran there."""

    machine: Machine
    packages: dict[str, str]
    runs: list[str] = field(default_factory=list)
    commits: set[str] = field(default_factory=set)


def places(runs: dict[str, RunSummary]) -> list[Place]:
    """Where the runs were trained."""
    found: dict[str, Place] = {}
    for name, run in runs.items():
        manifest = run["manifest"]
        key = json.dumps([manifest["machine"], manifest["packages"]], sort_keys=True)
        place = found.setdefault(key, Place(manifest["machine"], manifest["packages"]))
        place.runs.append(name)
        place.commits.add(_commit(manifest))
    return list(found.values())
