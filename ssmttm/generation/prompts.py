"""Prompts that users write: one on the command line, or many in a file."""

import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.errors import UserError
from ssmttm.seeds import stable_int

MAX_PROMPT = 2000
"""Characters; longer prompts are refused rather than silently cut to the encoder's window."""

_MAX_FILE_NAME = 80
_HASHED = re.compile("-[0-9a-f]{8}$")
"""How the name of a file ends that is not simply the prompt's: no other may."""

_IDS = ("clip_id", "name")
_READABLE = (".txt", ".csv", ".parquet")


@dataclass(frozen=True)
class Prompt:
    """A caption and what it is called; the name decides the seed, so that order doesn't matter."""

    name: str
    caption: str

    def seed(self, seed: int) -> int:
        """Of its audio, where `seed` is that of the whole."""
        return stable_int("generate", seed, self.name)


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


def file_name(name: str) -> str:
    """The file name without suffix for `name`: safe in any folder, and of this name alone.

    Short lower-case names of letters, digits, `_`, `.` and `-` stay as they are. Others get 8 hex digits of
    their SHA-256, so that no two are alike, nor the same where upper and lower case are one.
    """
    safe = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII).strip("._")[:_MAX_FILE_NAME]
    if safe == name and safe == safe.lower() and safe and not _HASHED.search(safe):
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe or '_'}-{digest}"
