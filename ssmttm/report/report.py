"""The report page: gathers its parts and renders them into one self-contained HTML file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ssmttm import numbers
from ssmttm.dataset.sharing import REAL, RealMusic
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.report import scoreboard, unlike
from ssmttm.report.figures.chart import Figure
from ssmttm.report.figures.curves import codes_of
from ssmttm.report.figures.figures import figures, svg_names, variant_colors
from ssmttm.report.inputs import Study, read_study
from ssmttm.report.page import render
from ssmttm.report.sections import every_score, findings, foreign, ledger, listing, methods, players, remarks
from ssmttm.report.sections.corpus import corpus, usable
from ssmttm.report.sections.shares import shares
from ssmttm.study.seeds import seeds_sentence

FIGURES = "figures"
"""Folder of a study's static figures."""

SILENT = ("shuffled", "noise", "training")
"""Baselines that are scored but not played: they say nothing about a caption."""


def shown(
    study: Study,
    data: dict[str, Any],
    settings: dict[str, Any],
    share: int,
    link: Callable[[Path], str],
    music: RealMusic,
) -> dict[str, Any]:
    """Everything that the page shows of one study; `share` bytes are for its players."""
    summary, comparison, embedders = study.summary, study["comparison"], study.embedders
    columns = scoreboard.columns(comparison, embedders)
    main = scoreboard.main_rows(comparison, columns)
    runs = scoreboard.run_facts(comparison)
    colors = variant_colors(study)
    drawn = figures(study)
    given = foreign.foreign(study)
    origins = {name: one.origin for name, one in given.items()}
    played = {n: s for n, s in summary["baselines"].items() if n not in SILENT}
    folders = {s: (study.folder / v["folder"]).resolve() for s, v in {**played, **summary["runs"]}.items()}
    playable, clip_ids = players.playable(folders, REAL, music)
    examples = players.examples(playable, clip_ids, settings["report"]["examples"], share)
    credited = playable.keys() & set(REAL)
    return {
        "name": summary["study"],
        "sentence": findings.study_sentence(runs, data, int(runs["n"].min())),
        "says": findings.says(main, study["differences"], codes_of(summary["runs"])),
        "says_not": findings.says_not(main, data, embedders),
        "unlike": unlike.warnings(study, given),
        "variants": [{"name": v, "color": c, **_design(runs, v)} for v, c in colors.items()],
        "columns": columns,
        "blocks": scoreboard.blocks(comparison, columns, colors, origins),
        "foreign": foreign.listing(given),
        "every": every_score.rows(study),
        "backends": every_score.backends(comparison),
        "confidence": float(comparison["confidence"].iloc[0]),
        "remarks": [remarks.copies(study), remarks.outliers(study)],
        "summary": link(study.folder / "summary.json"),
        "seeds": seeds_sentence(comparison),
        "listings": listing.listings(study, columns),
        "figures": {name: _figure(f, study.folder, link) for name, f in drawn.items()},
        "drawn": {name: _drawn(f, study.folder, link) for name, f in drawn.items()},
        "examples": examples,
        "credits": {e["clip_id"]: music.credit(e["clip_id"]) for e in examples} if credited else {},
        "unplayed": [numbers.BASELINE_NAMES[name][0] for name in folders.keys() - playable.keys()],
        "asked": settings["report"]["examples"],
        "played": [_played(name, origins) for name in played if name in playable],
        "player_groups": _player_groups(runs, colors),
        "methods": methods.paragraphs(study, data, settings),
        "ledger": ledger.runs(study, link),
        "machines": ledger.machines(summary["runs"]),
        "files": ledger.files(study, link),
        "csv": link(study.folder / "comparison.csv"),
        "tables": {name: link(study.folder / FIGURES / f"{name}.csv") for name in study.tables},
    }


def _figure(figure: Figure, folder: Path, link: Callable[[Path], str]) -> dict[str, Any]:
    """What the page says around a figure: its selectors, its data, and charts and static files of the first choice."""
    data = link(folder / FIGURES / f"{figure.id}.csv")
    names = {s["name"] for charts in figure.charts.values() for c in charts for s in c["series"]}
    shown = {
        "panels": [{k: c[k] for k in ("title", "note")} for c in figure.charts.get(figure.first, [])],
        "svg": _svg(figure, figure.first, folder, link) if figure.first else [],
        "chosen": dict(zip((c.key for c in figure.choices), figure.first.split("|"), strict=False)),
        "open": figure.open(figure.first),
    }
    return {"choices": figure.choices, "first": figure.first, "csv": data, "names": names, **shown}


def _drawn(figure: Figure, folder: Path, link: Callable[[Path], str]) -> dict[str, Any]:
    """What the page's script draws: charts and addresses of static files, by the key of the choice."""
    svg = {key: _svg(figure, key, folder, link) for key in figure.charts}
    return {"keys": [c.key for c in figure.choices], "charts": figure.charts, "svg": svg}


def _svg(figure: Figure, key: str, folder: Path, link: Callable[[Path], str]) -> list[str]:
    return [link(folder / FIGURES / name) for name in svg_names(figure, key)]


def _design(runs: Any, variant: str) -> dict[str, str]:
    row = runs[runs["variant"] == variant].iloc[0]
    return {k: str(row[k]) for k in ("mixer", "feedforward", "conditioning")}


def _played(name: str, origins: dict[str, str]) -> dict[str, str]:
    told, note = numbers.BASELINE_NAMES.get(name, (name, ""))
    return {"system": name, "name": told, "note": origins.get(name, note)}


def _player_groups(runs: Any, colors: dict[str, int]) -> list[dict[str, Any]]:
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
        for (kind, amount), group in runs.groupby(["budget_kind", "budget"], sort=False)
    ]


def build(spec: dict[str, Any], studies: list[Path], data: Path, page: Path, claims: Path | None = None) -> str:
    """The report on `studies` and the data set in folder `data`, as one HTML text for the file `page`.

    Links lead from `page` to the files that the numbers come from. `claims` is the file of the
    claims' table; without one the page says so.
    """
    if not studies:
        raise UserError("a report needs at least one study")
    link = ledger.linker(page)
    found = [read_study(folder) for folder in studies]
    told = corpus(data)
    music = RealMusic(data / "licensed.parquet")
    parts = [shown(study, told, spec, players.MAX_BYTES // len(found), link, music) for study in found]
    return render(
        {
            "title": spec["title"],
            "corpus": told,
            "policy": usable(spec["data"]["license"]),
            "studies": parts,
            "drawn": {s["name"]: s.pop("drawn") for s in parts},
            "references": {r: numbers.REFERENCE_NAMES[r] for r in scoreboard.REFERENCES},
            "claims": shares(read_json(claims), link(claims)) if claims else shares(None, ""),
        }
    )
