"""The same captions through every system: MP3 and spectrogram of a few clips, ready to embed.

All clips of a caption are brought to one loudness (EBU R128), so that none wins by being louder.
"""

import base64
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.audio.loudness import loudness
from ssmttm.dataset.sharing import RealMusic
from ssmttm.errors import UserError
from ssmttm.report.figures.spectrogram import spectrogram_png
from ssmttm.tables import read_table

MAX_BYTES = 8_200_000
"""For all players of the page together, so that it stays under 15 MB with plotly's 5 MB."""

MAX_SECONDS = 30.0

LEVEL_LUFS = -18.0
"""The loudness that the clips of a caption are brought to, or less where one's peaks leave no room."""

HEADROOM = 10 ** (-1 / 20)
"""Peaks stay 1 dB below full scale, for what MP3 adds to them."""


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


def levels(waves: dict[str, np.ndarray], rate: dict[str, int]) -> tuple[float, dict[str, float | None]]:
    """One loudness for all `waves` `[n]` and the gain in dB that brings each to it.

    It is -18 LUFS, or the loudest that every clip reaches with its peak 1 dB below full scale. The
    gain of a clip without measurable loudness (silence, or less than 0.4 s) is None: it is left alone.
    """
    measured = {name: loudness(wave, rate[name]) for name, wave in waves.items()}
    heard = {name: value for name, value in measured.items() if math.isfinite(value)}
    room = {name: 20 * math.log10(HEADROOM / float(np.abs(waves[name]).max())) for name in heard}
    target = min([LEVEL_LUFS, *(value + room[name] for name, value in heard.items())])
    return target, {name: target - heard[name] if name in heard else None for name in waves}


def _player(wave: np.ndarray, rate: int, gain: float | None) -> dict[str, Any]:
    scaled = wave if gain is None else (wave * 10 ** (gain / 20)).astype(np.float32)
    return {
        "audio": _data_url("audio/mpeg", encode_audio(scaled, rate, "MP3")),
        "image": _data_url("image/png", spectrogram_png(wave, rate)),
        "seconds": len(wave) / rate,
        "top_hz": rate / 2,
        "gain": gain,
    }


def _example(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The players of one caption, by system."""
    decoded = {system: decode_audio(row["audio"]["bytes"]) for system, row in rows.items()}
    rates = {system: rate for system, (_, rate) in decoded.items()}
    waves = {system: wave[: int(MAX_SECONDS * rate)] for system, (wave, rate) in decoded.items()}
    target, gains = levels(waves, rates)
    players = {system: _player(wave, rates[system], gains[system]) for system, wave in waves.items()}
    seconds = max(p["seconds"] for p in players.values())
    return {"players": players, "lufs": target, "seconds": seconds}


def playable(folders: dict[str, Path], real: Collection[str], music: RealMusic) -> tuple[dict[str, Path], list[str]]:
    """The systems of `folders` that can be played, and the clips of the first for which all of them can.

    Systems in `real` sound real music under its own clip ids: of a clip that must not be passed on they can't be
    played. Such clips are left out; where nothing else is there, those systems are.
    """
    first = next(iter(folders.values())) / "generated" / "final.parquet"
    every = read_table(first, "generated", ["clip_id"])["clip_id"].to_pylist()
    if not folders.keys() & set(real):
        return folders, every
    allowed = [clip_id for clip_id in every if music.may_be_passed_on(clip_id)]
    return (folders, allowed) if allowed else ({s: f for s, f in folders.items() if s not in real}, every)


def examples(folders: dict[str, Path], clip_ids: list[str], count: int, limit: int = MAX_BYTES) -> list[dict[str, Any]]:
    """At most `count` captions, each with one player per system of `folders`.

    The clips are chosen from `clip_ids`. Stops early, after at least one caption, when the players
    would take more than `limit` bytes.
    """
    chosen = _choose(clip_ids, count)
    rows = {system: _rows(folder, chosen) for system, folder in folders.items()}
    shown: list[dict[str, Any]] = []
    used = 0
    for clip in chosen:
        example = _example({system: of_system[clip] for system, of_system in rows.items()})
        used += sum(len(p["audio"]) + len(p["image"]) for p in example["players"].values())
        if shown and used > limit:
            break
        shown.append({"clip_id": clip, "caption": rows[next(iter(rows))][clip]["caption"], **example})
    return shown
