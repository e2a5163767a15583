"""Which real music may be passed on as clips, in exports, reports and listening tests, and whose it is."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ssmttm.licenses.elements import is_noncommercial, may_be_passed_on
from ssmttm.tables import read_table

_COLUMNS = ["track_id", "license", "attribution"]

REAL = ("originals", "codec")
"""Baselines that sound a real clip under its own id."""


class RealMusic:
    """The tracks behind the clips of a data set."""

    def __init__(self, licensed: Path | None) -> None:
        """`licensed` is the data set's licensed.parquet; None where nothing is passed on, whatever its license allows.

        Raises UserError if it can't be read.
        """
        rows = read_table(licensed, "licensed", _COLUMNS).to_pylist() if licensed else []
        self._tracks = {track["track_id"]: track for track in rows}

    def track(self, clip_id: str) -> Mapping[str, Any] | None:
        """The track of a clip as a row of the `licensed` table; None if the data set doesn't have it."""
        return self._tracks.get(clip_id.rpartition("@")[0])

    def may_be_passed_on(self, clip_id: str) -> bool:
        """Whether others may have a clip. One of a track that isn't in the data set has no license here: no."""
        track = self.track(clip_id)
        return track is not None and may_be_passed_on(track["license"])

    def credit(self, clip_id: str) -> str:
        """One line ready to print for a clip that may be passed on."""
        track = self._tracks[clip_id.rpartition("@")[0]]
        note = "; not for commercial use" if is_noncommercial(track["license"]) else ""
        return f"{track['attribution']}{note}"

    def credits(self, clip_ids: Iterable[str]) -> list[str]:
        """The lines for these clips, each track once, sorted."""
        return sorted({self.credit(clip_id) for clip_id in clip_ids})
