"""Stage `embed`: embeddings and class posteriors of a system's clips, or of the clips that models train on."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import soundfile

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Embedder, load_embedder
from ssmttm.evaluation.embedding_cache import Cached
from ssmttm.evaluation.systems.training import training_order
from ssmttm.progress import Progress
from ssmttm.tables import iter_rows, read_table, table_writer
from ssmttm.threads import set_threads

_TOGETHER = 32

Row = dict[str, Any]


def run(
    spec: dict[str, Any],
    embedder: str,
    generated: Path | None,
    clips: list[Path],
    splits: Path | None,
    out: Path,
    cache: Path,
    threads: int | None,
) -> None:
    """Write the embeddings of the table `generated`, or of training clips from the tables `clips`.

    Of the latter at most `evaluation.training_clips`, by hash, those of the baseline `training` first.
    Embeddings are kept in `cache`, by audio and weights. Raises UserError for a clip that can't be
    embedded, by its id.
    """
    if (generated is None) == (splits is None or not clips):
        raise UserError("give either --generated, or --clips with --splits")
    set_threads(threads)
    if generated is not None:
        count, rows = read_table(generated, "generated", ["clip_id"]).num_rows, iter_rows(generated, "generated")
    else:
        assert splits is not None
        wanted = set(training_order(splits, clips, spec["seed"])[: spec["training_clips"]])
        count, rows = len(wanted), _of_training(clips, wanted)
    model = load_embedder(embedder, spec["models"])
    progress = Progress(f"embed {embedder}", count, "clips")
    with table_writer(out, "embeddings", _TOGETHER) as write:
        for batch in _batches(rows):
            for row in _embedded(batch, model, cache):
                write(row)
                progress.advance()


def _of_training(clips: list[Path], wanted: set[str]) -> Iterator[Row]:
    for path in clips:
        for row in iter_rows(path, "clips"):
            if row["clip_id"] in wanted:
                yield {"clip_id": row["clip_id"], "caption": "", "audio": row["audio"]}


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _embedded(batch: list[Row], model: Embedder, cache: Path) -> Iterator[Row]:
    files, names = [row["audio"]["bytes"] for row in batch], [row["clip_id"] for row in batch]
    found = Cached(model, cache).analyze_many(files, names)
    texts: list[Any] = [[]] * len(batch)
    if hasattr(model, "embed_texts") and all(row["caption"] for row in batch):
        texts = list(model.embed_texts([row["caption"] for row in batch]))
    for row, embedding, text in zip(batch, found, texts, strict=True):
        info = soundfile.info(io.BytesIO(row["audio"]["bytes"]))
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
