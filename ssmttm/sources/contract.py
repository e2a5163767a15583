"""What a source of candidate tracks is, and how one is found by name.

The contract of a source: the module `ssmttm.sources.NAME`, or `ssmttm.sources.NAME.source` where it takes more files:

``list_tracks(settings, context) -> Iterable[IndexRow]``
    Every candidate as one row of the `index` table, usable or not:
    what can't be used carries a `problem` out of `REASONS`. `settings` is `data.sources.NAME` of
    the config. `track_id` is "NAME:key" and stays the same from run to run; `url` is all that
    `fetch` needs; `license_evidence` is what the source states, unjudged.

``fetch(settings, track, context) -> Path``
    A complete, verified local file of one row of the `licensed` table, for reading only. Raises
    `ssmttm.fetch.failures.Unavailable` when this one track can't be had, and UserError when nothing
    can (no network, no such package). May be called from several threads at once, for different tracks.

``forget(settings, track, context)`` (optional)
    Removes what `fetch` stored of a track. Called after the track was taken over, if downloads
    are not to be kept.

All raise UserError with a remedy for bad settings and never leave a partial file that counts.
A new source is a new file or folder beside this one, a block in `data.sources` of config.yaml and its schema. One of
another package (`ssmttm.plugins`) may say what its block looks like by `SCHEMA`, a JSON schema as a literal.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ssmttm import plugins
from ssmttm.licenses.policy import Evidence
from ssmttm.rows import IndexRecord


def _silent(done: int, total: int, note: str) -> None:
    pass


@dataclass(frozen=True)
class Context:
    """What all sources share: sections of the config, the folder for downloads, and progress."""

    clips: Mapping[str, Any]
    """`data.clips`: what is too short or too long."""
    fetch: Mapping[str, Any]
    """`data.fetch`: connections per host, attempts, time-out in seconds, whether downloads are kept."""
    cache: Path
    progress: Callable[[int, int, str], None] = _silent
    """Takes (done, total, note)."""


@dataclass(kw_only=True)
class IndexRow:
    """One candidate track; its fields are the columns of the `index` table (`ssmttm.tables.SCHEMAS`)."""

    track_id: str
    source: str
    url: str
    homepage: str | None = None
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration_s: float | None = None
    tags: list[str] = field(default_factory=list)
    license_evidence: list[Evidence] = field(default_factory=list)
    sha256: str | None = None
    problem: str | None = None
    problem_detail: str | None = None

    def record(self) -> IndexRecord:
        """The row as the table takes it."""
        return cast(IndexRecord, {**vars(self), "license_evidence": [one._asdict() for one in self.license_evidence]})


def web_page(address: str) -> str | None:
    """An address as a `homepage`; None unless it is one of the web."""
    return address if address.startswith(("http://", "https://")) else None


def load_source(name: str) -> ModuleType:
    """The source called `name`; raises UserError naming those that exist."""
    module = plugins.load("ssmttm.sources", name, "source", "data.sources")
    return module if hasattr(module, "list_tracks") else importlib.import_module(f"{module.__name__}.source")
