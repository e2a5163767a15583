"""The same captions through every system: MP3 and spectrogram of a few clips, ready to embed."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.audio import decode_audio, encode_audio
from ssmttm.errors import UserError
from ssmttm.reporting.spectrogram import spectrogram_png
from ssmttm.tables import read_table

MAX_BYTES = 8_500_000
"""For all players of the page together, so that it stays under 15 MB with plotly's 5 MB."""

MAX_SECONDS = 30.0


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _choose(clip_ids: list[str], count: int) -> list[str]:
    """Evenly spread over the sorted ids: not picked by ear."""
    at = np.linspace(0, len(clip_ids) - 1, min(count, len(clip_ids))).round().astype(int)
    return [sorted(clip_ids)[i] for i in at]


def _rows(folder: Path, clip_ids: list[str]) -> dict[str, dict[str, Any]]:
    path = folder / "generated" / "final.parquet"
    table = read_table(path, "generated")
    table = table.filter(pc.is_in(table["clip_id"], value_set=pa.array(clip_ids, pa.string())))
    found = {r["clip_id"]: r for r in table.to_pylist()}
    if absent := sorted(set(clip_ids) - set(found)):
        raise UserError(f"{path}: lacks the clips {', '.join(absent)}, which other systems have")
    return found


def _player(row: dict[str, Any]) -> dict[str, Any]:
    wave, rate = decode_audio(row["audio"]["bytes"])
    wave = wave[: int(MAX_SECONDS * rate)]
    return {
        "audio": _data_url("audio/mpeg", encode_audio(wave, rate, "MP3")),
        "image": _data_url("image/png", spectrogram_png(wave, rate)),
        "seconds": len(wave) / rate,
        "top_hz": rate / 2,
    }


def examples(folders: dict[str, Path], count: int, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
    """At most `count` captions, each with one player per system of `folders`.

    The first system is the one whose clips are chosen from. Stops early, after at least one
    caption, when the players would take more than `limit` bytes.
    """
    first = next(iter(folders.values())) / "generated" / "final.parquet"
    every = read_table(first, "generated", ["clip_id"])["clip_id"].to_pylist()
    chosen = _choose(every, count)
    rows = {system: _rows(folder, chosen) for system, folder in folders.items()}
    shown: list[dict[str, Any]] = []
    used = 0
    for clip in chosen:
        players = {system: _player(of_system[clip]) for system, of_system in rows.items()}
        used += sum(len(p["audio"]) + len(p["image"]) for p in players.values())
        if shown and used > limit:
            break
        shown.append({"clip_id": clip, "caption": rows[next(iter(rows))][clip]["caption"], "players": players})
    return shown
