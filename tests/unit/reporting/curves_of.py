"""Made-up rows of progress.parquet and comparison.parquet whose truth is known."""

import numpy as np
import pandas as pd

STEPS = np.array([5, 10, 15, 20, 40, 60, 80, 100]) * 1000.0


def law(cost, limit=60.0, scale=3e4, exponent=0.6):
    return limit + scale * np.asarray(cost, dtype=float) ** -exponent


def progress(values, steps=STEPS, half=0.0, **more):
    """One run's rows: flops are 7e14 a step, clips 128, hours 1e-3."""
    rows = pd.DataFrame({"steps": steps, "value": np.asarray(values, dtype=float)})
    fixed = {"run": "a", "variant": "simba", "size": "base", "seed": 1, "budget_kind": "iterations", "budget": 1e5}
    fixed |= {"parameters": 280_000_000, "embedder": "vggish", "metric": "frechet", "reference": "codec", "n": 96}
    rows = rows.assign(**{**fixed, "better": "lower", **more})
    costs = {"flops": rows["steps"] * 7e14, "clips_seen": rows["steps"] * 128, "gpu_hours": rows["steps"] * 1e-3}
    return rows.assign(**costs, low=rows["value"] - half, high=rows["value"] + half)


def comparison(rows):
    """Rows of comparison.parquet from (system, value) and whatever else is given."""
    fixed = {"kind": "run", "variant": "transformer", "size": "base", "budget_kind": "iterations", "budget": 1e5}
    fixed |= {"seed": 1, "parameters": 280_000_000, "embedder": "vggish", "metric": "frechet", "reference": "codec"}
    fixed |= {"better": "lower", "steps": 100_000, "flops_spent": 7e19, "gpu_hours": 100.0, "clips_seen": 12_800_000}
    frame = pd.DataFrame([{**fixed, **row} for row in rows])
    for end in ("low", "high"):
        frame[end] = frame[end].fillna(frame["value"]) if end in frame else frame["value"]
    return frame
