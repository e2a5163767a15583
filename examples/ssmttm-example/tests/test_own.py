"""What the contracts don't say: that each plug-in does what it is for."""

import numpy as np
import torch
from ssmttm_example.cosines import fit
from ssmttm_example.min_gru import recur
from ssmttm_example.tones import chords

from ssmttm.evaluation.embedder import load_embedder


def test_the_recurrence_is_the_loop():
    keep, new = torch.rand(2, 13, 3, dtype=torch.float64), torch.rand(2, 13, 3, dtype=torch.float64)
    h = before = torch.rand(2, 3, dtype=torch.float64)
    expected = []
    for t in range(13):
        h = keep[:, t] * h + new[:, t]
        expected.append(h)
    torch.testing.assert_close(recur(keep, new, before), torch.stack(expected, 1))


def test_more_levels_come_nearer_to_the_music():
    wave = chords(1, 10.0)
    codec = fit({"name": "cosines", "codebooks": 4, "codebook_size": 64}, [wave], 1, 24000, 1)
    codes = codec.encode(wave)
    errors = [np.square(codec.decode(codes[:k])[: len(wave)] - wave).sum() / np.square(wave).sum() for k in range(1, 5)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.7


def test_a_tone_is_loudest_in_its_band():
    tone = np.sin(2 * np.pi * 1000 * np.arange(24000) / 24000).astype(np.float32)
    levels = load_embedder("band_levels").analyze(tone, 24000).windows[0]
    edges = np.geomspace(50, 8000, 25)
    band = levels.argmax()
    assert edges[band] <= 1000 <= edges[band + 1]
