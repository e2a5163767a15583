"""MTG-Jamendo's SHA-256 lists: `<64 hex digits> 00/1009600.low.mp3` a line, of tracks or of tar archives."""

import re
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.tabular import read_lines
from ssmttm.wording import quoted

_LINE = re.compile(r"([0-9a-fA-F]{64})[ \t]+\*?(\S.*?)[ \t]*")


def read_checksums(path: Path) -> dict[str, str]:
    """Lower-case hex SHA-256 by path; raises UserError with file and row on anything else than such lines."""
    found: dict[str, str] = {}
    for line in read_lines(path, 4096):
        if not line.text.strip():
            continue
        match = _LINE.fullmatch(line.text)
        if match is None or line.cut:
            raise UserError(
                f"{path}, row {line.number}: {quoted(line.text)} is not `<64 hex digits> <path>`; "
                "is this the list of SHA-256 checksums?"
            )
        name, digest = match[2].removeprefix("./"), match[1].lower()
        if found.setdefault(name, digest) != digest:
            raise UserError(f"{path}, row {line.number}: a second, different checksum of {quoted(name)}; remove one")
    return found
