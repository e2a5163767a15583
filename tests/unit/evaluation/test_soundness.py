"""A text encoder that embeds all captions alike is refused before anything is scored by it."""

from dataclasses import replace

import numpy as np
import pytest
from clip_sets import SETTINGS, clips
from tiny_embedders import laion_checkpoint

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.evaluation.metric import evaluate
from ssmttm.evaluation.soundness import check_texts, mean_cosine

CAPTIONS = ["a calm piano", "loud drum and a piano", "drum", "a piano with drum and a loud drum"]


def test_the_mean_cosine_is_over_all_pairs():
    rows = np.random.default_rng(0).normal(size=(7, 5))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [unit[i] @ unit[j] for i in range(7) for j in range(i)]
    assert mean_cosine(3 * rows) == pytest.approx(np.mean(pairs))


def test_captions_that_are_equal_are_one_caption():
    apart = np.eye(3)[[0, 0, 0, 0, 1, 2]]
    check_texts(["a", "a", "a", "a", "b", "c"], apart, "clap:1")
    check_texts(["a", "a"], np.ones((2, 3)), "clap:1")  # there is no pair to judge by


def test_texts_that_are_all_but_alike_are_refused_with_the_figure_and_other_weights():
    texts = np.ones((4, 16)) + 0.02 * np.random.default_rng(1).normal(size=(4, 16))
    with pytest.raises(
        UserError, match=r"clap:1: .* 4 different ones is 0\.999\d .* music_audioset_epoch_15_esc_90\.14"
    ):
        check_texts(CAPTIONS, texts, "clap:1")


def test_the_metric_asks_before_it_scores():
    system = clips(count=12, dim=8)
    texts = np.random.default_rng(2).normal(size=(12, 8))
    assert -1 < evaluate("clap", replace(system, texts=texts), system, SETTINGS)["value"] < 1
    with pytest.raises(UserError, match="hardly tells captions apart"):
        evaluate("clap", replace(system, texts=texts + 100), system, SETTINGS)


@pytest.mark.parametrize("collapsed", [False, True])
def test_weights_of_a_real_class_are_judged(tmp_path, collapsed):
    weights, tokenizer = laion_checkpoint(tmp_path, collapsed=collapsed)
    embedder = load_embedder("clap", {"clap": {"weights": str(weights), "tokenizer": str(tokenizer)}})
    texts = embedder.embed_texts(CAPTIONS)
    assert (mean_cosine(texts) > 0.95) == collapsed
