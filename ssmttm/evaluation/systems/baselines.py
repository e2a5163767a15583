"""What baselines do to real clips: noise as loud as they are, or the audio of others."""

import math

import numpy as np

from ssmttm.audio.loudness import loudness
from ssmttm.errors import UserError
from ssmttm.seeds import stable_int


def noise_like(wave: np.ndarray, sample_rate: int, seed: int) -> np.ndarray:
    """White uniform noise, float32 [n], as loud (EBU R128) as `wave` [n], less only where it would clip.

    `wave` must last 0.4 s or more; noise for a silent one is silent.
    """
    noise = np.random.default_rng(seed).uniform(-1.0, 1.0, len(wave))
    wanted, measured = loudness(wave, sample_rate), loudness(noise, sample_rate)
    gain = min(1.0, 10 ** ((wanted - measured) / 20)) if math.isfinite(wanted) else 0.0
    return (noise * gain).astype(np.float32)


def derange(tracks: dict[str, str], seed: int) -> dict[str, str]:
    """For each clip of `tracks` {clip: track}, another clip whose audio it gets; a permutation.

    No clip keeps its own audio, and none gets audio of its own track unless one track has more
    than half of the clips. Raises UserError for fewer than two clips.
    """
    if len(tracks) < 2:
        raise UserError("the shuffled baseline needs at least two prompts; raise generation.prompts or add music")
    # Clips of a track stand together, so a shift by the longest track's length leaves each one.
    order = sorted(tracks, key=lambda c: (stable_int("track", seed, tracks[c]), tracks[c], stable_int(seed, c)))
    sizes: dict[str, int] = {}
    for track in tracks.values():
        sizes[track] = sizes.get(track, 0) + 1
    shift = max(sizes.values()) % len(order) or 1
    return {clip: order[(i + shift) % len(order)] for i, clip in enumerate(order)}


def same_track(prompts: dict[str, str], clips: dict[str, str], seed: int) -> dict[str, str]:
    """For each of `prompts` {clip: track} another clip of its track, of `clips` {clip: track}; by seed.

    A track of one clip has no other: such a prompt gets one of another prompt's track, by `derange`.
    """
    by_track: dict[str, list[str]] = {}
    for clip, track in clips.items():
        by_track.setdefault(track, []).append(clip)
    found: dict[str, str] = {}
    for clip, track in prompts.items():
        others = sorted((c for c in by_track.get(track, []) if c != clip), key=lambda c: stable_int(seed, clip, c))
        found |= {clip: others[0]} if others else {}
    if len(found) < len(prompts):
        moved = derange(prompts, seed)
        found |= {clip: moved[clip] for clip in prompts if clip not in found}
    return found
