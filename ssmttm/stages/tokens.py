"""Stage `tokens`: encode the clips of one shard to codec tokens."""

from pathlib import Path

import numpy as np

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.settings import StageSpec
from ssmttm.tables import count_rows, iter_rows, table_writer
from ssmttm.threads import set_threads


def run(spec: StageSpec, clips: Path, codec: Path, out: Path, threads: int | None) -> None:
    """Write the tokens of the table `clips` under the fitted codec in file `codec`."""
    set_threads(threads)
    encoder = load_codec(codec)
    settings = spec["codec"]
    fitted = (encoder.identity.split(":")[0], encoder.codebooks, encoder.codebook_size)
    wanted = (settings["name"], settings["codebooks"], settings["codebook_size"])
    if fitted != wanted:
        raise UserError(f"{codec}: is {fitted}, but data.codec asks for {wanted}; fit it again")
    progress = Progress("tokens", count_rows(clips, "clips"), "clips")
    with table_writer(out, "tokens") as add:
        for clip in iter_rows(clips, "clips"):
            codes = encoder.encode(resample(*decode_audio(clip["audio"]["bytes"]), encoder.sample_rate))
            add(
                {
                    "clip_id": clip["clip_id"],
                    "codebooks": codes.shape[0],
                    "frames": codes.shape[1],
                    "codes": codes.astype(np.uint16).ravel(),
                    "codec": encoder.identity,
                }
            )
            progress.advance()
