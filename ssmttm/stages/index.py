"""Stage `index`: list candidate tracks of all configured sources."""

from pathlib import Path
from typing import Any

from ssmttm.corpus.sources import load_source
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.tables import write_table


def run(spec: dict[str, Any], cache: Path, out: Path) -> None:
    """Write index.parquet; `spec` has `sources` and `clips`."""
    rows: list[dict[str, Any]] = []
    for name, settings in spec["sources"].items():
        progress = Progress(f"index {name}", 1, "parts", log_every=0.0)

        def show(done: int, total: int, note: str, progress: Progress = progress) -> None:
            progress.total = total
            progress.update(done, note)

        rows += load_source(name).list_tracks(settings, spec["clips"], cache, show)
    seen: set[str] = set()
    for row in rows:
        if row["track_id"] in seen:
            raise UserError(f"two tracks of the sources have the same id {row['track_id']}; is a package listed twice?")
        seen.add(row["track_id"])
    write_table(out, "index", sorted(rows, key=lambda row: row["track_id"]))
