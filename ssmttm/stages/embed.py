"""Stage `embed`: audio embeddings and tag posteriors of a system's clips."""

from pathlib import Path
from typing import Any

from ssmttm.audio import decode_audio
from ssmttm.metrics.embedders.base import load_embedder
from ssmttm.progress import Progress
from ssmttm.stages._threads import set_threads
from ssmttm.tables import read_table, write_table


def run(spec: dict[str, Any], generated: Path, out: Path, threads: int | None) -> None:
    """Write the embeddings of the audio in the table `generated`."""
    set_threads(threads)
    embedder = load_embedder(spec["embedder"])
    table = read_table(generated, "generated", ["clip_id", "caption", "audio"])
    progress = Progress("embed", len(table), "clips")
    rows = []
    for batch in table.to_batches(max_chunksize=32):
        for clip in batch.to_pylist():
            embedding = embedder.analyze(*decode_audio(clip["audio"]["bytes"]))
            rows.append(
                {
                    "clip_id": clip["clip_id"],
                    "caption": clip["caption"],
                    "windows": len(embedding.windows),
                    "dim": embedder.dim,
                    "embedding": embedding.windows.ravel(),
                    "posterior": embedding.posterior,
                    "backend": embedder.identity,
                }
            )
            progress.advance()
    write_table(out, "embeddings", rows)
