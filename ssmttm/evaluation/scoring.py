"""One system's scores by one metric: every reference, its interval, and what made the numbers."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import unlike
from ssmttm.evaluation.clipset import ClipSet, Settings, check_comparable
from ssmttm.statistics.bootstrap import NO_INTERVAL

_ARRAYS = ("replicates", "per_clip")


def score(metric: str, scored: ClipSet, sets: Mapping[str, ClipSet], settings: Settings) -> Mapping[str, Any]:
    """The entry of `metric` in a score file: definition, direction, interval, backend, and the values by reference.

    `low` and `high` are null for a metric that has no interval, whose `INTERVAL` is None. `sets` are the references by
    name; UserError if one that the metric needs is missing, or can't be compared with.
    """
    module = plugins.load("ssmttm.evaluation.metrics", metric, "metric", "evaluation.metrics")
    entries = []
    for name in getattr(module, "REFERENCES", ("originals", "codec")):
        if name not in sets:
            raise UserError(f"{metric} needs --reference {name}=FILE; see `ssmttm embed --help`")
        reference = sets[name]
        check_comparable(scored, reference, paired=name != "training")
        value = module.evaluate(scored, reference, settings)
        value["warnings"] = [*value["warnings"], *unlike(scored, reference)]
        if name == "training" and len(reference.clip_ids) == settings.training_clips:
            value["warnings"].append(
                f"compared with {settings.training_clips} training clips, the most that evaluation.training_clips "
                "allows: copies of others aren't seen"
            )
        entry = {"reference": name, **_plain(value), "confidence": settings.confidence, "n": len(scored.clip_ids)}
        entries.append({**entry, "windows": scored.window_count})
    definitions = [entry.pop("definition", module.DEFINITION) for entry in entries]
    interval = f"{module.INTERVAL}; {settings.bootstrap} resamples, seed {settings.seed}"
    return {
        "better": module.BETTER,
        "definition": definitions[0],
        "interval": NO_INTERVAL if module.INTERVAL is None else interval,
        "backend": _backend(module, scored.backend),
        "entries": entries,
    }


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value with its arrays, and those of the numbers beside it, as lists."""
    plain = {key: np.asarray(part).tolist() if key in _ARRAYS else part for key, part in value.items()}
    return plain | {"also": [_plain(part) for part in value["also"]]} if "also" in value else plain


def _backend(metric: ModuleType, embedder: str) -> str:
    """What makes a metric's numbers: the embedder alone, unless the metric's own `backend` says otherwise."""
    return metric.backend(embedder) if hasattr(metric, "backend") else embedder
