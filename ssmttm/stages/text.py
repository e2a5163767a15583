"""Stage `text`: encode the captions of one shard with the frozen text encoder."""

from pathlib import Path

import numpy as np

from ssmttm.contracts.checks import assure
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.rows import TextRow
from ssmttm.settings import StageSpec
from ssmttm.tables import read_mapping, write_table
from ssmttm.text.base import load_encoder


def run(spec: StageSpec, captions: Path, out: Path, threads: int | None, device: str = "auto") -> None:
    """Write the token embeddings of the table `captions`; a large encoder computes on `device`."""
    assure("text_encoders", spec["text"]["encoder"], spec["text"])
    encoder = load_encoder(spec["text"])
    texts = read_mapping(captions, "captions", "clip_id", "caption")
    for clip, text in texts.items():
        if not (text or "").strip():
            raise UserError(f"{captions}: clip {clip} has an empty caption; write the captions again")
    with claim_device(device if encoder.takes_gpu else "cpu", threads) as place:
        encoder.to(place)
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
