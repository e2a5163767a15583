"""The contract of a text encoder (`ssmttm.text.base`)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from ssmttm.contracts.holding import hold
from ssmttm.settings import TextSettings
from ssmttm.text.base import TextEncoder, load_encoder, width_of

CAPTIONS = [
    "a slow piano piece",
    "fast electronic track with a steady beat, synthesizers and drums at about 140 BPM in C minor",
    "metal",
    "an arrangement for violin and harp in a classical style, with wide dynamics",
]
MOST = 48


class Subject(NamedTuple):
    """An encoder, and the settings that it was made with."""

    encoder: TextEncoder
    settings: TextSettings


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The encoder `name` with further keys of `data.text`."""
    chosen = cast(TextSettings, {"encoder": name, "max_tokens": MOST, **settings})
    return Subject(load_encoder(chosen), chosen)


def test_it_says_what_it_is(subject: Subject) -> None:
    """Its identity is its name and a hash of its weights, and its width is known without it."""
    encoder, identity = subject.encoder, subject.encoder.identity
    hold(bool(re.match(r"[^:]+:\w{6,}", identity)), f"the identity {identity!r} isn't a name, `:` and a hash")
    hold(encoder.width == width_of(subject.settings), f"its width is {encoder.width}, not {width_of(subject.settings)}")


def test_embeddings_are_a_row_for_each_token(subject: Subject) -> None:
    """float32 [length, width], finite, at most as many rows as are asked for; no captions give none."""
    for most in (MOST, 4):
        for embedding in subject.encoder.encode(CAPTIONS, most):
            hold(embedding.dtype == np.float32, f"{embedding.dtype}")
            shape = embedding.shape
            hold(len(shape) == 2 and 1 <= shape[0] <= most, f"{shape} where {most} tokens were asked for")
            hold(shape[1] == subject.encoder.width and bool(np.isfinite(embedding).all()), f"{shape}, or not finite")
    hold(subject.encoder.encode([], MOST) == [], "no captions give embeddings")


def test_embeddings_tell_captions_apart(subject: Subject) -> None:
    """Two captions have two embeddings."""
    first, second = (embedding.mean(0) for embedding in subject.encoder.encode([CAPTIONS[0], CAPTIONS[2]], MOST))
    hold(bool(np.abs(first - second).max() > 1e-3 * np.abs(first).max()), "two captions have nearly one embedding")


def test_a_caption_alone_is_the_caption_in_a_batch(subject: Subject) -> None:
    """In whatever company and order, across batches."""
    many = [f"{caption} number {i}" for i in range(20) for caption in CAPTIONS]
    forward, backward = subject.encoder.encode(many, MOST), subject.encoder.encode(many[::-1], MOST)[::-1]
    for a, b in zip(forward, backward, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for caption, embedding in zip(many[:8], forward):
        np.testing.assert_allclose(subject.encoder.encode([caption], MOST)[0], embedding, atol=1e-5)


def test_the_same_caption_gives_the_same_embedding(subject: Subject) -> None:
    """Encoded again, it is the same to the last bit."""
    once, again = (subject.encoder.encode(CAPTIONS, MOST) for _ in range(2))
    for a, b in zip(once, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_empty_caption_is_refused(subject: Subject) -> None:
    """ValueError, also among others."""
    for empty in ("", "  \n"):
        try:
            subject.encoder.encode(["piano", empty], MOST)
        except ValueError:
            continue
        hold(False, f"{empty!r} has an embedding")


def test_what_is_read_of_a_text_is_told(subject: Subject) -> None:
    """`read` counts the tokens, says what is dropped of them, and how much of the text is known."""
    for caption in CAPTIONS:
        whole = subject.encoder.read(caption, MOST)
        length = len(subject.encoder.encode([caption], MOST)[0])
        hold(whole.tokens == length, f"{whole.tokens} tokens are told of {caption!r}, which has {length}")
        hold(whole.dropped == "" and 0 <= whole.known <= 1, f"{whole} of {caption!r}")
    cut = subject.encoder.read(CAPTIONS[1], 5)
    hold(bool(cut.dropped) and CAPTIONS[1].endswith(cut.dropped), f"of 5 tokens, {cut.dropped!r} is told as dropped")
