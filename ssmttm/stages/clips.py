"""Stage `clips`: cut one shard's tracks into clips of one length and loudness, and take the tracks' fingerprints."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ssmttm.dataset.track import Row, Track, Voices
from ssmttm.progress import Progress
from ssmttm.settings import StageSpec
from ssmttm.tables import count_rows, iter_rows, table_writer, write_table

_ROWS_PER_GROUP = {"clips": 16, "fingerprints": 256}


def run(spec: StageSpec, audio: Path, out: Path, fingerprints: Path, rejected: Path) -> None:
    """Write clips/{shard}.parquet, the tracks' fingerprints and what was dropped; `spec` has `clips` and `vocals`.

    Only tracks that give a clip have a fingerprint. Of a track that turns out to be damaged or too long
    on the way, the clips before that are kept, and the rejection says so.
    """
    progress = Progress(f"clips {audio.stem}", count_rows(audio, "audio"), "tracks")
    dropped: list[Row] = []
    with ExitStack() as files:
        voices = files.enter_context(_voices(spec))
        adders: dict[str, Callable[[Row], None]] = {
            name: files.enter_context(table_writer(path, name, _ROWS_PER_GROUP[name]))
            for name, path in (("clips", out), ("fingerprints", fingerprints))
        }
        adders["rejected"] = dropped.append
        for track in iter_rows(audio, "audio"):
            encoded = track["audio"]["bytes"]
            source = Path(track["audio"]["path"]) if encoded is None else encoded
            for table, row in Track(track["track_id"], source, spec["clips"], voices, progress).rows():
                adders[table](row)
            progress.advance()
        write_table(rejected, "rejected", dropped)


@contextmanager
def _voices(spec: StageSpec) -> Iterator[Voices]:
    settings, rate = spec["vocals"], spec["clips"]["sample_rate"]
    if settings["mode"] == "keep":  # without loading torch
        yield lambda wave: (wave, None)
        return
    from ssmttm.dataset.vocals import make_filter
    from ssmttm.device import claim_device

    # Only the separation is worth a GPU.
    with claim_device("auto" if settings["mode"] == "separate" else "cpu", threads=1) as device:
        yield make_filter(settings, rate, device)
