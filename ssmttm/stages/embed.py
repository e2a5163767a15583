"""Stage `embed`: embeddings and class posteriors of a system's clips, or of the clips that models train on."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import soundfile

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Embedder, load_embedder
from ssmttm.evaluation.embedding_cache import Cached
from ssmttm.evaluation.systems.training import training_order
from ssmttm.progress import Progress
from ssmttm.rows import EmbeddingRow, GeneratedRow, Numbers
from ssmttm.settings import StageSpec
from ssmttm.tables import count_rows, iter_clips, iter_rows, table_writer
from ssmttm.threads import set_threads

_TOGETHER = 32


def run(
    spec: StageSpec,
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
        count, rows = count_rows(generated, "generated"), iter_rows(generated, "generated")
    else:
        assert splits is not None
        wanted = set(training_order(splits, clips, spec["seed"])[: spec["training_clips"]])
        count, rows = len(wanted), ({**clip, "caption": ""} for clip in iter_clips(clips, wanted))
    model = load_embedder(embedder, spec["models"])
    progress = Progress(f"embed {embedder}", count, "clips")
    with table_writer(out, "embeddings", _TOGETHER) as write:
        while batch := list(islice(rows, _TOGETHER)):
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
