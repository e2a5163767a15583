"""One track on its way to clips: decoded once, cut, leveled, and known by its fingerprint."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.fingerprint import HEARD_SECONDS, Fingerprinter
from ssmttm.audio.streams import Block, NotFinite, Probe, Source, TooLong, Undecodable, glance, stream
from ssmttm.dataset.clips import clip_starts, finish, pieces
from ssmttm.progress import Progress, format_seconds
from ssmttm.rows import Clip, FingerprintRow, RejectedRow
from ssmttm.settings import ClipSettings

Row = Clip | FingerprintRow | RejectedRow
Voices = Callable[[np.ndarray], tuple[np.ndarray | None, float | None]]


class Track:
    """One track on its way: decoded once, heard by the cutter and by the fingerprint.

    With `per_track` it is read no further than its clips and a fingerprint of two minutes need, and the
    hash of its audio covers as much of it.
    """

    def __init__(
        self, track_id: str, source: Source, settings: ClipSettings, voices: Voices, progress: Progress
    ) -> None:
        self.track_id, self.source, self.settings = track_id, source, settings
        self.voices, self.progress = voices, progress
        self.rate: int = settings["sample_rate"]
        self.length = round(settings["seconds"] * self.rate)
        self.whole = settings.get("per_track") is None
        self.fingerprinter = Fingerprinter(self.rate)
        self.heard = 0  # samples
        self.end_s = 0.0  # position by time stamps
        self.kept = 0  # clips

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Rows as (table, row), in order; whatever is wrong with the track is a row of `rejected`."""
        info = None
        try:
            info = self._described()
            yield from self._cut(info)
        except FileNotFoundError:
            path = self.source if isinstance(self.source, Path) else "its file"
            yield self._drop("unavailable", f"{path} is gone; fetch the shard again (stage audio)")
        except NotFinite as error:
            yield self._drop("not_finite", str(error))
        except Undecodable as error:
            yield self._drop("undecodable", f"{error}{self._so_far()}")
        except TooLong as error:
            yield self._drop("too_long", f"{error}{self._so_far()}")
        if self.kept and info is not None:
            yield "fingerprints", self._fingerprint(info)

    def _described(self) -> Probe:
        bound = self.settings["max_track_seconds"]
        info = glance(self.source)
        if info.duration_s > bound:
            raise TooLong(f"{info.duration_s:.0f} s, the bound is {bound:g} s")
        return info

    def _cut(self, info: Probe) -> Iterator[tuple[str, Row]]:
        cut = 0
        for start_s, piece in self._pieces(info):
            cut += 1
            yield self._clip(start_s, piece)
        if not cut:
            seconds = self.end_s or info.duration_s
            yield self._drop("too_short", f"{seconds:.2f} s, and no clip fits in without a gap", seconds)

    def _pieces(self, info: Probe) -> Iterator[tuple[float, np.ndarray]]:
        """The pieces to make clips of. With `per_track`, those beyond the fingerprint's part are sought."""
        heard = self._heard()
        if self.whole:
            yield from pieces(heard, self.length, self.rate)
            return
        starts = clip_starts(round(info.duration_s * self.rate), self.length, self.settings["per_track"])
        near = [start for start in starts if start < HEARD_SECONDS * self.rate]
        free = 0
        for start_s, piece in pieces(heard, self.length, self.rate, near):
            free = round(start_s * self.rate) + self.length
            yield start_s, piece
        while starts and self.heard < HEARD_SECONDS * self.rate and next(heard, None) is not None:
            pass
        for start in starts[len(near) :]:
            wanted = max(start, free)
            blocks = stream(self.source, self.rate, wanted / self.rate)
            with suppress(Undecodable):  # nothing sounds from there on
                for start_s, piece in pieces(blocks, self.length, self.rate, [wanted]):
                    free = round(start_s * self.rate) + self.length
                    yield start_s, piece

    def _heard(self) -> Iterator[Block]:
        """The track's blocks, after the fingerprint heard them. Raises TooLong."""
        bound = self.settings["max_track_seconds"]
        limit = None if self.whole else round(HEARD_SECONDS * self.rate)
        for block in stream(self.source, self.rate):
            wave = block.wave
            self.fingerprinter.feed(wave if limit is None else wave[: max(limit - self.heard, 0)])
            self.heard += len(wave)
            self.end_s = block.start_s + len(wave) / self.rate
            if self.heard > (bound + 1) * self.rate:
                raise TooLong(f"longer than its packets say, and than the bound of {bound:g} s")
            self.progress.update(self.progress.done, f"{format_seconds(self.end_s)} into a track")
            yield block

    def _clip(self, start_s: float, piece: np.ndarray) -> tuple[str, Clip | RejectedRow]:
        clip_id = f"{self.track_id}@{round(start_s * 1000)}"
        wave, probability = self.voices(piece)
        if wave is None:
            return self._drop("vocals", f"{clip_id}: {probability:.2f}", self.settings["seconds"])
        clip = finish(start_s, wave, self.settings)
        if clip.wave is None or clip.quality is None:
            return self._drop("silent", f"{clip_id}: {clip.loudness_lufs:.1f} LUFS", self.settings["seconds"])
        self.kept += 1
        row: Clip = {
            "clip_id": clip_id,
            "track_id": self.track_id,
            "start_s": start_s,
            "duration_s": self.settings["seconds"],
            "sample_rate": self.rate,
            "audio": {"bytes": encode_audio(clip.wave, self.rate), "path": f"{clip_id}.flac"},
            "loudness_lufs": clip.loudness_lufs,
            "peak": clip.peak,
            **asdict(clip.quality),  # type: ignore[typeddict-item]  # the fields of Quality
        }
        return "clips", row

    def _fingerprint(self, info: Probe) -> FingerprintRow:
        heard = self.fingerprinter.result()
        return {
            "track_id": self.track_id,
            "duration_s": self.end_s if self.whole else info.duration_s,
            "audio_sha256": heard.audio_sha256,
            "codes": heard.codes,
            "sample_rate": info.sample_rate,
            "channels": info.channels,
            "bit_rate": info.bit_rate,
            "lossless": info.lossless,
        }

    def _so_far(self) -> str:
        return f"; {self.kept} clips before that are kept" if self.kept else ""

    def _drop(self, reason: str, detail: str, seconds: float | None = None) -> tuple[str, RejectedRow]:
        return "rejected", {
            "track_id": self.track_id,
            "stage": "clips",
            "reason": reason,
            "detail": detail,
            "duration_s": seconds,
        }
