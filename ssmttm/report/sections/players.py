"""The same captions through every system: MP3 and spectrogram of a few clips, ready to embed.

All clips of a caption are brought to one loudness (EBU R128), so that none wins by being louder. Where the peaks of one
leave no room, they are turned down for a few milliseconds (`ssmttm.audio.limiter`), for else one peaky clip would
make all others quiet.
"""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.audio.limiter import leveled
from ssmttm.choices import CODE_MODELS
from ssmttm.dataset.sharing import REAL, RealMusic
from ssmttm.errors import UserError
from ssmttm.numbers import BASELINE_NAMES, budget_name, millions
from ssmttm.report.figures.spectrogram import spectrogram_png
from ssmttm.report.scoreboard import runs_by_budget
from ssmttm.study.folder import Study
from ssmttm.study_rows import SystemScore
from ssmttm.tables import read_table

MAX_BYTES = 4_300_000
"""For all players of the page together, so that it stays under 10 MB with plotly's 5 MB."""

MAX_SECONDS = 30.0

LEVEL_LUFS = -18.0
"""The loudness that all clips are brought to."""

HEADROOM = 10 ** (-1 / 20)
"""Peaks stay 1 dB below full scale, for what MP3 adds to them."""

LEAD = ("originals", "codec")
"""Beside the best runs, what the page plays first."""

SILENT = ("shuffled", "noise", "same_track", "training_codec", "nearest_caption", *CODE_MODELS)
"""Baselines that are scored but not played: they say nothing about a caption."""


@dataclass(frozen=True)
class Player:
    """One system's audio for a caption; `audio` and `image` are data URLs, `gain` in dB is None for silence."""

    audio: str
    image: str
    seconds: float
    top_hz: float
    gain: float | None
    limited: float = 0.0
    """By how many dB its highest peaks were turned down."""
    short: float = 0.0
    """By how many dB it is quieter than the others, since its peaks would have to be turned down further."""


@dataclass(frozen=True)
class Example:
    """A caption with a player for each system."""

    clip_id: str
    caption: str
    players: dict[str, Player]
    credit: str = ""
    """Whom to credit for the real music in it."""

    @property
    def seconds(self) -> float:
        """Of the longest clip."""
        return max(player.seconds for player in self.players.values())


@dataclass(frozen=True)
class Voice:
    """How a system's player looks."""

    system: str
    name: str
    note: str
    tone: str
    budget: int | None = None
    """Number of the budget that it is one of; None is all."""


@dataclass(frozen=True)
class Listen:
    """The captions that can be played: the first by the leading systems alone, the others by all."""

    examples: list[Example]
    requested: int
    leading: list[Voice]
    voices: list[Voice]
    budgets: list[str]
    unplayed: list[str]
    """Baselines whose real music must not be passed on."""

    @property
    def top_khz(self) -> float:
        """The upper edge of the spectrograms."""
        return max(player.top_hz for player in self.examples[0].players.values()) / 1000


def listen(
    study: Study,
    colors: dict[str, int],
    origins: Mapping[str, str],
    music: RealMusic,
    best: Sequence[str],
    count: int,
    limit: int,
) -> Listen:
    """At most `count` captions in about `limit` bytes, the first by `best` runs and the references only.

    Of several seeds of a design the first is played, or the one that is among the best. `origins` says where clips of
    external systems are from.
    """
    summary = study.summary
    baselines = [name for name in summary["baselines"] if name not in SILENT]
    groups = [(budget, _one_seed(runs, best)) for budget, runs in runs_by_budget(study["comparison"])]
    budgets = [budget_name(*budget) for budget, _ in groups]
    folders = {s: study.folder_of(s) for s in (*baselines, *(run.system for _, runs in groups for run in runs))}
    systems, clip_ids = playable(folders, REAL, music)
    voices = []
    for system in baselines:
        name, note = BASELINE_NAMES.get(system, (system, ""))
        if system in systems:
            voices.append(Voice(system, name, origins.get(system, note), "cn"))
    for number, (budget, (_, runs)) in enumerate(zip(budgets, groups, strict=True)):
        for run in runs:
            note, variant = f"{millions(run.parameters or 0)} parameters, {budget}", str(run.variant)
            voices.append(Voice(run.system, variant, note, f"c{colors[variant]}", number))
    names = [*(name for name in LEAD if name in systems), *best]
    leading = [replace(voice, budget=None) for name in names for voice in voices if voice.system == name]
    credited = music if systems.keys() & set(REAL) else None
    first = {voice.system: systems[voice.system] for voice in leading}
    return Listen(
        examples(systems, clip_ids, count, limit, credited, first),
        count,
        leading,
        voices,
        budgets,
        sorted(BASELINE_NAMES[name][0] for name in folders.keys() - systems.keys()),
    )


def _one_seed(runs: Sequence[SystemScore], best: Sequence[str]) -> list[SystemScore]:
    """A run of each design and size."""
    found: dict[tuple[object, ...], SystemScore] = {}
    for run in sorted(runs, key=lambda run: run.system not in best):
        found.setdefault((run.variant, run.size), run)
    kept = {run.system for run in found.values()}
    return [run for run in runs if run.system in kept]


def playable(folders: dict[str, Path], real: Collection[str], music: RealMusic) -> tuple[dict[str, Path], list[str]]:
    """The systems of `folders` that can be played, and the clips of the first for which all of them can.

    Systems in `real` play real music under its own clip ids, which they can't where it must not be passed on.
    Such clips are left out; if no other clip remains, those systems are.
    """
    first = next(iter(folders.values())) / "generated" / "final.parquet"
    every = read_table(first, "generated", ["clip_id"])["clip_id"].to_pylist()
    if not folders.keys() & set(real):
        return folders, every
    allowed = [clip_id for clip_id in every if music.may_be_passed_on(clip_id)]
    return (folders, allowed) if allowed else ({s: f for s, f in folders.items() if s not in real}, every)


def examples(
    folders: dict[str, Path],
    clip_ids: list[str],
    count: int,
    limit: int = MAX_BYTES,
    credited: RealMusic | None = None,
    leading: dict[str, Path] | None = None,
) -> list[Example]:
    """At most `count` captions, each with one player per system of `folders`; the first with those of `leading` alone.

    The clips are chosen from `clip_ids`. Stops early, after at least one caption, when the players
    would take more than `limit` bytes. `credited` is the music that is played, to be named.
    """
    clips = _spread(clip_ids, count)
    rows = {system: _rows(folder, clips) for system, folder in folders.items()}
    found: list[Example] = []
    used = 0
    for clip in clips:
        systems = folders if found else leading or folders
        players = {system: _player(rows[system][clip][1]) for system in systems}
        used += sum(len(p.audio) + len(p.image) for p in players.values())
        if found and used > limit:
            break
        credit = credited.credit(clip) if credited else ""
        found.append(Example(clip, next(iter(rows.values()))[clip][0], players, credit))
    return found


def _spread(clip_ids: list[str], count: int) -> list[str]:
    """Evenly over the sorted ids: not picked by ear."""
    at = np.linspace(0, len(clip_ids) - 1, min(count, len(clip_ids))).round().astype(int)
    return [sorted(clip_ids)[i] for i in at]


def _rows(folder: Path, clip_ids: list[str]) -> dict[str, tuple[str, bytes]]:
    """Caption and coded audio by clip."""
    path = folder / "generated" / "final.parquet"
    table = read_table(path, "generated")
    table = table.filter(pc.is_in(table["clip_id"], value_set=pa.array(clip_ids, pa.string())))
    rows = {row["clip_id"]: (row["caption"], row["audio"]["bytes"]) for row in table.to_pylist()}
    if absent := sorted(set(clip_ids) - set(rows)):
        raise UserError(f"{path}: lacks the clips {', '.join(absent)}, which other systems have")
    return rows


def _player(audio: bytes) -> Player:
    """A clip at the common loudness; the gain of one without measurable loudness, such as silence, is None."""
    wave, rate = decode_audio(audio)
    wave = wave[: int(MAX_SECONDS * rate)]
    made = leveled(wave, rate, LEVEL_LUFS, HEADROOM)
    return Player(
        audio=_data_url("audio/mpeg", encode_audio(made.wave, rate, "MP3")),
        image=_data_url("image/png", spectrogram_png(wave, rate)),
        seconds=len(wave) / rate,
        top_hz=rate / 2,
        gain=made.gain,
        limited=made.limited,
        short=made.short,
    )


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
