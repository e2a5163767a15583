"""Prompts that users write: one on the command line, or many in a file."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.errors import UserError

MAX_PROMPT = 2000
"""Characters; longer prompts are refused rather than silently cut to the encoder's window."""

_IDS = ("clip_id", "name")
_READABLE = (".txt", ".csv", ".parquet")


@dataclass(frozen=True)
class Prompt:
    """A caption and what it is called; the name decides the seed, so that order doesn't matter."""

    name: str
    caption: str


def check_prompt(prompt: str) -> str:
    """The prompt without surrounding space; raises UserError if it is empty or far too long."""
    prompt = prompt.strip()
    if not prompt:
        raise UserError("the prompt is empty; say what the music should be like, e.g. --prompt 'calm piano'")
    if len(prompt) > MAX_PROMPT:
        raise UserError(f"the prompt has {len(prompt)} characters; at most {MAX_PROMPT} are accepted")
    return prompt


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a .txt file (one a line, empty lines skipped) or a .csv or .parquet table.

    A table needs a column `caption`; `clip_id` or `name` is what a prompt is called, else its
    number. Raises UserError that names the line or row.
    """
    if not path.is_file():
        raise UserError(f"--prompts {path}: no such file")
    if path.suffix not in _READABLE:
        raise UserError(f"--prompts {path}: expected a name that ends in {', '.join(_READABLE)}")
    try:
        rows = _read_lines(path) if path.suffix == ".txt" else _read_table(path)
    except (UnicodeDecodeError, csv.Error, pa.ArrowInvalid, OSError) as error:
        raise UserError(f"--prompts {path}: not a readable {path.suffix} file: {error}") from error
    if not rows:
        raise UserError(f"--prompts {path}: it holds no prompts")
    digits = max(3, len(str(len(rows))))
    prompts: list[Prompt] = []
    seen: dict[str, str] = {}
    for number, (where, name, caption) in enumerate(rows, 1):
        name = name if name is not None else f"{number:0{digits}}"
        if name in seen:
            raise UserError(f"--prompts {path}, {where}: {name!r} is already the name of {seen[name]}")
        seen[name] = where
        try:
            prompts.append(Prompt(name, check_prompt(caption)))
        except UserError as error:
            raise UserError(f"--prompts {path}, {where}: {error}") from None
    return prompts


_Rows = list[tuple[str, str | None, str]]
"""Where a prompt stands, its name if it has one, its caption."""


def _read_lines(path: Path) -> _Rows:
    lines = path.read_text("utf-8-sig").splitlines()
    return [(f"line {number}", None, line) for number, line in enumerate(lines, 1) if line.strip()]


def _read_table(path: Path) -> _Rows:
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or []), list(reader)
    else:
        columns = pq.read_schema(path).names
        rows = pq.read_table(path, columns=[c for c in columns if c in ("caption", *_IDS)]).to_pylist()
    if not columns:
        return []
    if "caption" not in columns:
        raise UserError(f"--prompts {path}: no column `caption`; it has {', '.join(columns)}")
    naming = next((c for c in _IDS if c in columns), None)
    found: _Rows = []
    for number, row in enumerate(rows, 1):
        name = str(row[naming] or "") if naming else None
        if name == "":
            raise UserError(f"--prompts {path}, row {number}: {naming} is empty")
        found.append((f"row {number}", name, str(row["caption"] or "")))
    return found


def file_names(names: Iterable[str]) -> list[str]:
    """A file name without suffix for each of `names`: safe in any folder, no two alike, always the same."""
    chosen: list[str] = []
    taken: set[str] = set()
    for name in names:
        safe = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:100] or "_"
        candidate, number = safe, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{safe}-{number}"
        taken.add(candidate.lower())
        chosen.append(candidate)
    return chosen
