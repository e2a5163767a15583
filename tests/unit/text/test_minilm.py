import numpy as np
import pytest

from ssmttm.errors import UserError
from ssmttm.pretrained.minilm import load_minilm
from ssmttm.text.base import load_encoder

CAPTIONS = [
    "a slow piano piece",
    "fast electronic track with a steady beat, synthesizers and drums at about 140 BPM in C minor",
    "metal",
    "an arrangement for violin and harp in a classical style, with wide dynamics",
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder({"encoder": "minilm"})


def test_a_caption_alone_and_in_a_batch_is_the_same(encoder):
    together = encoder.encode(CAPTIONS, 48)
    for caption, embedding in zip(CAPTIONS, together):
        np.testing.assert_allclose(encoder.encode([caption], 48)[0], embedding, atol=1e-5)


def test_order_does_not_matter_across_batches(encoder):
    many = [f"{c} number {i}" for i in range(20) for c in CAPTIONS]  # more than one batch
    forward, backward = encoder.encode(many, 48), encoder.encode(many[::-1], 48)[::-1]
    for a, b in zip(forward, backward):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_lengths_and_width(encoder):
    for embedding in encoder.encode(CAPTIONS, 10):
        assert embedding.dtype == np.float32
        assert embedding.shape[1] == encoder.width == 384
        assert 3 <= len(embedding) <= 10
    assert len(encoder.encode(["metal"], 48)[0]) == 3  # the word between two special tokens


def test_no_captions_give_no_embeddings(encoder):
    assert encoder.encode([], 48) == []


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_caption_is_an_error(encoder, empty):
    with pytest.raises(ValueError, match="is empty"):
        encoder.encode(["piano", empty], 48)


def test_too_many_tokens_is_an_error(encoder):
    with pytest.raises(ValueError, match="max_tokens"):
        encoder.encode(["piano"], 257)


def test_sentences_about_like_things_are_nearer():
    piano, keys, metal = load_minilm().sentence(
        ["slow piano music", "a quiet piece for the piano", "loud and fast heavy metal with distorted guitars"]
    )
    assert piano @ keys > piano @ metal + 0.2
    assert np.linalg.norm(piano) == pytest.approx(1, abs=1e-5)


def test_an_unknown_encoder_is_refused_by_name():
    with pytest.raises(UserError, match="no encoder 'base'; there are minilm, t5"):
        load_encoder({"encoder": "base"})


def test_what_is_beyond_the_tokens_and_what_is_unknown_is_found(encoder):
    found = encoder.read("a slow piano piece with soft strings", 6)
    assert (found.tokens, found.dropped) == (9, "with soft strings")
    assert encoder.read("a slow piano piece", 6).dropped == ""
    assert len(encoder.encode(["a slow piano piece with soft strings"], 48)[0]) == found.tokens


@pytest.mark.parametrize("text", [*CAPTIONS, "langsames Klavier mit Streichern", "lo-fi hip hop, 808 drums", "x"])
def test_words_in_its_script_are_known(encoder, text):
    assert encoder.read(text, 48).known > 0.8


@pytest.mark.parametrize(
    "text", ["медленное фортепиано", "静かなピアノの曲", "느린 피아노 음악", "موسيقى هادئة", "🎹🎶"]
)
def test_other_scripts_are_not(encoder, text):
    assert encoder.read(text, 48).known < 0.3
