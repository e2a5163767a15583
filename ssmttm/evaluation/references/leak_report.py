"""The message to a user whose references turn out to be in the data set, with tables of which ones."""

from collections.abc import Sequence
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.evaluation.references.leaks import Leak
from ssmttm.evaluation.references.prompt_sets import KEY
from ssmttm.files import sha256_bytes, write_text
from ssmttm.tabular import csv_text

_LISTED = 50
_HOLD_OUT = {
    "debian": "leave their packages or files out of data.sources.debian",
    "local": "take their rows out of the tables of data.sources.local",
}


def refuse_leaks(leaks: Sequence[Leak], ids: Sequence[str], captions: str, source: str | None, folder: Path) -> None:
    """UserError with the ids of `leaks`, if there are any.

    All of them are written into `folder`, in a table for `exclude` for each source of the data set, and the
    others of the set's `ids` into one for `only`. Their names end in a hash of what they hold: a config may name
    them, so that no later refusal may change them.

    Args:
        leaks: the references that are in the data set.
        ids: clip ids of the whole set.
        captions: its file.
        source: whose tracks that file names, if those are the ones that leaked: it can be held out as a whole.
        folder: an existing one.
    """
    if not leaks:
        return
    by_source: dict[str, list[Leak]] = {}
    for leak in leaks:
        by_source.setdefault(leak.track_id.partition(":")[0], []).append(leak)
    remedies = []
    for name, own in sorted(by_source.items()):
        path = _write(folder, f"leaks.{name}", Leak._fields, own)
        put = captions if name == source else path
        remedies.append(
            f"  {_HOLD_OUT.get(name) or f'put {put} into data.sources.{name}.exclude'} ({path} has them all)"
        )
    gone = {leak.clip_id for leak in leaks}
    remaining = [i for i in ids if i not in gone]
    restrict = "take another set"
    if remaining:
        path = _write(folder, "without_leaks", ("clip_id",), [(i,) for i in remaining])
        restrict = f"restrict the references to the other {len(remaining)}: {KEY}.only: {path}"
    lines = [f"  {leak.clip_id} is {leak.track_id} ({leak.how})" for leak in leaks[:_LISTED]]
    if len(leaks) > _LISTED:
        lines.append(f"  and {len(leaks) - _LISTED} more")
    raise UserError(
        "\n".join(
            [
                f"{KEY}: {len(leaks)} of the references of {captions} are in the training or validation split, so "
                "scores on them would not be held out:",
                *lines,
                "Hold those tracks out, and build the data set under a new data.version:",
                *remedies,
                f"or {restrict}",
            ]
        )
    )


def _write(folder: Path, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    text = csv_text(columns, rows)
    path = folder / f"{name}.{sha256_bytes(text.encode())[:8]}.csv"
    write_text(path, text)
    return path
