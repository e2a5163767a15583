"""Stage `text`: encode the captions of one shard with the frozen text encoder."""

from pathlib import Path

import numpy as np

from ssmttm.contracts.checks import assure
from ssmttm.errors import UserError
from ssmttm.rows import TextRow
from ssmttm.settings import StageSpec
from ssmttm.tables import read_mapping, write_table
from ssmttm.text.base import load_encoder
from ssmttm.threads import set_threads


def run(spec: StageSpec, captions: Path, out: Path, threads: int | None) -> None:
    """Write the token embeddings of the table `captions`."""
    set_threads(threads)
    assure("text_encoders", spec["text"]["encoder"], spec["text"])
    encoder = load_encoder(spec["text"])
    texts = read_mapping(captions, "captions", "clip_id", "caption")
    for clip, text in texts.items():
        if not (text or "").strip():
            raise UserError(f"{captions}: clip {clip} has an empty caption; write the captions again")
    embeddings = encoder.encode(list(texts.values()), spec["text"]["max_tokens"])
    rows: list[TextRow] = [
        {
            "clip_id": clip,
            "length": len(embedding),
            "width": encoder.width,
            "embedding": embedding.astype(np.float16).ravel(),
            "encoder": encoder.identity,
        }
        for clip, embedding in zip(texts, embeddings, strict=True)
    ]
    write_table(out, "text", rows)
