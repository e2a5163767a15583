"""Score one system's clips by every metric of the study that its embedder can serve."""

from pathlib import Path
from typing import TypedDict

import numpy as np

from ssmttm.choices import metrics_of
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import differing_audio
from ssmttm.evaluation.clipset import ClipSet, check_comparable, read_clipset
from ssmttm.evaluation.metric import Score, Settings, evaluate, load_metric
from ssmttm.files import write_json
from ssmttm.progress import Progress
from ssmttm.released import check_released
from ssmttm.statistics.bootstrap import NO_INTERVAL


class Spec(TypedDict):
    """What scores depend on, of the config's `evaluation`."""

    metrics: list[str]
    bootstrap: int
    confidence: float
    seed: int
    training_clips: int


def run(
    spec: Spec,
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


def _score(metric: str, scored: ClipSet, sets: dict[str, ClipSet], settings: Settings) -> dict[str, object]:
    module = load_metric(metric)
    entries, definition = [], module.DEFINITION
    for name in getattr(module, "REFERENCES", ("originals", "codec")):
        if name not in sets:
            raise UserError(f"{metric} needs --reference {name}=FILE; see `ssmttm embed --help`")
        reference = sets[name]
        check_comparable(scored, reference, paired=name != "training")
        score = evaluate(metric, scored, reference, settings)
        score["warnings"] += differing_audio(scored, reference)
        if name == "training" and len(reference.clip_ids) == settings.training_clips:
            score["warnings"].append(
                f"compared with {settings.training_clips} training clips, the most that evaluation.training_clips "
                "allows: copies of others aren't seen"
            )
        definition = score.pop("definition", definition)
        common = {"confidence": settings.confidence, "n": len(scored.clip_ids), "windows": scored.window_count}
        entries.append({"reference": name, **_plain(score), **common})
    how = f"{module.INTERVAL}; {settings.bootstrap} resamples, seed {settings.seed}"
    return {
        "better": module.BETTER,
        "definition": definition,
        "interval": NO_INTERVAL if module.INTERVAL is None else how,
        "backend": module.backend(scored.backend) if hasattr(module, "backend") else scored.backend,
        "entries": entries,
    }


def _plain(score: Score) -> dict[str, object]:
    """The score with its arrays, and those of the numbers beside it, as lists."""
    plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in score.items()}
    return plain | ({"also": [_plain(other) for other in score["also"]]} if "also" in score else {})
