"""The contract of an embedder (`ssmttm.evaluation.embedder`)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssmttm.audio.coded import resample
from ssmttm.choices import gives_of
from ssmttm.contracts.holding import hold, music
from ssmttm.evaluation.embedder import Embedder, TextEmbedder, load_embedder

RATE = 24000
SHARE = 0.15
"""Of an embedding's length: how far resampling may move it. One that hears down to -160 dB shows a filter's edge."""


class Subject(NamedTuple):
    """An embedder, by the name that it was asked for."""

    embedder: Embedder
    name: str


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The embedder `name` with its entry of `evaluation.models`."""
    return Subject(load_embedder(name, {name: dict(settings)}), name)  # type: ignore[dict-item]


def test_it_says_what_it_is(subject: Subject) -> None:
    """Its name and identity, its classes with their activation, and what the config takes it to give."""
    embedder, gives = subject.embedder, gives_of(subject.name)
    hold(embedder.name == subject.name, f"its name is {embedder.name!r}, and it was asked for as {subject.name!r}")
    identity = embedder.identity
    hold(bool(re.match(r"[^:]+:\w{6,}", identity)), f"the identity {identity!r} isn't a name, `:` and a hash")
    hold((embedder.activation == "none") == (not embedder.classes), f"{embedder.activation} of {embedder.classes}")
    hold(bool(embedder.classes) == ("classes" in gives), f"GIVES is {sorted(gives)}, its classes {embedder.classes}")
    hold(isinstance(embedder, TextEmbedder) == ("texts" in gives), f"GIVES is {sorted(gives)}")


def test_an_embedding_is_windows_and_a_posterior(subject: Subject) -> None:
    """float32 [n, dim], n >= 1, and probabilities of its classes."""
    embedder, found = subject.embedder, subject.embedder.analyze(music(3.5), RATE)
    hold(found.windows.dtype == found.posterior.dtype == np.float32, f"{found.windows.dtype}, {found.posterior.dtype}")
    shape = found.windows.shape
    hold(len(shape) == 2 and shape[0] >= 1 and shape[1] == embedder.dim, f"{shape} with dim {embedder.dim}")
    hold(found.posterior.shape == (len(embedder.classes),), f"a posterior {found.posterior.shape}")
    hold(bool(((found.posterior >= 0) & (found.posterior <= 1)).all()), "probabilities outside 0 to 1")
    total = found.posterior.sum()
    hold(
        embedder.activation != "softmax" or abs(total - 1) < 1e-5,
        f"probabilities of one of many that add up to {total}",
    )


def test_the_same_clip_gives_the_same_embedding(subject: Subject) -> None:
    """Computed again, it is the same to the last bit."""
    once, again = (subject.embedder.analyze(music(3.5), RATE).windows for _ in range(2))
    np.testing.assert_array_equal(again, once)


def test_an_embedding_tells_clips_apart(subject: Subject) -> None:
    """Two clips of other music have other embeddings."""
    first, second = (subject.embedder.analyze(music(3.0, seed=seed), RATE).windows.mean(0) for seed in (1, 2))
    hold(bool(np.abs(first - second).max() > 1e-3 * np.abs(first).max()), "two clips have nearly one embedding")


def test_a_clip_alone_is_the_clip_in_a_batch(subject: Subject) -> None:
    """A clip's embedding depends on no other clip of the batch."""
    last = 12.0 if subject.embedder.window_s == 10 else 2.0
    clips = [(music(seconds, seed=seed), RATE) for seed, seconds in enumerate((1.2, 3.0, 1.2, last))]
    for clip, found in zip(clips, subject.embedder.analyze_many(clips), strict=True):
        alone = subject.embedder.analyze(*clip)
        scale = np.abs(alone.windows).max()
        np.testing.assert_allclose(found.windows, alone.windows, atol=1e-5 * scale)
        np.testing.assert_allclose(found.posterior, alone.posterior, atol=1e-5)


def test_audio_at_another_rate_is_resampled(subject: Subject) -> None:
    """A clip has one embedding, at whatever rate its samples come."""
    wave, rate = music(3.0, 44100), subject.embedder.sample_rate
    native = subject.embedder.analyze(resample(wave, 44100, rate), rate).windows
    found = subject.embedder.analyze(wave, 44100).windows
    hold(found.shape == native.shape, f"{found.shape} of 44.1 kHz, and {native.shape} of its own rate")
    share = np.linalg.norm(found - native) / np.linalg.norm(native)
    hold(bool(share < SHARE), f"resampling moves the embedding by {share:.0%}")


def test_silence_has_a_finite_embedding(subject: Subject) -> None:
    """Four seconds of zeros."""
    found = subject.embedder.analyze(np.zeros(4 * RATE, np.float32), RATE)
    hold(bool(np.isfinite(found.windows).all() and np.isfinite(found.posterior).all()), "not finite")


def test_two_equal_channels_are_the_mono_clip(subject: Subject) -> None:
    """A mono clip and its copy on two channels have one embedding."""
    wave = music(2.0)
    stereo = subject.embedder.analyze(np.stack([wave, wave], 1), RATE).windows
    np.testing.assert_allclose(stereo, subject.embedder.analyze(wave, RATE).windows, rtol=1e-5, atol=1e-6)


def test_what_is_no_audio_is_refused(subject: Subject) -> None:
    """ValueError for no samples, for what isn't finite, and for another shape."""
    for wave in (np.zeros(0, np.float32), np.full(48000, np.nan, np.float32), np.zeros((2, 3, 4), np.float32)):
        try:
            subject.embedder.analyze(wave, RATE)
        except ValueError:
            continue
        hold(False, f"it takes an array {wave.shape} of {wave.sum()}")


def test_texts_lie_in_the_space_of_audio(subject: Subject) -> None:
    """Where it gives texts: of unit length, as wide as audio's, each by itself; an empty one is refused."""
    embedder = subject.embedder
    if not isinstance(embedder, TextEmbedder):
        return
    texts = ["a calm piano", "loud drums"]
    found = embedder.embed_texts(texts)
    hold(found.shape == (2, embedder.dim), f"{found.shape} with dim {embedder.dim}")
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(embedder.embed_texts(texts[1:])[0], found[1], atol=1e-5)
    try:
        embedder.embed_texts([" "])
    except ValueError:
        return
    hold(False, "an empty text has an embedding")
