"""Stage `tokens`: encode the clips of one shard to codec tokens."""

from itertools import islice
from pathlib import Path

import numpy as np
import soundfile

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.codecs.base import Codec, load_codec
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.progress import Progress
from ssmttm.rows import Clip
from ssmttm.settings import CodecSettings, StageSpec
from ssmttm.tables import count_rows, iter_rows, table_writer

_TOGETHER = 32
"""Clips in memory at once."""


def run(spec: StageSpec, clips: Path, codec: Path, out: Path, threads: int | None, device: str = "auto") -> None:
    """Write the tokens of the table `clips` under the codec in file `codec`; a network computes on `device`."""
    encoder = load_codec(codec)
    _check(encoder, spec["codec"], codec)
    progress = Progress("tokens", count_rows(clips, "clips"), "clips")
    rows = iter_rows(clips, "clips")
    with claim_device(device if encoder.takes_gpu else "cpu", threads) as place, table_writer(out, "tokens") as add:
        encoder.to(place)
        while batch := list(islice(rows, _TOGETHER)):
            for clip, codes in zip(batch, _encoded(encoder, batch, clips), strict=True):
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


def _check(encoder: Codec, settings: CodecSettings, path: Path) -> None:
    fitted = (encoder.identity.split(":")[0], encoder.codebooks, encoder.codebook_size)
    wanted = (settings["name"], settings["codebooks"], settings["codebook_size"])
    if fitted != wanted:
        raise UserError(f"{path}: is {fitted}, but data.codec asks for {wanted}; fit it again")


def _encoded(encoder: Codec, batch: list[Clip], table: Path) -> list[np.ndarray]:
    waves = []
    for clip in batch:
        try:
            wave, rate = decode_audio(clip["audio"]["bytes"])
        except soundfile.LibsndfileError as error:
            raise UserError(f"{table}: clip {clip['clip_id']} is no audio ({error}); make the clips again") from error
        if not len(wave):
            raise UserError(f"{table}: clip {clip['clip_id']} is audio of zero length; make the clips again")
        waves.append(resample(wave, rate, encoder.sample_rate))
    return encoder.encode_many(waves)
