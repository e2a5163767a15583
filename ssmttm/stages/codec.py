"""Stage `codec`: the codec as one file, fitted on the training split or pretrained."""

from pathlib import Path

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.codecs.base import check_codec, fit_codec
from ssmttm.contracts.checks import assure
from ssmttm.errors import UserError
from ssmttm.settings import StageSpec
from ssmttm.tables import iter_clips, read_mapping
from ssmttm.threads import set_threads


def run(spec: StageSpec, clips: list[Path], splits: Path, out: Path, threads: int | None) -> None:
    """Write the codec to `out`; what is fitted sees only the clips that the table `splits` assigns to train."""
    rate = spec["clips"]["sample_rate"]
    check_codec(spec["codec"], rate)
    set_threads(threads)
    assure("codecs", spec["codec"]["name"], {**spec["codec"], "sample_rate": rate})
    training = {clip for clip, split in read_mapping(splits, "splits", "clip_id", "split").items() if split == "train"}
    if not training:
        raise UserError(f"{splits}: no clip is in the training split, so no codec can be fitted; add music")
    waves = (resample(*decode_audio(clip["audio"]["bytes"]), rate) for clip in iter_clips(clips, training))
    fit_codec(spec["codec"], waves, len(training), rate, spec["seed"]).save(out)
