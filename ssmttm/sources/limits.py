"""Which tracks are too short or too long to be cut into clips."""

from collections.abc import Mapping
from typing import Any


def length_problem(seconds: float, clips: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """(rejection reason, detail) of a track of that length, or (None, None); `clips` is `data.clips`."""
    if seconds < clips["seconds"]:
        return "too_short", f"{seconds:.2f} s, a clip is {clips['seconds']:g} s"
    if seconds > clips["max_track_seconds"]:
        return "too_long", f"{seconds:.0f} s, the bound is {clips['max_track_seconds']:g} s"
    return None, None
