"""Stage `text`: encode the captions of one shard with the frozen text encoder."""

from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.errors import UserError
from ssmttm.tables import read_table, write_table
from ssmttm.text.base import load_encoder
from ssmttm.threads import set_threads


def run(spec: dict[str, Any], captions: Path, out: Path, threads: int | None) -> None:
    """Write the token embeddings of the table `captions`."""
    set_threads(threads)
    encoder = load_encoder(spec["text"])
    rows = read_table(captions, "captions", ["clip_id", "caption"]).to_pylist()
    for row in rows:
        if not (row["caption"] or "").strip():
            raise UserError(f"{captions}: clip {row['clip_id']} has an empty caption; write the captions again")
    embeddings = encoder.encode([row["caption"] for row in rows], spec["text"]["max_tokens"])
    write_table(
        out,
        "text",
        [
            {
                "clip_id": row["clip_id"],
                "length": len(embedding),
                "width": encoder.width,
                "embedding": embedding.astype(np.float16).ravel(),
                "encoder": encoder.identity,
            }
            for row, embedding in zip(rows, embeddings)
        ],
    )
