"""A label-space text-audio score: does the tagger hear in the audio what the caption names?

It is not CLAP: no model here has seen text and audio together. A caption and a clip meet in
the space of the tagger's tags. The caption's side is the cosine similarity of its sentence
embedding (MiniLM) with each tag's name; the audio's side is the tagger's log-odds for each
tag. Raw, both are dominated by the tags themselves: some tags are always likely, and some
names resemble every caption. So per tag

- log-odds are standardized by the mean and deviation over the reference set's clips, and
- similarities have their mean over the set's captions taken off,

and the score of a clip is the correlation of the two vectors over tags, in [-1, 1]. Because
the similarities of every tag sum to zero over captions, audio that ignores its caption scores
about 0. The reference audio enters through the normalization only.

Where captions were themselves written from the same tagger's output, real clips score higher
than an independent judge would have them: compare systems with one another and with the
baselines, not with 1.
"""

from functools import lru_cache

import numpy as np

from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.metric import Score, Settings, mean_score
from ssmttm.pretrained.minilm import MiniLM, load_minilm
from ssmttm.pretrained.musicnn import TAGS

BETTER = "higher"
DEFINITION = (
    "label-space text-audio score in [-1, 1]: correlation over tags between the clip's tag log-odds, standardized "
    "per tag on the reference set, and the MiniLM similarities of caption and tag names, centered per tag over "
    "captions; averaged over clips. Not CLAP"
)
INTERVAL = "Student's t over clips"

FLOOR = 1e-6


def backend(embedder: str) -> str:
    """What makes the number, where it isn't the embedder alone: its tagger and the sentence encoder."""
    return f"{embedder} + {_encoder()[0].identity}"


def log_odds(posteriors: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, clipped to [1e-6, 1 - 1e-6] first."""
    p = np.clip(np.asarray(posteriors, dtype=np.float64), FLOOR, 1 - FLOOR)
    return np.log(p) - np.log1p(-p)


def text_audio_scores(posteriors: np.ndarray, similarities: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The score of each clip, `[n]`.

    `posteriors` and `similarities` are `[n, tags]`: row i is a clip and its caption. `reference`
    is `[m, tags]`, the posteriors that define each tag's usual mean and deviation. Tags that do
    not vary over the reference are left out. Raises ValueError when fewer than three tags vary
    or all captions are alike to the tags, since no correlation exists then.
    """
    posteriors, similarities = (np.asarray(a, dtype=np.float64) for a in (posteriors, similarities))
    if posteriors.shape != similarities.shape or np.shape(reference)[1:] != posteriors.shape[1:]:
        shapes = f"{posteriors.shape}, {similarities.shape} and {np.shape(reference)}"
        raise ValueError(f"expected [n, tags] twice and [m, tags], got {shapes}")
    usual = log_odds(reference)
    deviation = usual.std(axis=0)
    varies = deviation > 1e-6
    if varies.sum() < 3:
        raise ValueError("fewer than three tags vary over the reference set")
    audio = (log_odds(posteriors)[:, varies] - usual.mean(axis=0)[varies]) / deviation[varies]
    text = (similarities - similarities.mean(axis=0))[:, varies]
    audio -= audio.mean(axis=1, keepdims=True)
    text -= text.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(audio, axis=1) * np.linalg.norm(text, axis=1)
    if (norms < 1e-12).any():
        raise ValueError("a caption or a clip is no different from the average one, so no correlation exists")
    return (audio * text).sum(axis=1) / norms


@lru_cache(maxsize=1)
def _encoder() -> tuple[MiniLM, np.ndarray]:
    """MiniLM and its embeddings of the tags' names, `[tags, width]`."""
    encoder = load_minilm()
    return encoder, np.asarray(encoder.sentence(list(TAGS)), dtype=np.float64)


def caption_similarities(captions: list[str]) -> np.ndarray:
    """Cosine similarity of each caption with each tag's name, `[n, tags]`."""
    encoder, tags = _encoder()
    return np.asarray(encoder.sentence(captions), dtype=np.float64) @ tags.T


def evaluate(system: ClipSet, reference: ClipSet, settings: Settings) -> Score:
    """Value, interval and warnings of one system, normalized on one reference."""
    similarities = caption_similarities(list(system.captions))
    return mean_score(text_audio_scores(system.posteriors, similarities, reference.posteriors), settings)
