"""Where candidate tracks come from: one file per source, and the file's name is the source's key.

The contract of a source module `ssmttm.corpus.sources.NAME`:

``list_tracks(settings, context) -> Iterable[dict]``
    Every candidate as one row of the `index` table (`ssmttm.tables.SCHEMAS`), usable or not:
    what can't be used carries a `problem` out of `REASONS`. `settings` is `data.sources.NAME` of
    the config. `track_id` is "NAME:key" and stays the same from run to run; `url` is all that
    `fetch` needs; `license_evidence` is what the source states, unjudged.

``fetch(settings, track, context) -> Path``
    A complete, verified local file of one row of the `licensed` table, for reading only. Raises
    `Unavailable` when this one track can't be had, and UserError when nothing can (no network, no
    such package). May be called from several threads at once, for different tracks.

``forget(settings, track, context)`` (optional)
    Removes what `fetch` stored of a track. Called after the track was taken over, if downloads
    are not to be kept.

All raise UserError with a remedy for bad settings and never leave a partial file that counts.
A new source is a new file here, a block in `data.sources` of config.yaml and its schema.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ssmttm.errors import UserError


class Unavailable(Exception):
    """One track could not be fetched; the message says why, `reason` is a key of `REASONS`."""

    def __init__(self, message: str, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


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


def load_source(name: str) -> ModuleType:
    """The source module called `name`; raises UserError naming those that exist."""
    known = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    if name not in known:
        raise UserError(f"data.sources: no source {name!r}; there are {', '.join(known)}")
    return importlib.import_module(f"{__name__}.{name}")
