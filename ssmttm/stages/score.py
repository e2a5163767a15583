"""Score one system's clips by every metric of the study that its embedder can serve."""

from pathlib import Path

from ssmttm.contracts.checks import assure
from ssmttm.errors import UserError
from ssmttm.evaluation.scoring import read_references, write_scores
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
    assure("metrics", spec["metrics"])
    if data is not None:
        check_released(data, ("splits.parquet", "codec.safetensors", "captions"))
    write_scores(spec, embedder, system, embeddings, read_references(references), out)


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
