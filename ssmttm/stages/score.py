"""Score one system by one metric against both references."""

import importlib
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.metrics.clipset import Settings, check_comparable, read_clipset
from ssmttm.spec import METRICS


def run(
    spec: dict[str, Any], metric: str, system: str, embeddings: Path, originals: Path, codec: Path, out: Path
) -> None:
    """Write value, interval, n, direction, backend and warnings for each reference to `out`."""
    if metric not in METRICS:
        raise UserError(f"no metric {metric!r}; there are {', '.join(METRICS)}")
    module = importlib.import_module(f"ssmttm.metrics.{metric}")
    evaluation = spec["evaluation"]
    settings = Settings(evaluation["bootstrap"], evaluation["confidence"], evaluation["seed"])
    scored = read_clipset(embeddings, system)
    entries = []
    for name, path in (("originals", originals), ("codec", codec)):
        reference = read_clipset(path, name)
        check_comparable(scored, reference)
        entries.append(
            {
                "reference": name,
                **module.evaluate(scored, reference, settings),
                "confidence": settings.confidence,
                "n": len(scored.clip_ids),
                "windows": scored.window_count,
            }
        )
    write_json(
        out,
        {
            "system": system,
            "metric": metric,
            "better": module.BETTER,
            "definition": module.DEFINITION,
            "interval": f"{module.INTERVAL}; {settings.bootstrap} resamples, seed {settings.seed}",
            "backend": module.backend(scored.backend),
            "n": len(scored.clip_ids),
            "entries": entries,
        },
    )
