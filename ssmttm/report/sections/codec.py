"""What the codec costs and loses: bit rate, use of its codes, and reconstruction per number of levels."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ssmttm.numbers import significant
from ssmttm.report.cells import Row, Table, count, number
from ssmttm.rows import CodecLevelRow
from ssmttm.tables import read_table


@dataclass(frozen=True)
class CodecSection:
    """What the section says."""

    identity: str
    vocoder: str
    """What made the audio; empty if that is the codec itself."""
    clips: int
    test_clips: int
    heard: int
    """Test clips by artists that the vocoder knows."""
    frames: int
    windows: int
    embedder: str
    """Name and hash; empty if there is none."""
    phase: bool
    """Whether decoded waveforms follow the original's."""
    table: Table


def codec_section(data: Path) -> CodecSection | None:
    """The section, from `codec_quality.parquet` in the folder `data` of a data set; None if it isn't there."""
    path = data / "codec_quality.parquet"
    if not path.is_file():
        return None
    rows = cast(list[CodecLevelRow], read_table(path, "codec_quality").to_pylist())
    first = rows[0]
    return CodecSection(
        identity=first["codec"],
        vocoder=first["vocoder"] or "",
        clips=first["clips"],
        test_clips=first["test_clips"],
        heard=first["heard_clips"],
        frames=first["frames"],
        windows=first["windows"],
        embedder=first["embedder"] or "",
        phase=first["si_sdr_db"] is not None,
        table=Table([_row(row) for row in rows], file=path.name),
    )


def _row(row: CodecLevelRow) -> Row:
    cells = {
        "Levels": count(row["levels"]),
        "kbit/s": number(row["bit_rate"] / 1000, "{:.2f}".format),
        "Codes used": number(row["usage"], "{:.1%}".format),
        "Perplexity": number(row["perplexity"], "{:,.0f}".format),
        "Log-spectral distance, dB": number(row["log_spectral_distance_db"], "{:.2f}".format),
        "Mel distance": number(row["mel_distance"], "{:.3f}".format),
    }
    if row["si_sdr_db"] is not None:
        cells["SI-SDR, dB"] = number(row["si_sdr_db"], "{:.2f}".format)
    if row["fad"] is not None:
        cells["FAD"] = number(row["fad"], significant)
    return cells
