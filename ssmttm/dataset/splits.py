"""Which split a clip is in: by its artist, chosen so that the splits are alike; duplicates are in none.

The rule, for the whole of a data set at once:

1. Artists who share tracks are one (`ssmttm.dataset.artists`). Those named in `held_out` are where it says.
2. The numbers of artists in validation and test follow from their shares. Of `DRAWS` seeded draws of such
   artists, the one is taken whose splits come closest to their shares of the music, in all and of each kind
   of it: see `_unlikeness`. Draws with fewer artists or tracks than `least` asks for are passed over.
3. Of the artists in train, shares `known` and `tuning` of the tracks are held out, spread over the artists.
   Each artist keeps a track in train.

It depends on names, kinds and numbers of clips and on the seed, never on an order of files.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ssmttm.dataset.artists import split_units, units_of
from ssmttm.errors import UserError
from ssmttm.rows import SplitRow
from ssmttm.seeds import stable_int
from ssmttm.settings import Least, SplitSettings
from ssmttm.wording import counted, listed, some

SPLITS = ("train", "validation", "test")
"""Splits of artists, of which each has some."""

DUPLICATE = "duplicate"
"""What stands in place of a split for a clip that is in none, because its track duplicates another one."""

DRAWS = 4096
_BATCH = 64
_REMEDY = "change data.split, or add music"


@dataclass
class Artist:
    """One artist of a data set, or several who share tracks: clips by track, and by kind of music."""

    tracks: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def assign(
    clips: Iterable[tuple[str, str]],
    artists: Mapping[str, str | None],
    settings: SplitSettings,
    duplicates: Mapping[str, str] | None = None,
    kinds: Mapping[str, Sequence[str]] | None = None,
) -> list[SplitRow]:
    """Rows of the `splits` table for (clip_id, track_id) pairs, in their order.

    Args:
        clips: all clips.
        artists: each track's artist, as credited.
        settings: `data.split`, or `vocoder.split`.
        duplicates: track: the one that is kept instead; their clips are in no split.
        kinds: what is balanced between the splits: each track's genres, and where it comes from.

    Raises:
        UserError: too few artists or tracks for `settings`, a name that is no artist's, or tracks that aren't
            among `artists`.
    """
    clips, duplicates, kinds = list(clips), duplicates or {}, kinds or {}
    _check_tracks(clips, artists, duplicates)
    units = split_units(artists, duplicates)
    counted_tracks = Counter(track for _, track in clips if track not in duplicates)
    found: dict[str, Artist] = defaultdict(Artist)
    for track, number in sorted(counted_tracks.items()):
        artist = found[units[track]]
        artist.tracks[track] = number
        artist.kinds.update(dict.fromkeys(kinds.get(track, ()), number))
    fixed = {
        unit: split
        for split, names in (settings.get("held_out") or {}).items()
        for unit in units_of(names, artists, units, f"data.split.held_out.{split}")
    }
    split_of = allot(found, settings, fixed)
    spared = spare({name: found[name].tracks for name in found if split_of[name] == "train"}, settings)
    rows: list[SplitRow] = []
    for clip_id, track in clips:
        split = DUPLICATE if track in duplicates else spared.get(track) or split_of[units[track]]
        rows.append({"clip_id": clip_id, "track_id": track, "artist": units[track], "split": split})
    return rows


def _check_tracks(
    clips: Iterable[tuple[str, str]], artists: Mapping[str, str | None], duplicates: Mapping[str, str]
) -> None:
    for track_id in {*duplicates, *duplicates.values()} - artists.keys():
        raise UserError(
            f"duplicates: track {track_id} is not among the licensed ones; "
            "the duplicates belong to another data set, so find them anew"
        )
    for clip_id, track_id in clips:
        if track_id not in artists:
            raise UserError(
                f"clip {clip_id}: its track {track_id} is not among the licensed ones; "
                "the clips belong to another data set, so make them anew"
            )


def allot(artists: Mapping[str, Artist], settings: SplitSettings, fixed: Mapping[str, str]) -> dict[str, str]:
    """The split of each artist; `fixed` ones are known. Raises UserError if there are too few for `settings`."""
    names = sorted(artists)
    numbers = _numbers(names, settings, fixed)
    kinds = sorted({kind for artist in artists.values() for kind in artist.kinds})
    place = {kind: column for column, kind in enumerate(kinds)}
    music = np.zeros((len(names), 1 + len(kinds)))  # clips: all, and of each kind
    tracks = np.array([len(artists[name].tracks) for name in names], float)
    for row, name in enumerate(names):
        music[row, 0] = artists[name].tracks.total()
        for kind, clips in artists[name].kinds.items():
            music[row, 1 + place[kind]] = clips
    wanted = np.array([1 - settings["validation"] - settings["test"], settings["validation"], settings["test"]])
    least = np.array([_least(settings, split, "tracks") for split in SPLITS], float)

    best, cost = None, math.inf
    most_tracks = np.zeros(len(SPLITS))
    for chosen in _draws(names, numbers, fixed, settings["seed"]):
        member = chosen[:, None, :] == np.arange(len(SPLITS))[:, None]  # [draws, splits, artists]
        counts = member @ tracks
        most_tracks = np.maximum(most_tracks, counts.max(0))
        costs = np.where((counts >= least).all(1), _unlikeness(member @ music, wanted), math.inf)
        if costs.min() < cost:
            best, cost = chosen[costs.argmin()], costs.min()
    if best is None:
        short = [(s, int(n), int(m)) for s, n, m in zip(SPLITS, least, most_tracks) if m < n]
        split, needed, there = short[0] if short else ("test", int(least[2]), int(most_tracks[2]))
        raise UserError(
            f"data.split.least: no choice of artists gives {split} {needed} tracks and the others theirs; "
            f"the most that {split} got of {DRAWS:,} draws are {there}; {_REMEDY}"
        )
    return {name: SPLITS[index] for name, index in zip(names, best)}


def _least(settings: SplitSettings, split: str, what: Literal["artists", "tracks"]) -> int:
    every: Mapping[str, Least] = settings.get("least") or {}
    return max(1, every.get(split, Least()).get(what, 1))


def _numbers(names: Sequence[str], settings: SplitSettings, fixed: Mapping[str, str]) -> list[int]:
    """How many artists are drawn for validation and test, besides those that are `fixed`."""
    held = Counter(split for name, split in fixed.items() if name in names)
    wanted = {
        split: max(_least(settings, split, "artists"), round(settings[split] * len(names)), held[split])
        for split in ("validation", "test")
    }
    left = len(names) - sum(wanted.values())
    for split, number in (("train", left), *wanted.items()):
        if number < _least(settings, split, "artists") or (split != "train" and left < 1):
            needed = {split: _least(settings, split, "artists") for split in SPLITS}
            given = listed([f"{n} to {split}" for split, n in wanted.items()])
            raise UserError(
                f"data.split: {counted(len(names), 'artist')} ({some(names, 8)}) are too few: "
                f"{listed([f'{split} needs {n}' for split, n in needed.items()])}"
                f", and shares and held_out give {given}; {_REMEDY}"
            )
    return [wanted[split] - held[split] for split in ("validation", "test")]


def _draws(names: Sequence[str], numbers: Sequence[int], fixed: Mapping[str, str], seed: int) -> Iterable[np.ndarray]:
    """Batches of assignments `[draws, artists]`, as places in `SPLITS`."""
    random = np.random.default_rng(stable_int("split", seed))
    free = np.array([i for i, name in enumerate(names) if name not in fixed], int)
    start = np.zeros(len(names), int)
    for i, name in enumerate(names):
        start[i] = SPLITS.index(fixed[name]) if name in fixed else 0
    for first in range(0, DRAWS, _BATCH):
        chosen = np.tile(start, (min(_BATCH, DRAWS - first), 1))
        order = random.random((len(chosen), len(free))).argsort(1)
        for column, (split, number) in enumerate(zip((1, 2), numbers)):
            begin = sum(numbers[:column])
            np.put_along_axis(chosen, free[order[:, begin : begin + number]], split, 1)
        yield chosen


def _unlikeness(music: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """How far splits are from their shares of the music, `[draws]`, from clips `[draws, splits, 1 + kinds]`.

    The first column counts all clips, the others those of each kind. Of every column the squared distance
    from the expected number of clips, relative to it, as in Pearson's χ²; per clip, so that the music as a whole
    and all its kinds together count alike.
    """
    totals = music.sum(1, keepdims=True)
    expected = wanted[:, None] * totals
    columns = ((music - expected) ** 2 / np.maximum(expected, 1e-9)).sum(1)  # [draws, 1 + kinds]
    of_kinds = totals[:, 0, 1:].sum(1)
    unlikeness: np.ndarray = columns[:, 0] / totals[:, 0, 0] + columns[:, 1:].sum(1) / np.maximum(of_kinds, 1)
    return unlikeness


def spare(tracks: Mapping[str, Mapping[str, int]], settings: SplitSettings) -> dict[str, str]:
    """The tracks that are `known` or `tuning`, of artists in train with their tracks.

    The shares are of all these tracks, met as closely as whole tracks allow, and spread: in a line of the artists'
    tracks, every so many-th is held out. One track of each artist, drawn by the seed, isn't in the line.
    """
    line: list[str] = []
    for name in sorted(tracks, key=lambda name: stable_int("split", settings["seed"], name)):
        line += sorted(tracks[name], key=lambda track: stable_int("spare", settings["seed"], track))[1:]
    total = sum(map(len, tracks.values()))
    found: dict[str, str] = {}
    for split, share in (("known", settings.get("known", 0.0)), ("tuning", settings.get("tuning", 0.0))):
        left = [track for track in line if track not in found]
        number = round(share * total)
        if share and not 0 < number <= len(left):
            raise UserError(
                f"data.split.{split}: a share of {share:g} of the {counted(total, 'track')} by "
                f"{counted(len(tracks), 'artist')} in train is {counted(number, 'track')}, "
                f"and {len(left)} can be spared; {_REMEDY}"
            )
        found |= {left[(2 * i + 1) * len(left) // (2 * number)]: split for i in range(number)}
    return found
