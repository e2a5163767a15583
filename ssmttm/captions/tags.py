"""Tags of a clip as musicnn hears them, where the rest of the track and the analysis bear them out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ssmttm.audio.coded import resample
from ssmttm.captions.vocabulary import GENRES, WORDS
from ssmttm.pretrained.musicnn import NO_VOICES, PATCH, SAMPLE_RATE, TAGS, VOICES, load_musicnn

SYNONYMS = {"classic": "classical", "beats": "beat", **VOICES, **dict.fromkeys(NO_VOICES, "instrumental")}

VOCAL = tuple(dict.fromkeys(VOICES.values()))

_CONTRADICTIONS = (
    ({"instrumental"}, set(VOCAL)),
    ({"calm", "relaxing", "meditative", "mellow"}, {"energetic", "powerful", "heavy", "metal", "techno"}),
    ({"happy", "positive", "uplifting", "upbeat", "funny"}, {"sad", "melancholic", "dark"}),
    ({"female vocal"}, {"male vocal"}),
    ({"ambient", "new age"}, {"metal", "rock", "techno", "dance", "pop"}),
    ({"classical", "opera"}, {"techno", "metal", "electronic", "pop", "rock", "dance", "country"}),
    ({"metal"}, {"techno", "dance", "country", "new age"}),
    ({"country"}, {"techno", "electronic"}),
)


def hear(wave: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Probability of each of musicnn's 50 tags for mono samples [n], mean over windows of 3 s."""
    posterior = load_musicnn().analyze(resample(wave, sample_rate, SAMPLE_RATE), PATCH).posterior.mean(0)
    return dict(zip(TAGS, map(float, posterior)))


def choose(probabilities: Mapping[str, float], most: int, threshold: float) -> list[str]:
    """At most `most` tags of at least `threshold`, likeliest first.

    Synonyms count as one tag with their highest probability; of two contradicting tags the
    likelier stays. The bare tag `vocal` goes when the kind of voice is known. Loudness, tempo and opinions are no tags.
    """
    merged = _merged(probabilities)
    ranked = sorted((t for t, p in merged.items() if p >= threshold), key=lambda t: (-merged[t], t))
    kept: list[str] = []
    for tag in ranked:
        if not any(contradict(tag, other) for other in kept):
            kept.append(tag)
    if any(t in kept for t in VOCAL if t != "vocal"):
        kept = [t for t in kept if t != "vocal"]
    return kept[:most]


def evident(
    heard: Mapping[str, float],
    track: Mapping[str, float],
    measured: Mapping[str, float | bool | None],
    most: int,
    threshold: float,
) -> list[str]:
    """The tags of a clip that there is enough evidence for, likeliest first.

    A genre is the track's: it needs `threshold` as the mean over the track, and is then any clip's of it. Other
    tags need the threshold in the clip, and half of it as the mean over the track. What else a tag takes, of what
    is measured of the clip or heard in it, stands under `evidence` in vocabulary.yaml.

    Args:
        heard: probability of each of musicnn's tags in the clip.
        track: the means of these over all clips of the track.
        measured: features by name, and whether a `tempo` is certain.
        most: how many tags.
        threshold: least probability.
    """
    clip, whole = _merged(heard), _merged(track)
    agreed = {
        tag: whole[tag] if tag in GENRES else clip[tag]
        for tag in clip
        if whole[tag] >= (threshold if tag in GENRES else threshold / 2)
    }
    tags = choose(agreed, len(agreed), threshold)
    return [tag for tag in tags if _borne_out(WORDS["evidence"].get(tag, {}), tags, measured)][:most]


def _borne_out(evidence: Mapping[str, Any], tags: Sequence[str], measured: Mapping[str, float | bool | None]) -> bool:
    for name, wanted in evidence.items():
        if name == "tag":
            met = any(tag in tags for tag in wanted)
        elif name == "tempo":
            met = bool(measured["tempo"]) == wanted
        else:
            value, (low, high) = float(measured[name] or 0.0), wanted
            met = (low is None or value >= low) and (high is None or value <= high)
        if not met:
            return False
    return True


def _merged(probabilities: Mapping[str, float]) -> dict[str, float]:
    merged: dict[str, float] = {}
    for tag, probability in probabilities.items():
        name = SYNONYMS.get(tag, tag)
        if name not in WORDS["unsaid"]:
            merged[name] = max(merged.get(name, 0.0), probability)
    return merged


def contradict(a: str, b: str) -> bool:
    """Whether two canonical tags can't both be true of a clip."""
    return any((a in x and b in y) or (a in y and b in x) for x, y in _CONTRADICTIONS)
