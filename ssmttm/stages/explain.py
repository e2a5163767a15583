"""Command `license explain`: what license statements are understood as, and what the policy says of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.errors import UserError
from ssmttm.licenses.explanation import explain, render, render_trace
from ssmttm.licenses.policy import make_policy
from ssmttm.settings import StageSpec
from ssmttm.tables import REASONS, read_table
from ssmttm.wording import one_line, valid_unicode


def run(
    spec: StageSpec,
    texts: Iterable[str],
    lines: Iterable[bytes] | None = None,
    index: Path | None = None,
    track: str | None = None,
    as_json: bool = False,
) -> Iterator[str]:
    """What to print, piece by piece; `spec` has `license`.

    Either `texts` and the lines of a UTF-8 stream (`lines`; empty ones are skipped), or one track of
    an index. Raises UserError if there is nothing to explain, or no such track.
    """
    policy = make_policy(spec["license"])
    if (index is None) != (track is None):
        raise UserError("--index and --track go together: the table, and the id of one of its tracks")
    if index is not None and track is not None:
        table = read_table(index, "index")
        tracks = table.filter(pc.equal(table["track_id"], pa.scalar(track, pa.string()))).to_pylist()
        if not tracks:
            raise UserError(f"{index}: no track {one_line(track)!r}; ids look like source:key, see its column track_id")
        yield render_trace(tracks[0], policy, REASONS, as_json)
        return
    given = [valid_unicode(text) for text in texts]
    if not given and lines is None:
        raise UserError("nothing to explain: give texts, or one a line on standard input, or --index with --track")
    for explained in explain(_all(given, lines), policy):
        yield render(explained, as_json)


def _all(texts: list[str], lines: Iterable[bytes] | None) -> Iterator[str]:
    yield from texts
    for number, line in enumerate(lines or ()):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if number == 0:
            text = text.removeprefix("\ufeff")
        if text.strip():
            yield text
