"""Warnings that stand beside a score in its table: too few clips, too few windows, nothing compared."""

import numpy as np

from ssmttm.evaluation import gaussian
from ssmttm.evaluation.clipset import ClipSet, same_audio

FEW_CLIPS_FOR_SETS = 50
"""Below it, scores of whole sets of clips are badly biased or unsteady."""
FEW_CLIPS = 20
"""Below it, a bootstrap interval of a mean over clips is rough (Efron and Tibshirani 1993, chapter 14)."""
WINDOWS_PER_DIMENSION = 10
"""Below it, the bias of a Fréchet distance is a notable share of it: it falls as one over the windows."""
UNLIKE_SECONDS = 0.5
"""Clips whose lengths differ by more are of unlike length."""

SAME = "the same audio as the reference: zero by construction, no result"
SAME_ONE = SAME.replace("zero", "one")


def few_clips(clips: int) -> list[str]:
    """For means over clips."""
    return [f"only {clips} clips: the interval is rough"] if clips < FEW_CLIPS else []


def few_clips_of_set(clips: int, consequence: str) -> list[str]:
    """For scores of a whole set; `consequence` says what becomes of this one."""
    return [f"only {clips} clips: {consequence}"] if clips < FEW_CLIPS_FOR_SETS else []


def few_windows(windows: int, dim: int) -> list[str]:
    """For covariances of `windows` rows of `dim` values."""
    if rank_deficient(windows, dim):
        return [f"{windows} windows for {dim} dimensions: covariances lack full rank, the value is biased upward"]
    if windows < WINDOWS_PER_DIMENSION * dim:
        return [
            f"{windows} windows for {dim} dimensions, fewer than {WINDOWS_PER_DIMENSION} for each: "
            "the value is biased upward"
        ]
    return []


def rank_deficient(rows: int, dim: int) -> bool:
    """True if a covariance of `rows` rows can't have full rank."""
    return rows - 1 < dim


def of_gaussians(system: ClipSet, reference: ClipSet) -> list[str]:
    """All that may be wrong with a score that fits Gaussians to both sets."""
    if same_audio(system, reference):
        return [SAME]
    dim = system.windows[0].shape[1]
    found = few_windows(min(system.window_count, reference.window_count), dim)
    if not rank_deficient(min(system.window_count, reference.window_count), dim):
        found += [w for clips in (system, reference) for w in _lacking_rank(clips, dim)]
    return found + few_clips_of_set(
        len(system.clip_ids), "biased upward, comparable only with values at the same number"
    )


def _lacking_rank(clips: ClipSet, dim: int) -> list[str]:
    rank = gaussian.rank(gaussian.statistics(np.concatenate(clips.windows))[1])
    if rank == dim:
        return []
    return [
        f"the embeddings of {clips.name} fill only {rank} of {dim} dimensions (some repeat others, or never change): "
        "comparable only with values of the same embedder and setting"
    ]


def unlike(system: ClipSet, reference: ClipSet) -> list[str]:
    """Where the two sets' audio differs in a way that moves every score: length, sample rate, channels.

    Paired clips are compared one by one, others by what is usual.
    """
    if system.clip_ids == reference.clip_ids:
        pairs = list(zip(system.audio, reference.audio, strict=True))
    else:
        pairs = [(system.usual, reference.usual)]
    ways: list[tuple[str, list[tuple[float, float]]]] = [
        ("{:.1f} s", [(a.seconds, b.seconds) for a, b in pairs if abs(a.seconds - b.seconds) > UNLIKE_SECONDS]),
        ("{} Hz", [(a.sample_rate, b.sample_rate) for a, b in pairs if a.sample_rate != b.sample_rate]),
        ("channels: {}", [(a.channels, b.channels) for a, b in pairs if a.channels != b.channels]),
    ]
    found = []
    for form, differing in ways:
        if differing:
            some = "" if len(differing) == len(pairs) else f"{len(differing)} of {len(pairs)} clips unlike: "
            own, other = map(form.format, differing[0])
            found.append(f"{some}{own} against {other} in the reference{_more(differing)}")
    return found


def _more(differing: list[tuple[float, float]]) -> str:
    return ", and others" if len(set(differing)) > 1 else ""
