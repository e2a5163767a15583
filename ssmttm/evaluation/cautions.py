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
DIFFERING_SECONDS = 0.5
"""Clips whose lengths differ by more are of different lengths."""

SAME = "the same audio as the reference: zero by construction, no result"
SAME_ONE = "the same audio as the reference: one by construction, no result"


def few_clips(clips: int) -> list[str]:
    """For means over clips."""
    return [f"only {clips} clips: the interval is rough"] if clips < FEW_CLIPS else []


def few_clips_of_set(clips: int, consequence: str) -> list[str]:
    """For scores of a whole set; `consequence` says what becomes of this one."""
    return [f"only {clips} clips: {consequence}"] if clips < FEW_CLIPS_FOR_SETS else []


def few_windows(windows: int, dim: int) -> list[str]:
    """For covariances of `windows` rows of `dim` values."""
    biased = "the value is biased upward"
    if windows - 1 < dim:
        return [f"{windows} windows for {dim} dimensions: covariances lack full rank, {biased}"]
    if windows < WINDOWS_PER_DIMENSION * dim:
        return [f"{windows} windows for {dim} dimensions, fewer than {WINDOWS_PER_DIMENSION} for each: {biased}"]
    return []


def of_gaussians(system: ClipSet, reference: ClipSet) -> list[str]:
    """All that may be wrong with a score that fits Gaussians to both sets."""
    if same_audio(system, reference):
        return [SAME]
    dim = system.windows[0].shape[1]
    windows = min(system.window_count, reference.window_count)
    warnings = few_windows(windows, dim)
    if windows - 1 >= dim:
        warnings += [w for clips in (system, reference) for w in _lacking_rank(clips, dim)]
    clips = len(system.clip_ids)
    return warnings + few_clips_of_set(clips, "biased upward, comparable only with values at the same number")


def _lacking_rank(clips: ClipSet, dim: int) -> list[str]:
    rank = gaussian.rank(gaussian.statistics(np.concatenate(clips.windows))[1])
    if rank == dim:
        return []
    return [
        f"the embeddings of {clips.name} fill only {rank} of {dim} dimensions (some repeat others, or never change): "
        "comparable only with values of the same embedder and setting"
    ]


def differing_audio(system: ClipSet, reference: ClipSet) -> list[str]:
    """Where the two sets' audio differs in a way that moves every score: length, sample rate, channels.

    Paired clips are compared one by one, others by what is usual.
    """
    pairs = [(system.usual, reference.usual)]
    if system.clip_ids == reference.clip_ids:
        pairs = list(zip(system.audio, reference.audio, strict=True))
    ways: list[tuple[str, list[tuple[float, float]]]] = [
        ("{:.1f} s", [(a.seconds, b.seconds) for a, b in pairs if abs(a.seconds - b.seconds) > DIFFERING_SECONDS]),
        ("{} Hz", [(a.sample_rate, b.sample_rate) for a, b in pairs if a.sample_rate != b.sample_rate]),
        ("channels: {}", [(a.channels, b.channels) for a, b in pairs if a.channels != b.channels]),
    ]
    warnings = []
    for form, differing in ways:
        if differing:
            share = "" if len(differing) == len(pairs) else f"{len(differing)} of {len(pairs)} clips differ: "
            own, other = map(form.format, differing[0])
            more = ", and others" if len(set(differing)) > 1 else ""
            warnings.append(f"{share}{own} against {other} in the reference{more}")
    return warnings
