"""Where candidate tracks come from: one file per source, and the file's name is the source's key.

The contract of a source module `ssmttm.corpus.sources.NAME`:

``list_tracks(settings, limits, cache, progress) -> list[dict]``
    Every candidate as one row of the `index` table (`ssmttm.tables.SCHEMAS`), usable or not:
    what can't be used carries a `problem` out of `REASONS`. `settings` is `data.sources.NAME` of
    the config, `limits` is `data.clips`, `cache` a folder for downloads, `progress` a callable
    that takes (done, total, note). `track_id` is "NAME:key" and stays the same from run to run;
    `url` is all that `fetch` needs; `license_evidence` is what the source states, unjudged.

``fetch(settings, track, cache) -> bytes``
    The encoded file of one row of the `licensed` table. Raises `Unavailable` when this one track
    can't be had, and UserError when nothing can (no network, no such package).

Both raise UserError with a remedy for bad settings and never leave a partial file that counts.
A new source is a new file here, a block in `data.sources` of config.yaml and its schema.
"""

import importlib
from pathlib import Path
from types import ModuleType

from ssmttm.errors import UserError


class Unavailable(Exception):
    """One track could not be fetched; the message says why."""


def load_source(name: str) -> ModuleType:
    """The source module called `name`; raises UserError naming those that exist."""
    known = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))
    if name not in known:
        raise UserError(f"data.sources: no source {name!r}; there are {', '.join(known)}")
    return importlib.import_module(f"{__name__}.{name}")
