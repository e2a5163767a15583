import numpy as np
import pytest
from tiny_codecs import save_encodec

from ssmttm.audio.coded import encode_audio
from ssmttm.codecs.base import fit_codec
from ssmttm.evaluation.codec_quality import code_use, quality
from ssmttm.evaluation.embedder import Embedder, Embedding

RATE = 24000


def music(seed):
    generator = np.random.default_rng(seed)
    pitch = np.repeat(generator.uniform(100, 900, 4), RATE // 2)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + generator.normal(0, 0.01, len(pitch))).astype(
        np.float32
    )


WAVES = [music(seed) for seed in range(4)]
CLIPS = [(f"t{i}@0", encode_audio(wave, RATE)) for i, wave in enumerate(WAVES)]


class Loudness(Embedder):
    """Loudness and its change, a window every tenth of a second."""

    name, identity, sample_rate, dim = "musicnn", "musicnn:0", RATE, 2

    def analyze_many(self, clips):
        found = []
        for wave, _ in clips:
            level = np.sqrt(np.square(wave[: len(wave) // 2400 * 2400].reshape(-1, 2400)).mean(1))
            windows = np.stack([level, np.gradient(level)], 1).astype(np.float32)
            found.append(Embedding(windows, np.zeros(0, np.float32)))
        return found


def test_use_and_perplexity_count_the_codes_that_occur():
    codes = [np.array([[0, 1, 2, 3], [0, 0, 0, 0]]), np.array([[0, 1, 2, 3], [5, 5, 5, 5]])]
    usage, perplexity, frames = code_use(codes, 2, 8)
    assert usage.tolist() == [0.5, 0.25]
    assert perplexity == pytest.approx([4, 2])
    assert frames == 8
    with pytest.raises(ValueError, match="no codes"):
        code_use([], 2, 8)


def measured(codec, folder, embedder):
    return quality(codec, CLIPS, [codec.encode(wave) for wave in WAVES], ["ada", "ada", "bob"], embedder, folder)


def test_more_levels_come_nearer_at_more_bits(tmp_path):
    codec = fit_codec({"name": "spectral", "codebooks": 3, "codebook_size": 32}, WAVES, len(WAVES), RATE, 1)
    rows = measured(codec, tmp_path, Loudness())
    assert [row["levels"] for row in rows] == [1, 2, 3]
    assert [row["bit_rate"] for row in rows] == pytest.approx([k * 5 * RATE / 512 for k in (1, 2, 3)])
    for name in ("log_spectral_distance_db", "mel_distance"):
        values = [row[name] for row in rows]
        assert values == sorted(values, reverse=True)
    assert all(row["si_sdr_db"] is None for row in rows)  # it invents phases
    assert all(row["fad"] > 0 and row["windows"] == 4 * 20 and row["clips"] == 4 for row in rows)
    assert {row["vocoder"] for row in rows} == {"griffin_lim"}
    assert {row["codec"] for row in rows} == {codec.identity} and rows[0]["embedder"] == "musicnn:0"


def test_waveforms_are_compared_where_phase_is_kept_and_no_embedder_is_no_fad(tmp_path):
    settings = {"name": "encodec", "model": str(save_encodec(tmp_path / "m")), "codebooks": 2, "codebook_size": 16}
    rows = measured(fit_codec(settings, (), 0, RATE, 1), tmp_path, None)
    assert all(np.isfinite(row["si_sdr_db"]) for row in rows)
    assert all(row["fad"] is None and row["embedder"] is None and row["windows"] == 0 for row in rows)


def test_test_clips_of_artists_that_the_vocoder_knows_are_counted(tmp_path):
    codec = fit_codec({"name": "spectral", "codebooks": 1, "codebook_size": 8}, WAVES, len(WAVES), RATE, 1)
    assert {(row["heard_clips"], row["test_clips"]) for row in measured(codec, tmp_path, None)} == {(0, 3)}
    codec.heard = frozenset({"ada", "eve"})
    assert {(row["heard_clips"], row["test_clips"]) for row in measured(codec, tmp_path, None)} == {(2, 3)}
