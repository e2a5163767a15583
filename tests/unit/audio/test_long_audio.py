"""Long tracks in bounded memory."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from ssmttm.audio.streams import probe
from ssmttm.tables import read_table, table_writer

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")

RATE, SECONDS = 8000, 10
LONG_S, SHORT_S = 1800, 120

MEASURE = f"""
import re, sys
from pathlib import Path
from ssmttm.stages import clips
settings = {{"seconds": {SECONDS}.0, "sample_rate": {RATE}, "loudness_lufs": -18.0, "silence_lufs": -50.0,
            "max_track_seconds": 40000.0}}
for name in sys.argv[1:]:
    folder = Path(name)
    clips.run({{"clips": settings, "vocals": {{"mode": "keep"}}}},
              *(folder / f"{{n}}.parquet" for n in ("audio", "clips", "fingerprints", "rejected")))
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def write_long(path: Path, seconds: int) -> None:
    """A file of a tone of ten seconds that is silent for a minute now and then, encoded as a stream."""
    t = np.arange(SECONDS * RATE) / RATE
    tone = (8000 * np.sin(2 * np.pi * 220 * t)).astype(np.int16)
    with av.open(str(path), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=RATE, layout="mono")
        for start in range(0, seconds, SECONDS):
            wave = tone if start // 60 % 4 else np.zeros_like(tone)
            frame = av.AudioFrame.from_ndarray(wave[None], "s16", "mono")
            frame.sample_rate, frame.pts = RATE, start * RATE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """Folders of the stage's tables for a short and a long track, and the peak memory after each, in MB."""
    root = tmp_path_factory.mktemp("long")
    for name, seconds in (("short", SHORT_S), ("long", LONG_S)):
        (root / name).mkdir()
        path = root / name / "track.flac"
        write_long(path, seconds)
        with table_writer(root / name / "audio.parquet", "audio") as add:
            add({"track_id": name, "audio": {"bytes": None, "path": str(path)}})
    command = [sys.executable, "-c", MEASURE, str(root / "short"), str(root / "long")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return root, [int(line) for line in result.stdout.split()]


def test_a_track_of_half_an_hour_takes_no_more_memory_than_one_of_two_minutes(measured: tuple[Path, list[int]]) -> None:
    _, (short, long) = measured
    assert long < 450
    assert long - short < 40


def test_every_clip_of_it_is_there_and_in_its_place(measured: tuple[Path, list[int]]) -> None:
    root, _ = measured
    rows = read_table(root / "long/clips.parquet", "clips", ["start_s", "loudness_lufs"]).to_pylist()
    silent = read_table(root / "long/rejected.parquet", "rejected").to_pylist()
    starts = [row["start_s"] for row in rows]
    assert starts == [s for s in range(0, LONG_S, SECONDS) if s // 60 % 4]
    assert {row["reason"] for row in silent} == {"silent"} and len(silent) + len(rows) == LONG_S // SECONDS
    assert np.ptp([row["loudness_lufs"] for row in rows]) < 0.01
    (found,) = read_table(root / "long/fingerprints.parquet", "fingerprints").to_pylist()
    assert found["duration_s"] == pytest.approx(LONG_S)
    assert probe(root / "long/track.flac").duration_s == pytest.approx(LONG_S)
