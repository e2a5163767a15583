"""Tags of a clip as musicnn hears them, cleaned of synonyms and contradictions."""

from collections.abc import Mapping

import numpy as np

from ssmttm.audio.coded import resample
from ssmttm.pretrained.musicnn import NO_VOICES, PATCH, SAMPLE_RATE, TAGS, VOICES, load_musicnn

SYNONYMS = {"classic": "classical", "beats": "beat", **VOICES, **dict.fromkeys(NO_VOICES, "instrumental")}

VOCAL = tuple(dict.fromkeys(VOICES.values()))

_CONTRADICTIONS = (
    ({"instrumental"}, set(VOCAL)),
    ({"slow"}, {"fast"}),
    ({"loud"}, {"quiet", "soft", "calm", "relaxing", "meditative", "mellow"}),
    ({"calm", "relaxing", "meditative", "mellow"}, {"energetic", "powerful", "heavy", "metal", "techno", "fast"}),
    ({"happy", "positive", "uplifting", "upbeat", "funny"}, {"sad", "melancholic", "dark"}),
    ({"female vocal"}, {"male vocal"}),
    ({"solo"}, {"choir", "strings"}),
    ({"ambient", "new age"}, {"metal", "rock", "techno"}),
    ({"classical", "opera"}, {"techno", "metal", "electronic", "pop", "rock", "dance"}),
    ({"metal"}, {"techno", "dance"}),
)


def hear(wave: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Probability of each of musicnn's 50 tags for mono samples [n], mean over windows of 3 s."""
    posterior = load_musicnn().analyze(resample(wave, sample_rate, SAMPLE_RATE), PATCH).posterior.mean(0)
    return dict(zip(TAGS, map(float, posterior)))


def choose(probabilities: Mapping[str, float], most: int, threshold: float) -> list[str]:
    """At most `most` tags of at least `threshold`, likeliest first.

    Synonyms count as one tag with their highest probability; of two contradicting tags the
    likelier stays. The bare tag `vocal` goes when the kind of voice is known.
    """
    merged: dict[str, float] = {}
    for tag, probability in probabilities.items():
        name = SYNONYMS.get(tag, tag)
        merged[name] = max(merged.get(name, 0.0), probability)
    ranked = sorted((t for t, p in merged.items() if p >= threshold), key=lambda t: (-merged[t], t))
    kept: list[str] = []
    for tag in ranked:
        if not any(contradict(tag, other) for other in kept):
            kept.append(tag)
    if any(t in kept for t in VOCAL if t != "vocal"):
        kept = [t for t in kept if t != "vocal"]
    return kept[:most]


def contradict(a: str, b: str) -> bool:
    """Whether two canonical tags can't both be true of a clip."""
    return any((a in x and b in y) or (a in y and b in x) for x, y in _CONTRADICTIONS)
