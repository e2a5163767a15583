"""Numbers of published metric packages beside ours, as the stage `packages` leaves them in a study's folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.numbers import REFERENCE_NAMES, metric_name, minus, score_text
from ssmttm.report.cells import Row, Table, number, system_name, text

FOLDER = "packages"


@dataclass(frozen=True)
class Package:
    """What the page says of one package."""

    name: str
    version: str
    torch: str
    python: str
    weights: list[str]
    """Embedder with the hash of its weights."""
    remarks: list[tuple[str, str]]
    """By embedder: what differs between its way and ours."""
    table: Table


def packages(folder: Path) -> list[Package]:
    """The packages whose files lie in the folder of a study, by name; none where it names none."""
    return [_package(path) for path in sorted((folder / FOLDER).glob("*.json"))]


def _package(path: Path) -> Package:
    content = read_json(path)
    try:
        backends = content["backends"]
        return Package(
            content["package"],
            content["version"],
            content["torch"],
            content["python"],
            [f"{backend['identity']} (SHA-256 {backend['sha256']})" for backend in backends.values()],
            [(embedder, backend["remark"]) for embedder, backend in backends.items()],
            Table([_row(entry) for entry in content["numbers"]], f"{FOLDER}-{path.stem}", f"{FOLDER}/{path.name}"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: no numbers of a package ({error}); make it again: snakemake {path}") from error


def _row(entry: dict[str, Any]) -> Row:
    form = partial(score_text, entry["metric"])
    share = f"{100 * entry['difference'] / entry['ours']:+.2g} %" if entry["ours"] else ""
    return {
        "System": text(system_name(entry["system"])),
        "Score": text(metric_name(entry["metric"]), entry["embedder"]),
        "Against": text(REFERENCE_NAMES.get(entry["reference"], entry["reference"])),
        "The package’s": number(entry["theirs"], form),
        "Ours": number(entry["ours"], form),
        "Difference": number(entry["difference"], lambda v: minus(f"{v:+.2g}"), minus(share)),
        "Clips": number(entry["n"], "{:,.0f}".format),
    }
