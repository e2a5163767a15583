"""Score one system's clips by every metric of the study that its embedder can serve."""

from pathlib import Path

from ssmttm.choices import metrics_of
from ssmttm.errors import UserError
from ssmttm.evaluation.clipset import Settings, read_clipset
from ssmttm.evaluation.scoring import score
from ssmttm.files import write_json
from ssmttm.progress import Progress
from ssmttm.released import check_released
from ssmttm.settings import StageSpec


def run(
    spec: StageSpec,
    embedder: str,
    system: str,
    embeddings: Path,
    references: dict[str, Path],
    out: Path,
    data: Path | None = None,
) -> None:
    """Write value, interval, n, direction, backend and warnings for each metric and reference to `out`.

    `references` are the embeddings of `originals`, `codec` and, where a metric asks for it, `training`.
    Raises UserError first if captions, splits or codec of the data set in `data` aren't those that were released.
    """
    if data is not None:
        check_released(data, ("splits.parquet", "codec.safetensors", "captions"))
    settings = Settings(spec["bootstrap"], spec["confidence"], spec["seed"], spec["training_clips"])
    scored = read_clipset(embeddings, system)
    # Training clips are many, and compared clip by clip.
    sets = {name: read_clipset(path, name, means=name == "training") for name, path in references.items()}
    metrics = metrics_of(spec["metrics"], embedder)
    progress = Progress(f"score {system}", len(metrics), "metrics")
    scores = {}
    for metric in metrics:
        scores[metric] = score(metric, scored, sets, settings)
        progress.advance()
    write_json(
        out,
        {
            "system": system,
            "embedder": embedder,
            "n": len(scored.clip_ids),
            "clip_ids": scored.clip_ids,
            "clip_s": scored.usual.seconds,
            "sample_rate": scored.usual.sample_rate,
            "channels": scored.usual.channels,
            "metrics": scores,
        },
    )


def named_files(texts: list[str]) -> dict[str, Path]:
    """{name: file} of texts NAME=FILE; UserError unless originals and codec are among them, and nothing is unknown."""
    files = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or name not in ("originals", "codec", "training"):
            raise UserError(f"--reference {text}: expected originals=FILE, codec=FILE or training=FILE")
        files[name] = Path(path)
    missing = [name for name in ("originals", "codec") if name not in files]
    if missing:
        raise UserError(f"--reference {missing[0]}=FILE is missing")
    return files
