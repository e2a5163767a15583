import numpy as np
import pytest
from safetensors import safe_open

from ssmttm.errors import UserError
from ssmttm.evaluation.metrics.frechet import frechet_distance, frechet_distance_of_statistics
from ssmttm.stages import statistics
from ssmttm.tables import read_table, write_table


def embeddings(path, windows):
    rows = [
        {"clip_id": str(i), "caption": "", "windows": len(w), "dim": w.shape[1], "embedding": w.ravel(),
         "posterior": [], "activation": "none", "text": [], "backend": "vggish:0123", "duration_s": 10.0,
         "sample_rate": 24000, "channels": 1}
        for i, w in enumerate(windows)
    ]  # fmt: skip
    write_table(path, "embeddings", rows)
    return path


def test_statistics_give_the_distance_that_the_embeddings_give(tmp_path):
    rng = np.random.default_rng(0)
    sets, found = [rng.normal(size=(2, 30, 4)), 0.5 + 2 * rng.normal(size=(2, 25, 4))], []
    for number, windows in enumerate(sets):
        out = tmp_path / f"{number}.safetensors"
        statistics.run(embeddings(tmp_path / "e.parquet", windows), "musiccaps", out)
        with safe_open(out, "np") as file:
            found += [file.get_tensor("mean"), file.get_tensor("covariance")]
            told = file.metadata()
    assert told["set"] == "musiccaps" and told["backend"] == "vggish:0123"
    assert (told["clips"], told["windows"], told["clip_s"]) == ("2", "50", "10")
    x, y = (np.asarray(w.reshape(-1, 4), np.float32) for w in sets)
    assert frechet_distance_of_statistics(*found) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_statistics_of_another_choice_of_clips_can_be_told(tmp_path):
    def identity(windows, order=1):
        path = embeddings(tmp_path / "e.parquet", windows)
        rows = read_table(path, "embeddings").to_pylist()[::order]
        write_table(path, "embeddings", rows)
        statistics.run(path, "musiccaps", tmp_path / "s.safetensors")
        with safe_open(tmp_path / "s.safetensors", "np") as file:
            return file.metadata()["clip_ids_sha256"]

    windows = np.random.default_rng(0).normal(size=(3, 30, 4))
    assert identity(windows) == identity(windows + 1, order=-1) != identity(windows[:2])


def test_one_window_has_no_statistics(tmp_path):
    path = embeddings(tmp_path / "e.parquet", [np.ones((1, 4))])
    with pytest.raises(UserError, match="one window has no covariance"):
        statistics.run(path, "test", tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
