import sys

import numpy as np
import pytest
import torch

from ssmttm.pretrained.musicnn import HOP, PATCH, SAMPLE_RATE, TAGS, load_musicnn, log_mel


def tones(seconds, seed=0):
    """Notes that change every half second, so that no two patches are alike."""
    generator = np.random.default_rng(seed)
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    notes = [np.sin(2 * np.pi * f * time) * np.exp(-3 * time) for f in generator.uniform(100, 2000, int(2 * seconds))]
    return (0.3 * np.concatenate(notes)).astype(np.float32)


def test_a_window_per_hop_with_probabilities():
    wave = tones(10)
    analysis = load_musicnn().analyze(wave)
    frames = 1 + len(wave) // HOP
    windows = (frames - PATCH) // (PATCH // 2) + 1
    assert analysis.embedding.shape == (windows, 200)
    assert analysis.posterior.shape == (windows, len(TAGS)) == (windows, 50)
    assert ((analysis.posterior > 0) & (analysis.posterior < 1)).all()


def test_penultimate_rows_differ_between_patches():
    embedding = load_musicnn().analyze(tones(10)).embedding
    distances = np.linalg.norm(embedding[:, None] - embedding[None], axis=-1)
    assert distances[~np.eye(len(embedding), dtype=bool)].min() > 0.1


def test_sharing_convolutions_between_overlapping_patches_changes_nothing():
    network = load_musicnn()._network
    mel = log_mel(tones(8, seed=1))
    starts = [0, 40, 187, 200, 300]
    with torch.inference_mode():
        together = network(mel, starts)
        alone = [network(mel[s : s + PATCH], [0]) for s in starts]
    for part, singles in zip(together, zip(*alone)):
        torch.testing.assert_close(part, torch.cat(singles), atol=2e-5, rtol=1e-4)


def test_long_audio_in_groups_is_the_same_as_its_parts():
    wave = tones(60, seed=2)
    whole = load_musicnn().analyze(wave, PATCH)  # more patches than one group
    later = load_musicnn().analyze(wave[16 * PATCH * HOP :], PATCH)
    # The first frames of the cut see its edge; from the second patch on, all are equal.
    np.testing.assert_allclose(whole.embedding[17:], later.embedding[1:], atol=1e-3)


def test_short_audio_is_repeated():
    wave = tones(1)
    repeated = np.resize(wave, (PATCH - 1) * HOP)
    np.testing.assert_array_equal(load_musicnn().analyze(wave).embedding, load_musicnn().analyze(repeated).embedding)


def test_noise_and_notes_are_told_apart():
    noise = np.random.default_rng(0).normal(0, 0.2, 5 * SAMPLE_RATE).astype(np.float32)
    a, b = (load_musicnn().analyze(w).posterior.mean(0) for w in (noise, tones(5)))
    assert np.abs(a - b).max() > 0.1


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros((2, 16000)), np.full(16000, np.nan)])
def test_unusable_audio_is_refused(wave):
    with pytest.raises(ValueError, match="finite mono"):
        load_musicnn().analyze(wave.astype(np.float32))


def test_the_package_that_ships_the_weights_is_not_imported():
    load_musicnn()
    assert "musicnn" not in sys.modules
    assert "tensorflow" not in sys.modules
