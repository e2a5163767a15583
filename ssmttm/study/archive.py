"""A study to keep: a small page, its tables and a manifest that vouches for them, in a folder that can be committed."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ssmttm.choices import LOSS_TABLES
from ssmttm.errors import UserError
from ssmttm.files import copy_file, read_json, sha256_file, write_json, write_text
from ssmttm.study.answers import Answer, Effect, answers
from ssmttm.study.folder import Study, read_study

MANIFEST, PAGE = "manifest.json", "report.html"
FILES = ("comparison.csv", *(f"{name}.csv" for name in LOSS_TABLES), "curves.parquet")
"""What is copied from a study's folder."""

_LINK = re.compile(r'<a href="([^"#][^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_STATIC = re.compile(r'"svg": ?\{[^{}]*\}')


def keep(study: Path, page: str, data: Mapping[str, Any], out: Path, command: str, hours: float) -> None:
    """Write the study in folder `study`, with the text of its page, to the folder `out`.

    `data` names the data set (`version`, `sha256`); `command` made the study, within `hours` by the clock. Links of the
    page to files that aren't kept become plain text.
    """
    read = read_study(study)
    for part in out.glob(".*.part"):  # of a writing that was killed
        part.unlink()
    for name in FILES:
        copy_file(study / name, out / name)
    write_text(out / PAGE, _with_links_to(page, {MANIFEST, *FILES}))
    manifests = [run["manifest"] for run in read.summary["runs"].values()]
    facts = {
        "study": read.summary["study"],
        "title": read.summary["title"],
        "command": command,
        "hours": hours,
        "training_core_hours": round(sum(m["device_hours"] * m["threads"] for m in manifests), 3),
        "runs": len(manifests),
        "commits": sorted({str(m["commit"]) for m in manifests}),
        "machines": sorted({f"{m['machine']['cpu']}, {m['machine']['cores']} cores, {m['device']}" for m in manifests}),
        "packages": manifests[0]["packages"],
        "data": dict(data),
        "answers": _answers(read),
        "files": {name: sha256_file(out / name) for name in (PAGE, *FILES)},
    }
    write_json(out / MANIFEST, facts)


def check_place(folder: Path) -> None:
    """UserError where the folder has other files than a kept study's, which a new one would stand among.

    What an interrupted writing left is written anew.
    """
    names = (path.name for path in folder.iterdir()) if folder.is_dir() else ()
    other = sorted(name for name in names if name not in {MANIFEST, PAGE, *FILES} and not name.endswith(".part"))
    if other:
        raise UserError(f"{folder}: has other files, such as {other[0]}; name a folder of its own for the study")


def check(folder: Path) -> dict[str, Any]:
    """The manifest of a kept study; UserError where a file isn't what it says, is missing, or is one too many."""
    manifest = read_json(folder / MANIFEST)
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != {PAGE, *FILES}:
        raise UserError(f"{folder / MANIFEST}: `files` should name {PAGE} and {', '.join(FILES)}; keep the study again")
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: {MANIFEST} names it, and it is gone; restore it or keep the study again")
        if sha256_file(folder / name) != expected:
            raise UserError(
                f"{folder / name}: not the file that {MANIFEST} was written for; restore both or keep the study again"
            )
    more = sorted(path.name for path in folder.iterdir() if path.name not in {MANIFEST, *files})
    if more:
        raise UserError(f"{folder}: {', '.join(more)} in a kept study that {MANIFEST} doesn't name; take it out")
    return manifest


def _answers(study: Study) -> list[dict[str, Any]]:
    def effect(found: Effect) -> dict[str, Any]:
        return {key: value for key, value in asdict(found).items() if value is not None}

    def row(answer: Answer) -> dict[str, Any]:
        made: dict[str, Any] = {"claim": answer.claim, "verdict": answer.verdict}
        if answer.effect:
            made["effect"] = effect(answer.effect)
        if answer.times:
            made["times_fewer_flops"] = {k: getattr(answer.times, k) for k in ("times", "low", "high", "note")}
        return made

    return [row(answer) for answer in answers(study)]


def _with_links_to(page: str, kept: set[str]) -> str:
    """The page with links to kept files and to the web alone."""
    linked = _LINK.sub(lambda m: m[0] if m[1] in kept or m[1].startswith(("https://", "http://")) else m[2], page)
    return _STATIC.sub('"svg": {}', linked)
