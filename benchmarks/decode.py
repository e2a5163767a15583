"""How many clips a second one core makes of encoded music, beside librosa doing the same.

Takes music of Debian packages (downloaded by apt into a temporary folder, or the files of --folder),
and MP3 and FLAC encoded from it, because most catalogues have those. Two jobs:

- every clip of 10 s at 24 kHz: decode, average the channels, resample, cut, bring to -18 LUFS, FLAC of 16 bit;
- one clip of 30 s at 44.1 kHz from the middle of each track, as in the paper's study.

The peer is librosa.load, pyloudnorm and soundfile, as one would write it; for the second job also with
librosa's `offset` and `duration`. Ours does exactly the same work, then also the quality figures, then
everything that the stage does, with fingerprints and Parquet. They take turns on one core; medians of CPU
time. Then what the parts cost, and the memory that a track of ten hours takes.

    python benchmarks/decode.py [--folder DIR] [--seconds 120] [--repeats 7] [--hours 10]
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any

import av
import librosa
import numpy as np
import pyloudnorm
import soundfile

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.decoding import decoded
from ssmttm.audio.fingerprint import Fingerprinter
from ssmttm.audio.loudness import loudness, normalize
from ssmttm.audio.streams import decode, glance, stream
from ssmttm.dataset.clips import clip_starts, finish, pieces
from ssmttm.dataset.quality import measure
from ssmttm.stages import clips
from ssmttm.tables import read_table, table_writer

PACKAGES = {"ogg": "singularity-music", "opus": "warzone2100-music"}
MUSIC = (".ogg", ".opus", ".mp3", ".flac")
LUFS = -18.0
EVERY = {"seconds": 10.0, "sample_rate": 24000, "loudness_lufs": LUFS, "silence_lufs": -69.0, "max_track_seconds": 1e6}
ONE = EVERY | {"seconds": 30.0, "sample_rate": 44100, "per_track": 1}


@contextmanager
def music(folder: Path | None) -> Iterator[list[Path]]:
    """Music files, largest first."""
    with tempfile.TemporaryDirectory() as name:
        root = folder or Path(name)
        if folder is None:
            for package in PACKAGES.values():
                subprocess.run(["apt-get", "download", "-q", package], cwd=name, check=True, capture_output=True)
            for deb in list(root.glob("*.deb")):
                subprocess.run(["dpkg-deb", "-x", str(deb), str(root / "files")], check=True)
        found = [path for path in root.rglob("*") if path.suffix in MUSIC and path.is_file()]
        yield sorted(found, key=lambda path: -path.stat().st_size)


def inputs(files: list[Path], seconds: float) -> dict[str, list[bytes]]:
    """Two tracks of `seconds` per codec: real ones where there are any, else encoded from real ones."""
    found: dict[str, list[bytes]] = {}
    for path in files:
        kind = path.suffix[1:]
        if glance(path).duration_s >= seconds and len(found.setdefault(kind, [])) < 2:
            found[kind].append(shortened(path, seconds))
    first = next(iter(found.values()))
    planes = [soundfile_stereo(data, 44100) for data in first]
    found.setdefault("mp3", [encoded(wave, "mp3", "libmp3lame", "fltp", 192_000) for wave in planes])
    found.setdefault("flac", [encoded(wave, "flac", "flac", "s16", 0) for wave in planes])
    return found


def shortened(path: Path, seconds: float) -> bytes:
    """The first seconds of a file, as they are encoded."""
    buffer = io.BytesIO()
    with (
        av.open(str(path)) as container,
        av.open(buffer, "w", format="ogg" if path.suffix == ".opus" else path.suffix[1:]) as out,
    ):
        audio = container.streams.audio[0]
        target = out.add_stream_from_template(audio)
        for packet in container.demux(audio):
            if packet.dts is None or packet.pts * packet.time_base > seconds:
                break
            packet.stream = target
            out.mux(packet)
    return buffer.getvalue()


def soundfile_stereo(data: bytes, rate: int) -> np.ndarray:
    """Samples `[2, n]` at `rate`, below full scale."""
    wave, found = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    planes = librosa.resample(wave.T[[0, -1]], orig_sr=found, target_sr=rate)
    return np.ascontiguousarray(planes / max(1.0, 1.001 * np.abs(planes).max()))


def encoded(wave: np.ndarray, container: str, codec: str, sample_format: str, bit_rate: int) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        audio = out.add_stream(codec, rate=44100, layout="stereo")
        if bit_rate:
            audio.bit_rate = bit_rate
        resampler = av.AudioResampler(sample_format, "stereo", 44100)
        for start in range(0, wave.shape[1], 65536):
            part = np.ascontiguousarray(wave[:, start : start + 65536])
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = 44100, start
            for ready in resampler.resample(frame):
                out.mux(audio.encode(ready))
        out.mux(audio.encode(None))
    return buffer.getvalue()


def peer_clip(wave: np.ndarray, rate: int) -> bytes:
    levelled = pyloudnorm.normalize.loudness(wave, pyloudnorm.Meter(rate).integrated_loudness(wave), LUFS)
    buffer = io.BytesIO()
    soundfile.write(buffer, levelled, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def peer_every(data: bytes) -> int:
    wave, rate = librosa.load(io.BytesIO(data), sr=24000, mono=True)
    length = 10 * rate
    return len([peer_clip(wave[i * length : (i + 1) * length], rate) for i in range(len(wave) // length)])


def peer_one(data: bytes) -> int:
    wave, rate = librosa.load(io.BytesIO(data), sr=44100, mono=True)
    start = clip_starts(len(wave), 30 * rate, 1)[0]
    peer_clip(wave[start : start + 30 * rate], rate)
    return 1


def peer_one_by_offset(data: bytes) -> int:
    seconds = librosa.get_duration(path=io.BytesIO(data))
    start = clip_starts(round(seconds), 30, 1)[0]
    wave, rate = librosa.load(io.BytesIO(data), sr=44100, mono=True, offset=start, duration=30)
    peer_clip(wave, rate)
    return 1


def our_pieces(data: bytes, settings: dict[str, Any]) -> Iterator[tuple[float, np.ndarray]]:
    rate = settings["sample_rate"]
    length = round(settings["seconds"] * rate)
    if "per_track" not in settings:
        return pieces(stream(data, rate), length, rate)
    starts = clip_starts(round(glance(data).duration_s * rate), length, settings["per_track"])
    return pieces(stream(data, rate, starts[0] / rate), length, rate, starts)


def ours_same(data: bytes, settings: dict[str, Any]) -> int:
    rate, count = settings["sample_rate"], 0
    for _, piece in our_pieces(data, settings):
        encode_audio(normalize(piece, loudness(piece, rate), LUFS), rate)
        count += 1
    return count


def ours_measured(data: bytes, settings: dict[str, Any]) -> int:
    count = 0
    for start_s, piece in our_pieces(data, settings):
        clip = finish(start_s, piece, settings)
        encode_audio(clip.wave, settings["sample_rate"])
        count += 1
    return count


def stored(tracks: list[bytes], folder: Path) -> dict[bytes, Path]:
    """A folder per track, with the table that the stage reads."""
    folders = {}
    for data in tracks:
        folders[data] = Path(tempfile.mkdtemp(dir=folder))
        with table_writer(folders[data] / "audio.parquet", "audio") as add:
            add({"track_id": "track", "audio": {"bytes": data, "path": "track"}})
    return folders


def ours_stage(folder: Path, settings: dict[str, Any]) -> int:
    outputs = [folder / f"{name}.parquet" for name in ("audio", "clips", "fingerprints", "rejected")]
    clips.run({"clips": settings, "vocals": {"mode": "keep"}}, *outputs)
    return read_table(outputs[1], "clips", ["clip_id"]).num_rows


def seconds_of(function: Callable[[], int]) -> tuple[float, int]:
    started = time.process_time()
    count = function()
    return time.process_time() - started, count


def compare(tracks: list[bytes], rivals: dict[str, Callable[[bytes], int]], repeats: int) -> dict[str, float]:
    """Clips per CPU second of each rival, medians over rounds in which each has every track once."""
    rates: dict[str, list[float]] = {name: [] for name in rivals}
    for round_ in range(repeats + 1):
        for name, function in rivals.items():
            spent = [seconds_of(lambda data=data, run=function: run(data)) for data in tracks]
            if round_:  # the first warms up
                rates[name].append(sum(count for _, count in spent) / sum(second for second, _ in spent))
    return {name: statistics.median(found) for name, found in rates.items()}


def parts(data: bytes, repeats: int) -> dict[str, float]:
    """Milliseconds per clip of 10 s at 24 kHz that each part of ours takes."""
    rate, length = 24000, 240_000
    wave = decode(data, rate, 1e6)
    cut = [wave[i : i + length] for i in range(0, len(wave) - length + 1, length)]
    finished = [finish(0.0, piece, EVERY).wave for piece in cut]

    def libraries() -> None:
        with av.open(io.BytesIO(data)) as container:
            container.streams.audio[0].codec_context.thread_count = 1
            for packet in container.demux(container.streams.audio[0]):
                packet.decode()

    def whole_print() -> None:
        found = Fingerprinter(rate)
        for piece in cut:
            found.feed(piece)
        found.result()

    steps: dict[str, tuple[Callable[[], Any], float]] = {
        "FFmpeg through PyAV alone": (libraries, len(wave) / length),
        "+ gaps, channels": (lambda: [None for _ in decoded(data)], len(wave) / length),
        "+ resampling": (lambda: [None for _ in stream(data, rate)], len(wave) / length),
        "loudness": (lambda: [loudness(piece, rate) for piece in cut], len(cut)),
        "normalization": (lambda: [normalize(piece, -20.0, LUFS) for piece in cut], len(cut)),
        "quality figures": (lambda: [measure(piece, rate) for piece in cut], len(cut)),
        "FLAC": (lambda: [encode_audio(piece, rate) for piece in finished], len(cut)),
        "fingerprint": (whole_print, len(cut)),
        "pyloudnorm, for comparison": (lambda: [pyloudnorm.Meter(rate).integrated_loudness(p) for p in cut], len(cut)),
    }
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, (function, count) in steps.items():
            found[name].append(1e3 * seconds_of(lambda run=function: run() and 0)[0] / count)
    return {name: statistics.median(values) for name, values in found.items()}


def write_long(path: Path, hours: float) -> None:
    """A FLAC file of a tone of a minute and a minute of silence by turns, 8 kHz, written as a stream."""
    rate = 8000
    tone = (8000 * np.sin(2 * np.pi * 220 * np.arange(60 * rate) / rate)).astype(np.int16)
    with av.open(str(path), "w", format="flac") as out:
        audio = out.add_stream("flac", rate=rate, layout="mono")
        for minute in range(round(60 * hours)):
            frame = av.AudioFrame.from_ndarray((tone * (minute % 2))[None], "s16", "mono")
            frame.sample_rate, frame.pts = rate, minute * 60 * rate
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))


MEASURE_LONG = """
import re, sys, time
from pathlib import Path
from ssmttm.stages import clips
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
before, started = peak(), time.process_time()
spec = {"clips": {"seconds": 10.0, "sample_rate": 24000, "loudness_lufs": -18.0, "silence_lufs": -50.0,
                  "max_track_seconds": 1e6}, "vocals": {"mode": "keep"}}
clips.run(spec, *map(Path, sys.argv[1:]))
print(time.process_time() - started, before, peak())
"""


def long_track(hours: float) -> None:
    """What the stage takes for one long track, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_long(folder / "long.flac", hours)
        outputs = [str(folder / f"{table}.parquet") for table in ("audio", "clips", "fingerprints", "rejected")]
        with table_writer(outputs[0], "audio") as add:
            add({"track_id": "long", "audio": {"bytes": None, "path": str(folder / "long.flac")}})
        command = [sys.executable, "-c", MEASURE_LONG, *outputs]
        words = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        seconds, before, peak = map(float, words)
    print(f"\na track of {hours:g} h at 8 kHz: {seconds:.0f} CPU s")
    print(f"peak memory {peak:.0f} MB, of which the imports take {before:.0f} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="music files; default: Debian packages by apt")
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="of each of two tracks per codec, for the first job"
    )
    parser.add_argument("--track-seconds", type=float, default=240.0, help="the same for the second job")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--hours", type=float, default=10.0, help="of the long track; 0: none")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with music(arguments.folder) as files, tempfile.TemporaryDirectory() as name:
        work = Path(name)
        every, one = (inputs(files, seconds) for seconds in (arguments.seconds, arguments.track_seconds))
        folders = stored([data for found in (every, one) for tracks in found.values() for data in tracks], work)
        whole = {"librosa": peer_every}
        middle = {"librosa": peer_one, "librosa, by offset": peer_one_by_offset}
        for title, tracks, peers, settings in (
            ("every clip of 10 s at 24 kHz", every, whole, EVERY),
            ("one clip of 30 s at 44.1 kHz per track", one, middle, ONE),
        ):
            rivals = peers | {
                "ours, the same work": partial(ours_same, settings=settings),
                "ours, with quality figures": partial(ours_measured, settings=settings),
                "ours, the whole stage": lambda data, settings=settings: ours_stage(folders[data], settings),
            }
            print(f"\n{title}: clips per CPU second (times librosa)")
            ratios = []
            for codec, data in tracks.items():
                with open(os.devnull, "w") as quiet, redirect_stderr(quiet):
                    found = compare(data, rivals, arguments.repeats)
                print(f"  {codec}")
                for rival, rate in found.items():
                    print(f"    {rival:32}{rate:8.1f}{rate / found['librosa']:8.2f}", flush=True)
                ratios.append(found["ours, the same work"] / found["librosa"])
            mean = statistics.geometric_mean(ratios)
            verdict = "reached" if mean >= 3 else "MISSED"
            print(f"  the same work, geometric mean of the codecs: {mean:.2f} (goal: at least 3: {verdict})")
        print("\nmilliseconds per clip of 10 s at 24 kHz")
        for codec, data in every.items():
            print(f"  {codec}")
            for step, spent in parts(data[0], arguments.repeats).items():
                print(f"    {step:40}{spent:8.2f}")
    if arguments.hours:
        long_track(arguments.hours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
