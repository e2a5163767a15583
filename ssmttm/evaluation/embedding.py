"""A table of embeddings from encoded clips."""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import soundfile

from ssmttm.evaluation.embedder import Embedder
from ssmttm.evaluation.embedding_cache import Cached
from ssmttm.progress import Progress
from ssmttm.rows import EmbeddingRow, GeneratedRow, Numbers
from ssmttm.tables import table_writer

_TOGETHER = 32


def write_embeddings(rows: Iterable[GeneratedRow], count: int, model: Embedder, cache: Path, out: Path) -> None:
    """Write to `out` what `model` says of `count` clips; embeddings are kept in `cache`, by audio and weights.

    Raises UserError for a clip that can't be embedded, by its id.
    """
    progress, waiting = Progress(f"embed {model.name}", count, "clips"), iter(rows)
    with table_writer(out, "embeddings", _TOGETHER) as write:
        while batch := list(islice(waiting, _TOGETHER)):
            for row in _embedded(batch, model, cache):
                write(row)
                progress.advance()


def _embedded(batch: list[GeneratedRow], model: Embedder, cache: Path) -> Iterator[EmbeddingRow]:
    files = [row["audio"]["bytes"] for row in batch]
    embeddings = Cached(model, cache).analyze_many(files, [row["clip_id"] for row in batch])
    texts: list[Numbers] = [[]] * len(batch)
    if hasattr(model, "embed_texts") and all(row["caption"] for row in batch):
        texts = list(model.embed_texts([row["caption"] for row in batch]))
    for row, file, embedding, text in zip(batch, files, embeddings, texts, strict=True):
        info = soundfile.info(io.BytesIO(file))
        yield {
            "clip_id": row["clip_id"],
            "caption": row["caption"],
            "windows": len(embedding.windows),
            "dim": model.dim,
            "embedding": embedding.windows.ravel(),
            "posterior": embedding.posterior,
            "activation": model.activation,
            "text": text,
            "backend": model.identity,
            "duration_s": info.duration,
            "sample_rate": info.samplerate,
            "channels": info.channels,
        }
