"""Collect scores, curves and costs of one study into tidy tables."""

import os
from pathlib import Path
from typing import Any

from ssmttm.files import atomic_path, write_json
from ssmttm.reporting.compare import collect


def run(spec: dict[str, Any], study: str, runs: list[Path], baselines: list[Path], out: Path) -> None:
    """Write comparison.parquet, comparison.csv, curves.parquet and summary.json into folder `out`.

    Folders in summary.json are relative to `out`, so that a results tree can be moved whole.
    """
    comparison, curves, summary = collect(study, runs, baselines)
    for system in (*summary["runs"].values(), *summary["baselines"].values()):
        system["folder"] = Path(os.path.relpath(system["folder"], out)).as_posix()
    summary["title"], summary["evaluation"] = spec["title"], spec["evaluation"]
    for frame, name in ((comparison, "comparison"), (curves, "curves")):
        with atomic_path(out / f"{name}.parquet") as path:
            frame.to_parquet(path, index=False)
    with atomic_path(out / "comparison.csv") as path:
        comparison.to_csv(path, index=False)
    write_json(out / "summary.json", summary)
