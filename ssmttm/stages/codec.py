"""Stage `codec`: the codec as one file, fitted on the training split or pretrained."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.codecs.base import fit_codec
from ssmttm.errors import UserError
from ssmttm.tables import iter_rows, read_table
from ssmttm.threads import set_threads


def run(spec: dict[str, Any], clips: list[Path], splits: Path, out: Path, threads: int | None) -> None:
    """Write the codec to `out`; what is fitted sees only the clips that the table `splits` assigns to train."""
    set_threads(threads)
    table = read_table(splits, "splits", ["clip_id", "split"]).to_pylist()
    training = {row["clip_id"] for row in table if row["split"] == "train"}
    if not training:
        raise UserError(f"{splits}: no clip is in the training split, so no codec can be fitted; add music")
    sample_rate = spec["clips"]["sample_rate"]
    fitted = fit_codec(spec["codec"], _waves(clips, training, sample_rate), len(training), sample_rate, spec["seed"])
    fitted.save(out)


def _waves(clips: list[Path], wanted: set[str], sample_rate: int) -> Iterator[np.ndarray]:
    """Audio of the wanted clips in the order of the tables, a few in memory at a time."""
    for path in clips:
        for row in iter_rows(path, "clips"):
            if row["clip_id"] in wanted:
                yield resample(*decode_audio(row["audio"]["bytes"]), sample_rate)
