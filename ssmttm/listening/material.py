"""What goes into a listening test: systems and captions of a study, and their audio, made alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssmttm.audio.coded import decode_audio, resample
from ssmttm.dataset.sharing import REAL, RealMusic
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.listening import level
from ssmttm.listening.design import HISS, Design, every_pair
from ssmttm.seeds import stable_int
from ssmttm.tables import read_table

CEILING = "originals"
_UNCREDITED = ("shuffled", "training_codec", "nearest_caption", "same_track")
"""Baselines of real music under other clips' names: whose it is can't be told."""
_VOLUME_S = 4.0


class Unshareable(UserError):
    """Too little real music may be passed on."""


class Systems(NamedTuple):
    """The folders of all systems of a study, and which are models: runs and other makers' systems, not baselines."""

    folders: dict[str, Path]
    models: frozenset[str]


def systems(study: Path) -> Systems:
    """The systems that summary.json in the folder `study` names; UserError if there are no models."""
    summary = read_json(study / "summary.json")
    runs, others = summary.get("runs", {}), summary.get("baselines", {})
    if not runs:
        raise UserError(f"{study / 'summary.json'}: names no runs")
    external = {
        name for name, system in others.items() if system.get("facts", {}).get("kind", "baseline") != "baseline"
    }
    folders = {name: study / system["folder"] for name, system in {**others, **runs}.items()}
    return Systems(folders, frozenset({*runs, *external}))


def choose(wanted: Sequence[str], study: Systems) -> list[str]:
    """The wanted systems; without any, all models and real music."""
    if unknown := [s for s in wanted if s not in study.folders]:
        raise UserError(f"--systems {unknown[0]}: no such system; this study has {', '.join(study.folders)}")
    if refused := [s for s in wanted if s in _UNCREDITED]:
        raise UserError(f"--systems {refused[0]}: real music that this test could not credit; leave it out")
    every = [s for s in study.folders if s in study.models or s == CEILING]
    return list(dict.fromkeys(wanted)) or every


def real_music(study: Systems, data: Path | None) -> RealMusic | None:
    """The tracks of the data set in `data`, or else in the one that belongs to the study's real music; None without it.

    Raises UserError if the data set isn't there.
    """
    folders = [study.folders[name] for name in REAL if name in study.folders]
    if not folders:
        return None
    baselines = folders[0].resolve().parent  # results/baselines/VERSION
    licensed = (data or baselines.parent.parent / "data" / baselines.name) / "licensed.parquet"
    if not licensed.is_file():
        raise UserError(f"{licensed}: no such file; give the data set of the study's real music as --data")
    return RealMusic(licensed)


def pairs(wanted: Sequence[str], chosen: Sequence[str], study: Systems) -> tuple[tuple[str, str], ...]:
    """The wanted pairs "A:B" of chosen systems; without any, every two models among them."""
    if not wanted:
        return every_pair(s for s in chosen if s in study.models)
    wanted_pairs = []
    for text in wanted:
        parts = text.split(":")
        if len(parts) != 2 or parts[0] == parts[1] or set(parts) - set(chosen):
            raise UserError(f"--pairs {text}: expected A:B, two of {', '.join(chosen)}")
        wanted_pairs.append((min(parts), max(parts)))
    return tuple(dict.fromkeys(wanted_pairs))


def captions(folders: dict[str, Path], count: int, seed: int, music: RealMusic | None = None) -> dict[str, str]:
    """`count` of the clip ids that all systems have, with their captions; drawn by seed, not picked by ear.

    With `music`, only of those whose real music may be passed on.
    """
    texts: dict[str, str] = {}
    shared: list[set[str]] = []
    for path in map(_table, folders.values()):
        here = dict(zip(*read_table(path, "generated", ["clip_id", "caption"]).to_pydict().values()))
        shared.append(set(here))
        if differing := [c for c in here if texts.setdefault(c, here[c]) != here[c]]:
            raise UserError(f"{path}: clip {differing[0]} has another caption than in other systems")
    common = sorted(set.intersection(*shared), key=lambda c: stable_int("listening", seed, c))
    if len(common) < count:
        raise UserError(f"--captions {count}: the systems have only {len(common)} clips in common")
    allowed = [c for c in common if music is None or music.may_be_passed_on(c)]
    if len(allowed) < count:
        raise Unshareable(
            f"--captions {count}: of the {len(common)} clips that the systems have in common, the licenses let "
            f"{len(allowed)} be passed on as real music; ask for fewer, or give --systems without real music"
        )
    return {c: texts[c] for c in sorted(allowed[:count])}


def captions_and_ceiling(
    study: Systems, chosen: Sequence[str], count: int, seed: int, music: RealMusic | None
) -> tuple[dict[str, str], str | None]:
    """Clip ids with captions, and the system of real music that checks may use.

    Clips whose real music must not be passed on are left out; if there are too few others, and no real
    music was asked for, checks do without it.
    """
    folders = {s: study.folders[s] for s in chosen}
    ceiling = CEILING if CEILING in study.folders else None
    asked = not folders.keys().isdisjoint(REAL)
    if ceiling or asked:
        try:
            return captions(folders, count, seed, music), ceiling
        except Unshareable:
            if asked:
                raise
    return captions(folders, count, seed), None


def waves(
    design: Design, folders: dict[str, Path], seconds: float | None, seed: int
) -> tuple[dict[str, np.ndarray], int]:
    """Samples `[n]` of every clip of the design by opaque name, and their rate.

    One rate, the highest, so that no system loses anything; one length for all clips of a caption,
    that of the shortest or `seconds`; short fades at both ends. So neither tells a system.
    """
    wanted: dict[str, set[str]] = {}
    for clip in design.clips.values():
        wanted.setdefault(clip["system"], set()).add(clip["clip_id"])
    wanted.pop(HISS, None)
    audio = {(s, c): sound for s, ids in wanted.items() for c, sound in _audio(folders[s], ids).items()}
    rate = max(r for _, r in audio.values())
    made = {key: resample(w, r, rate) for key, (w, r) in audio.items()}
    lengths: dict[str, int] = {}
    for (system, clip_id), wave in made.items():
        if len(wave) < level.SHORTEST_S * rate:
            raise UserError(f"{_table(folders[system])}: clip {clip_id} is shorter than {level.SHORTEST_S} s")
        longest = len(wave) if seconds is None else round(seconds * rate)
        lengths[clip_id] = min(lengths.get(clip_id, longest), longest, len(wave))
    out = {}
    for name, clip in design.clips.items():
        system, clip_id = clip["system"], clip["clip_id"]
        n = lengths[clip_id]
        wave = level.hiss(n, stable_int(seed, name)) if system == HISS else made[system, clip_id][:n]
        out[name] = level.faded(wave, rate)
    out[design.public["volume"]] = level.faded(level.hiss(round(_VOLUME_S * rate), seed), rate)
    return out, rate


def _table(folder: Path) -> Path:
    return folder / "generated" / "final.parquet"


def _audio(folder: Path, clip_ids: set[str]) -> dict[str, tuple[np.ndarray, int]]:
    path = _table(folder)
    table = read_table(path, "generated", ["clip_id", "audio"])
    table = table.filter(pc.is_in(table["clip_id"], value_set=pa.array(sorted(clip_ids), pa.string())))
    audio = {}
    for row in table.to_pylist():
        wave, rate = decode_audio(row["audio"]["bytes"])
        if not np.isfinite(wave).all():
            raise UserError(f"{path}: clip {row['clip_id']} has samples that are not finite numbers")
        audio[row["clip_id"]] = wave, rate
    if missing := sorted(clip_ids - set(audio)):
        raise UserError(f"{path}: lacks clip {missing[0]}, which other systems have")
    return audio
