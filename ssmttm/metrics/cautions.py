"""Warnings that stand beside a score in its table: too few clips, too few windows, nothing compared."""

from ssmttm.metrics.clipset import ClipSet, same_audio

FEW_CLIPS_FOR_SETS = 50
"""Below it, scores of whole sets of clips are badly biased or unsteady."""
FEW_CLIPS = 20
"""Below it, a bootstrap interval of a mean over clips is rough (Efron and Tibshirani 1993, chapter 14)."""
WINDOWS_PER_DIMENSION = 10
"""Below it, the bias of a Fréchet distance is a notable share of it: it falls as one over the windows."""
UNLIKE_SECONDS = 0.5
"""Clips whose middle lengths differ by more are of unlike length."""

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
    found = few_windows(min(system.window_count, reference.window_count), system.windows[0].shape[1])
    return found + few_clips_of_set(
        len(system.clip_ids), "biased upward, comparable only with values at the same number"
    )


def unlike(system: ClipSet, reference: ClipSet) -> list[str]:
    """Where the two sets' audio differs in a way that moves every score: length, sample rate, channels."""
    found = []
    if abs(system.clip_s - reference.clip_s) > UNLIKE_SECONDS:
        found.append(f"clips of {system.clip_s:.1f} s against reference clips of {reference.clip_s:.1f} s")
    if system.sample_rate != reference.sample_rate:
        found.append(f"audio at {system.sample_rate} Hz against reference audio at {reference.sample_rate} Hz")
    if system.channels != reference.channels:
        found.append(f"{system.channels} channels against reference audio with {reference.channels}")
    return found
