"""Scores that others published, as rows that can be drawn beside a study's own.

They are not comparable with a study's scores unless embedder, captions and clip length are the
same, and rows keep what is known of that. The paper's points (arXiv 2601.14786, figure
scores_vertical_2stage) were read off the figure by its pixels, single runs, with the second
stage; its text doesn't give them as numbers.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ssmttm.study.frames import frame_of

PAPER = "arXiv 2601.14786, figure scores_vertical_2stage"
CARD = "model card of facebook/musicgen-small and its larger siblings"

READ_OFF = (
    "read off a figure by its pixels; embedder, direction of the KL divergence and the Transformer's size, and so its "
    "FLOPs, are inferred"
)
ROUNDED = "rounded as printed"

BATCH = 128
"""Clips per optimizer step of the paper."""

_DESIGNS = {"prefix-simba": "SiMBA (paper)", "cross-transformer": "Transformer (paper)"}

_STEPS = (5000, 10_000, 15_000, 20_000, 40_000, 60_000, 80_000, 100_000, 400_000)

# Embedder, metric, which is better, reading error, and per design a score for each of _STEPS. The KL divergence is
# KL(generated || reference), as the tool gives it whose range the figure has.
_CURVES: tuple[tuple[str, str, str, float, dict[str, tuple[float, ...]]], ...] = (
    (
        "openl3",
        "frechet",
        "lower",
        0.5,
        {
            "prefix-simba": (164.5, 127.6, 100.5, 92.1, 89.5, 83.6, 84.1, 74.8),
            "cross-transformer": (134.6, 133.4, 116.1, 100.0, 86.9, 74.1, 77.6, 83.4, 72.0),
        },
    ),
    (
        "passt",
        "kl_reversed",
        "lower",
        0.02,
        {
            "prefix-simba": (5.18, 1.93, 1.53, 1.55, 1.65, 1.55, 1.26, 1.29),
            "cross-transformer": (3.52, 4.02, 3.74, 3.12, 2.09, 1.72, 1.51, 1.51, 1.71),
        },
    ),
    (
        "clap",
        "clap",
        "higher",
        0.001,
        {
            "prefix-simba": (0.059, 0.106, 0.174, 0.198, 0.241, 0.227, 0.224, 0.237),
            "cross-transformer": (0.082, 0.069, 0.107, 0.116, 0.162, 0.197, 0.189, 0.186, 0.213),
        },
    ),
)

# MusicGen's Fréchet distance is of VGGish embeddings and its divergence KL(reference || generated): neither is the
# paper's. Model: Fréchet distance, KL divergence, CLAP score.
_MUSICGEN = {
    "musicgen-small": (4.88, 1.42, 0.27),
    "musicgen-medium": (5.14, 1.38, 0.28),
    "musicgen-large": (5.48, 1.37, 0.28),
    "musicgen-melody": (4.93, 1.41, 0.27),
}

_CARD_SCORES = (("vggish", "frechet", "lower"), ("passt", "kl", "lower"), ("clap", "clap", "higher"))

TABLE = ["system", "variant", "embedder", "metric", "reference", "steps", "value", "error", "better", "source", "how"]

PROGRESS = ["run", "variant", "size", "seed", "budget_kind", "budget", "parameters", "checkpoint", "steps"]
PROGRESS += ["clips_seen", "tokens", "flops", "seconds", "gpu_hours", "embedder", "metric", "reference"]
PROGRESS += ["value", "low", "high", "n", "better", "error", "source", "how"]


def published() -> pd.DataFrame:
    """Every published point: the columns `TABLE`.

    `error` is that of reading or rounding; no interval of any score is known. `steps` is missing for
    final models whose card names none, `variant` for systems that are no design of the paper. Scores
    are of captions of MusicCaps.
    """
    rows = []
    for embedder, metric, better, error, curves in _CURVES:
        for variant, values in curves.items():
            kind = {"system": _DESIGNS[variant], "variant": variant, "embedder": embedder, "metric": metric}
            more = {"error": error, "better": better, "source": PAPER, "how": READ_OFF}
            rows += [{**kind, "steps": s, "value": v, **more} for s, v in zip(_STEPS, values)]
    for system, values in _MUSICGEN.items():
        for (embedder, metric, better), value in zip(_CARD_SCORES, values):
            kind = {"system": f"{system} (published)", "variant": None, "embedder": embedder, "metric": metric}
            more = {"error": 0.005, "better": better, "source": CARD, "how": ROUNDED}
            rows.append({**kind, "steps": None, "value": value, **more})
    return frame_of([{**row, "reference": "originals"} for row in rows], TABLE)


def paper_progress(costs: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The paper's points in the shape of progress.parquet: the columns `PROGRESS`, three of which it hasn't.

    Args:
        costs: for each design (prefix-simba, cross-transformer) parameters, flops_per_step and
            tokens_per_step, as `ssmttm.stages.claims.paper_costs` counts them at the paper's size
            and batch of 128 clips.

    FLOPs are this project's count of the language model alone. Hours, seeds and intervals aren't published.
    """
    rows = []
    for point in published().to_dict("records"):
        cost = costs.get(point["variant"])
        if cost is None or point["source"] != PAPER:
            continue
        steps = int(point["steps"])
        last = 400_000 if point["variant"] == "cross-transformer" else 100_000
        kept = ("variant", "embedder", "metric", "reference", "value", "error", "better", "source", "how")
        rows.append(
            {
                **{k: point[k] for k in kept},
                "run": point["system"],
                "size": "paper",
                "budget_kind": "iterations",
                "budget": last,
                "parameters": cost["parameters"],
                "checkpoint": "final" if steps == last else f"{steps / last:g}",
                "steps": steps,
                "clips_seen": steps * BATCH,
                "tokens": steps * cost["tokens_per_step"],
                "flops": steps * cost["flops_per_step"],
            }
        )
    return frame_of(rows, PROGRESS)
