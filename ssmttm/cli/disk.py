"""What is said when a disk is full, whichever library met it."""

import errno
import os
import re
from collections.abc import Iterator, Mapping

_FULL = frozenset([errno.ENOSPC, errno.EDQUOT])
_SAID = re.compile(r"No space left on device|Disk quota exceeded|os error (28|122)\b", re.IGNORECASE)
"""As libraries say it that raise errors of their own."""


def full_disk(error: BaseException, environment: Mapping[str, str] = os.environ) -> str | None:
    """What to say if `error` is of a full disk or a used-up quota, or was caused by one; else None."""
    for cause in _causes(error):
        if (isinstance(cause, OSError) and cause.errno in _FULL) or _SAID.search(str(cause)):
            where = getattr(cause, "filename", None) or "the disk written to (--out, or TMPDIR)"
            job = f", job {environment['SLURM_JOB_ID']} of SLURM" if "SLURM_JOB_ID" in environment else ""
            return (
                f"{where}: no space left ({str(cause).splitlines()[0]}{job}); make room, or let results/ or TMPDIR lie "
                "on another disk, and start again: what was finished stays, and nothing half-written does"
            )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
