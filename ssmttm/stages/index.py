"""Stage `index`: list candidate tracks of all configured sources."""

from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.settings import StageSpec
from ssmttm.sources.contract import Context, IndexRow, load_source
from ssmttm.tables import write_table


def run(spec: StageSpec, cache: Path, out: Path) -> None:
    """Write index.parquet; `spec` has `sources`, `clips` and `fetch`."""
    rows: dict[str, IndexRow] = {}
    for name, settings in spec["sources"].items():
        progress = Progress(f"index {name}", 1, "parts", log_every=0.0)

        def update(done: int, total: int, note: str, progress: Progress = progress) -> None:
            progress.total = total
            progress.update(done, note)

        for row in load_source(name).list_tracks(settings, Context(spec["clips"], spec["fetch"], cache, update)):
            if row.source != name or not row.track_id.startswith(f"{name}:"):
                raise UserError(
                    f"data.sources.{name}: it lists a track {row.track_id!r} of source {row.source!r}; ids should be "
                    f"{name}:KEY, and the source {name}: ssmttm plugin test sources:{name}"
                )
            if row.track_id in rows:
                raise UserError(
                    f"data.sources.{name}: two tracks have the same id {row['track_id']}; is a part of it listed twice?"
                )
            rows[row.track_id] = row
    if not rows:
        raise UserError(f"data.sources: {', '.join(spec['sources'])} listed no track at all; check their settings")
    write_table(out, "index", (rows[track_id].record() for track_id in sorted(rows)))
