"""Stage `tokens`: encode the clips of one shard to codec tokens."""

from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.audio import decode_audio, resample
from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.stages._threads import set_threads
from ssmttm.tables import read_table, write_table


def run(spec: dict[str, Any], clips: Path, codec: Path, out: Path, threads: int | None) -> None:
    """Write the tokens of the table `clips` under the fitted codec in file `codec`."""
    set_threads(threads)
    encoder = load_codec(codec)
    settings = spec["codec"]
    found = (encoder.identity.split(":")[0], encoder.codebooks, encoder.codebook_size)
    wanted = (settings["name"], settings["codebooks"], settings["codebook_size"])
    if found != wanted:
        raise UserError(f"{codec}: is {found}, but data.codec asks for {wanted}; fit it again")
    table = read_table(clips, "clips", ["clip_id", "audio"])
    progress = Progress("tokens", len(table), "clips")
    rows = []
    for batch in table.to_batches(max_chunksize=32):
        for clip in batch.to_pylist():
            wave = resample(*decode_audio(clip["audio"]["bytes"]), encoder.sample_rate)
            codes = encoder.encode(wave)
            rows.append(
                {
                    "clip_id": clip["clip_id"],
                    "codebooks": codes.shape[0],
                    "frames": codes.shape[1],
                    "codes": codes.astype(np.uint16).ravel(),
                    "codec": encoder.identity,
                }
            )
            progress.advance()
    write_table(out, "tokens", rows)
