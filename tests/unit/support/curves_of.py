"""Made-up rows of progress.parquet and comparison.parquet whose truth is known."""

import numpy as np
import pandas as pd

from ssmttm.statistics.bootstrap import percentile_interval, resamples
from ssmttm.statistics.noise import Noise

STEPS = np.array([5, 10, 15, 20, 40, 60, 80, 100]) * 1000.0


def law(cost, limit=60.0, scale=3e4, exponent=0.6):
    return limit + scale * np.asarray(cost, dtype=float) ** -exponent


def progress(values, steps=STEPS, half=0.0, **more):
    """One run's rows: flops are 7e14 a step, clips 128, hours 1e-3."""
    rows = pd.DataFrame({"steps": steps, "value": np.asarray(values, dtype=float)})
    fixed = {"run": "a", "variant": "simba", "size": "base", "seed": 1, "budget_kind": "iterations", "budget": 1e5}
    fixed |= {"parameters": 280_000_000, "embedder": "vggish", "metric": "frechet", "reference": "codec", "n": 96}
    rows = rows.assign(**{**fixed, "better": "lower", **more}, checkpoint=rows["steps"].map("{:g}".format))
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


def judged(truth, rng, clips=40, common=10.0, own=2.0, count=200):
    """Scores `[n]` with true values `truth` `[n]`, all over the same drawn captions: values, replicates `[count, n]`.

    Captions are hard or easy for all alike (`common`) and for each by itself (`own`).
    """
    truth = np.asarray(truth, dtype=float)
    by_clip = truth + rng.normal(0, common, (clips, 1)) + rng.normal(0, own, (clips, truth.size))
    drawn = by_clip[resamples(clips, count, 0)].mean(axis=1)
    return by_clip.mean(axis=0), drawn


def with_intervals(rows, drawn):
    """Rows whose intervals are those of the replicates `[count, n]`."""
    ends = np.array([percentile_interval(column, 0.95) for column in drawn.T])
    return rows.assign(low=ends[:, 0], high=ends[:, 1])


def paired(rows, drawn, system="run", seed=1):
    """Noise of rows whose replicates `[count, n]` are known; the last is the system's final score."""
    scores = list(zip(rows[system], rows["embedder"], rows["metric"], rows["reference"]))
    names = rows["checkpoint"] if "checkpoint" in rows else ["final"] * len(rows)
    keys = [(score[0], name, *score[1:]) for score, name in zip(scores, names)]
    return Noise(seed, dict(zip(keys, drawn.T)))
