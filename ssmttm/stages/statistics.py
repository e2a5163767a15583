"""Stage `statistics`: mean and covariance of a reference set's embeddings, to compare with where its audio is not."""

from pathlib import Path

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation import gaussian
from ssmttm.evaluation.clipset import read_clipset
from ssmttm.files import sha256_bytes
from ssmttm.tensors import save_tensors


def run(embeddings: Path, name: str, out: Path) -> None:
    """Write `mean` [dim] and `covariance` [dim, dim] (unbiased, float64) of all windows in the table `embeddings`.

    The metadata say what they are of: set `name`, embedder with its weights' hash, number of clips and SHA-256 of
    their ids (sorted, a line each: a restricted set has another one), windows and clip length.
    `ssmttm.evaluation.metrics.frechet.frechet_distance_of_statistics` takes them.
    """
    clips = read_clipset(embeddings, name)
    if clips.window_count < 2:
        raise UserError(f"{embeddings}: one window has no covariance; take more or longer clips")
    mean, covariance = gaussian.statistics(np.concatenate(clips.windows))
    description = {
        "set": name,
        "backend": clips.backend,
        "clips": str(len(clips.clip_ids)),
        "clip_ids_sha256": sha256_bytes("\n".join(sorted(clips.clip_ids)).encode()),
        "windows": str(clips.window_count),
        "clip_s": f"{clips.usual.seconds:g}",
        "sample_rate": str(clips.usual.sample_rate),
        "channels": str(clips.usual.channels),
    }
    save_tensors(out, {"mean": mean, "covariance": covariance}, description)
