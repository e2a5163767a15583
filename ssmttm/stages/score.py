"""Score one system's clips by every metric of the study that its embedder can serve."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ssmttm import plugins
from ssmttm.choices import metrics_of
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import unlike
from ssmttm.evaluation.clipset import ClipSet, Settings, check_comparable, read_clipset
from ssmttm.files import write_json
from ssmttm.progress import Progress
from ssmttm.released import check_released
from ssmttm.settings import StageSpec
from ssmttm.statistics.bootstrap import NO_INTERVAL

_ARRAYS = ("replicates", "per_clip")


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

    `low` and `high` are null for a metric that has no interval, whose `INTERVAL` is None.
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
        scores[metric] = _score(metric, scored, sets, settings)
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
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or name not in ("originals", "codec", "training"):
            raise UserError(f"--reference {text}: expected originals=FILE, codec=FILE or training=FILE")
        found[name] = Path(path)
    missing = [name for name in ("originals", "codec") if name not in found]
    if missing:
        raise UserError(f"--reference {missing[0]}=FILE is missing")
    return found


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """The entry with its arrays, and those of the numbers beside it, as lists."""
    plain = {key: np.asarray(value).tolist() if key in _ARRAYS else value for key, value in found.items()}
    return plain | {"also": [_plain(part) for part in found["also"]]} if "also" in found else plain


def _interval(how: str | None, settings: Settings) -> str:
    return NO_INTERVAL if how is None else f"{how}; {settings.bootstrap} resamples, seed {settings.seed}"


def _backend(metric: ModuleType, embedder: str) -> str:
    """What makes a metric's numbers: the embedder alone, unless the metric's own `backend` says otherwise."""
    return metric.backend(embedder) if hasattr(metric, "backend") else embedder


def _score(metric: str, scored: ClipSet, sets: dict[str, ClipSet], settings: Settings) -> dict[str, Any]:
    module = plugins.load("ssmttm.evaluation.metrics", metric, "metric", "evaluation.metrics")
    entries = []
    for name in getattr(module, "REFERENCES", ("originals", "codec")):
        if name not in sets:
            raise UserError(f"{metric} needs --reference {name}=FILE; see `ssmttm embed --help`")
        reference = sets[name]
        check_comparable(scored, reference, paired=name != "training")
        found = module.evaluate(scored, reference, settings)
        found["warnings"] = [*found["warnings"], *unlike(scored, reference)]
        if name == "training" and len(reference.clip_ids) == settings.training_clips:
            found["warnings"].append(
                f"compared with {settings.training_clips} training clips, the most that evaluation.training_clips "
                "allows: copies of others aren't seen"
            )
        entries.append(
            {
                "reference": name,
                **_plain(found),
                "confidence": settings.confidence,
                "n": len(scored.clip_ids),
                "windows": scored.window_count,
            }
        )
    told = [entry.pop("definition", module.DEFINITION) for entry in entries]
    return {
        "better": module.BETTER,
        "definition": told[0],
        "interval": _interval(module.INTERVAL, settings),
        "backend": _backend(module, scored.backend),
        "entries": entries,
    }
