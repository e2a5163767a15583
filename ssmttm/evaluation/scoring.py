"""One system's scores: by every metric and reference, with interval, and what made the numbers."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ssmttm.choices import metrics_of
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import differing_audio
from ssmttm.evaluation.clipset import ClipSet, check_comparable, read_clipset
from ssmttm.evaluation.metric import Score, Settings, evaluate, load_metric
from ssmttm.files import write_json
from ssmttm.progress import Progress
from ssmttm.settings import StageSpec
from ssmttm.statistics.bootstrap import NO_INTERVAL


def read_references(files: Mapping[str, Path]) -> dict[str, ClipSet]:
    """What systems are scored against, by name; of training clips the means alone, for these are compared as wholes."""
    return {name: read_clipset(path, name, means=name == "training") for name, path in files.items()}


def write_scores(
    spec: StageSpec, embedder: str, system: str, embeddings: Path, sets: Mapping[str, ClipSet], out: Path
) -> None:
    """Write value, interval, n, direction, backend and warnings for each metric and reference to `out`.

    Of the metrics of `spec`, those that `embedder` can serve. Raises UserError where sets can't be compared.
    """
    settings = Settings(spec["bootstrap"], spec["confidence"], spec["seed"], spec["training_clips"])
    scored = read_clipset(embeddings, system)
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


def score(metric: str, scored: ClipSet, sets: Mapping[str, ClipSet], settings: Settings) -> dict[str, object]:
    """The entry of `metric` in a score file: definition, direction, interval, backend, and the values by reference.

    `low` and `high` are null for a metric that has no interval, whose `INTERVAL` is None. `sets` are the references by
    name; UserError if one that the metric needs is missing, or can't be compared with.
    """
    module = load_metric(metric)
    entries, definition = [], module.DEFINITION
    for name in getattr(module, "REFERENCES", ("originals", "codec")):
        if name not in sets:
            raise UserError(f"{metric} needs --reference {name}=FILE; see `ssmttm embed --help`")
        reference = sets[name]
        check_comparable(scored, reference, paired=name != "training")
        value = evaluate(metric, scored, reference, settings)
        value["warnings"] += differing_audio(scored, reference)
        if name == "training" and len(reference.clip_ids) == settings.training_clips:
            value["warnings"].append(
                f"compared with {settings.training_clips} training clips, the most that evaluation.training_clips "
                "allows: copies of others aren't seen"
            )
        definition = value.pop("definition", definition)
        common = {"confidence": settings.confidence, "n": len(scored.clip_ids), "windows": scored.window_count}
        entries.append({"reference": name, **_plain(value), **common})
    interval = f"{module.INTERVAL}; {settings.bootstrap} resamples, seed {settings.seed}"
    return {
        "better": module.BETTER,
        "definition": definition,
        "interval": NO_INTERVAL if module.INTERVAL is None else interval,
        "backend": module.backend(scored.backend) if hasattr(module, "backend") else scored.backend,
        "entries": entries,
    }


def _plain(value: Score) -> dict[str, object]:
    """The score with its arrays, and those of the numbers beside it, as lists."""
    plain = {key: part.tolist() if isinstance(part, np.ndarray) else part for key, part in value.items()}
    return plain | ({"also": [_plain(other) for other in value["also"]]} if "also" in value else {})
