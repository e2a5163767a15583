"""Stage `clips`: cut one shard's tracks into clips of one length and loudness."""

from pathlib import Path
from typing import Any

from ssmttm.audio import encode_audio
from ssmttm.corpus.audio import TooLong, Undecodable, decode
from ssmttm.corpus.clips import cut
from ssmttm.progress import Progress
from ssmttm.tables import iter_rows, read_table, table_writer, write_table


def run(spec: dict[str, Any], audio: Path, out: Path, rejected: Path) -> None:
    """Write clips/{shard}.parquet and the dropped clips; `spec` has `clips`."""
    settings = spec["clips"]
    rate = settings["sample_rate"]
    progress = Progress(f"clips {audio.stem}", read_table(audio, "audio", ["track_id"]).num_rows, "tracks")
    dropped: list[dict[str, Any]] = []

    def drop(track_id: str, reason: str, detail: str, seconds: float | None) -> None:
        dropped.append(
            {"track_id": track_id, "stage": "clips", "reason": reason, "detail": detail, "duration_s": seconds}
        )

    with table_writer(out, "clips") as add:
        for track in iter_rows(audio, "audio"):
            track_id = track["track_id"]
            try:
                wave = decode(track["audio"]["bytes"], rate, settings["max_track_seconds"])
            except Undecodable as error:
                drop(track_id, "undecodable", str(error), None)
                continue
            except TooLong as error:
                drop(track_id, "too_long", str(error), None)
                continue
            finally:
                progress.advance()
            if len(wave) < round(settings["seconds"] * rate):
                drop(track_id, "too_short", f"{len(wave) / rate:.2f} s could be decoded", len(wave) / rate)
            for clip in cut(wave, settings):
                clip_id = f"{track_id}@{round(clip.start_s * 1000)}"
                if clip.wave is None:
                    drop(track_id, "silent", f"{clip_id}: {clip.loudness_lufs:.1f} LUFS", settings["seconds"])
                    continue
                add(
                    {
                        "clip_id": clip_id,
                        "track_id": track_id,
                        "start_s": clip.start_s,
                        "duration_s": settings["seconds"],
                        "sample_rate": rate,
                        "audio": {"bytes": encode_audio(clip.wave, rate), "path": f"{clip_id}.flac"},
                        "loudness_lufs": clip.loudness_lufs,
                        "peak": clip.peak,
                    }
                )
        write_table(rejected, "rejected", dropped)
