"""Audio of a data set's clips: decoded once to one flat file of 16-bit samples, and read piece by piece from there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.errors import UserError
from ssmttm.files import atomic_path
from ssmttm.progress import Progress
from ssmttm.tables import iter_clips, read_mapping
from ssmttm.training.parallel import Workers

WAVE_FILE = "waves.i16"
SPLITS = ("train", "validation", "test")
_SCALE = 2**15


class WaveSet:
    """The clips of one split, sorted by id, all of one length."""

    def __init__(self, clip_ids: Sequence[str], samples: np.ndarray) -> None:
        """From `samples` `[clips, n]`, int16, perhaps of a file."""
        self.clip_ids, self._samples = clip_ids, samples

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def length(self) -> int:
        """Samples of a clip."""
        return self._samples.shape[1]

    def read(self, clip: int, start: int, stop: int) -> np.ndarray:
        """Samples `start` to `stop` of the clip at index `clip`, float32, -1 to 1."""
        return self._samples[clip, start:stop].astype(np.float32) / _SCALE


def load_waves(
    shards: Sequence[Path], splits: Path, sample_rate: int, scratch: Path, workers: Workers
) -> Mapping[str, WaveSet]:
    """Clips of the three splits at `sample_rate` Hz; duplicates are in none.

    The flat file is made in the folder `scratch` by the leading process, or used if it is there. Raises UserError for
    an empty split, a clip that is in no shard, and clips of different lengths.
    """
    clips: dict[str, list[str]] = {split: [] for split in SPLITS}
    for clip, split in read_mapping(splits, "splits", "clip_id", "split").items():
        clips.get(split, []).append(clip)
    if empty := [split for split, ids in clips.items() if not ids]:
        raise UserError(f"{splits}: no clip is in {empty[0]}; change vocoder.split, or add music")
    order = [clip for ids in clips.values() for clip in sorted(ids)]
    path = scratch / WAVE_FILE
    if workers.leads and not path.is_file():
        _write(path, shards, order, sample_rate)
    workers.wait()
    if not path.stat().st_size or path.stat().st_size % (2 * len(order)):
        raise UserError(f"{path}: truncated; delete it, and it is made again")
    samples = np.memmap(path, np.int16, "r").reshape(len(order), -1)
    sets, start = {}, 0
    for split, ids in clips.items():
        sets[split] = WaveSet(sorted(ids), samples[start : start + len(ids)])
        start += len(ids)
    return sets


def _write(path: Path, shards: Sequence[Path], order: Sequence[str], sample_rate: int) -> None:
    """Write the clips of `order` one after the other to `path`, atomically."""
    places = {clip: place for place, clip in enumerate(order)}
    left, length = set(order), 0
    progress = Progress("decode", len(order), "clips")
    with atomic_path(path) as temporary, open(temporary, "r+b") as file:
        for clip in iter_clips(shards, places):
            wave = resample(*decode_audio(clip["audio"]["bytes"]), sample_rate)
            length = length or len(wave)
            if len(wave) != length:
                raise UserError(
                    f"clip {clip['clip_id']} has {len(wave)} samples at {sample_rate} Hz, and others {length}; "
                    "a vocoder is trained on clips of one length: make the clips anew"
                )
            file.seek(2 * length * places[clip["clip_id"]])
            file.write(np.round(wave * _SCALE).clip(-_SCALE, _SCALE - 1).astype("<i2").tobytes())
            left.discard(clip["clip_id"])
            progress.advance()
        if left:
            raise UserError(f"{shards[0].parent}: clip {min(left)} of the splits is in no shard; make the splits anew")
