import json
import re

import numpy as np
import pytest

from ssmttm.errors import UserError
from ssmttm.metrics import text_audio
from ssmttm.stages import score
from ssmttm.tables import write_table

SPEC = {"evaluation": {"embedder": "musicnn", "bootstrap": 40, "confidence": 0.9, "seed": 3}}


def write(path, seed=0, ids="abcdefgh", backend="musicnn 1", order=None, **changed):
    rng = np.random.default_rng(seed)
    rows = [
        {"clip_id": i, "caption": f"caption {i}", "windows": 3, "dim": 4, "backend": backend,
         "embedding": rng.normal(size=12), "posterior": rng.uniform(0.01, 0.9, size=6), **changed}
        for i in ids
    ]  # fmt: skip
    write_table(path, "embeddings", rows if order is None else [rows[i] for i in order])
    return path


@pytest.fixture
def references(tmp_path):
    return write(tmp_path / "originals.parquet", 1), write(tmp_path / "codec.parquet", 2)


@pytest.fixture(autouse=True)
def similar(monkeypatch):
    def similarities(captions):
        return np.random.default_rng(len(captions)).random((len(captions), 6))

    monkeypatch.setattr(text_audio, "caption_similarities", similarities)


def run(tmp_path, references, metric, embeddings):
    score.run(SPEC, metric, "system", embeddings, *references, tmp_path / "score.json")
    return json.loads((tmp_path / "score.json").read_text())


@pytest.mark.parametrize("metric", ["frechet", "kl", "text_audio"])
def test_a_score_says_everything_that_is_needed_to_judge_it(tmp_path, references, metric):
    found = run(tmp_path, references, metric, write(tmp_path / "s.parquet"))
    assert found["metric"] == metric and found["system"] == "system"
    encoder = " + minilm" if metric == "text_audio" else ""
    assert re.fullmatch(rf"musicnn 1{re.escape(encoder)}\S*", found["backend"])
    assert found["better"] == ("higher" if metric == "text_audio" else "lower")
    assert [e["reference"] for e in found["entries"]] == ["originals", "codec"]
    for entry in found["entries"]:
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert (entry["n"], entry["windows"], entry["confidence"]) == (8, 24, 0.9)
        assert any("8 clips" in w for w in entry["warnings"])


@pytest.mark.parametrize("metric", ["frechet", "kl", "text_audio"])
def test_the_order_of_rows_and_a_second_run_change_nothing(tmp_path, references, metric):
    first = run(tmp_path, references, metric, write(tmp_path / "s.parquet"))
    again = run(tmp_path, references, metric, write(tmp_path / "s.parquet", order=[7, 2, 0, 1, 5, 4, 3, 6]))
    assert first == again


def test_kl_gives_both_directions_under_their_own_names(tmp_path, references):
    found = run(tmp_path, references, "kl", write(tmp_path / "s.parquet"))
    entry = found["entries"][0]
    assert "KL(reference || generated)" in found["definition"]
    assert entry["also"][0]["metric"] == "kl_reversed"
    assert "KL(generated || reference)" in entry["also"][0]["definition"]
    assert entry["also"][0]["value"] != entry["value"]


@pytest.mark.parametrize("metric", ["frechet", "kl"])
def test_a_reference_against_itself_is_zero_and_says_so(tmp_path, references, metric):
    entry = run(tmp_path, references, metric, references[0])["entries"][0]
    assert (entry["value"], entry["low"], entry["high"]) == (0, 0, 0)
    assert "zero by construction" in entry["warnings"][0]


def test_missing_and_extra_clips_are_named(tmp_path, references):
    with pytest.raises(UserError, match=r"missing h; extra x"):
        run(tmp_path, references, "frechet", write(tmp_path / "s.parquet", ids="abcdefgx"))
    assert not (tmp_path / "score.json").exists()


def test_unlike_backends_are_not_compared(tmp_path, references):
    with pytest.raises(UserError, match="unlike embedders"):
        run(tmp_path, references, "frechet", write(tmp_path / "s.parquet", backend="musicnn 2"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": ""}, "no clips"),
        ({"ids": "aabcdefg"}, "twice: a"),
        ({"embedding": [float("nan")] * 12}, "not finite"),
        ({"posterior": [1.5] * 6}, "posterior outside"),
        ({"embedding": [0.0] * 11}, "11 values are not 3 x 4"),
        ({"posterior": []}, "0 tags"),
    ],
)
def test_bad_embeddings_are_refused_with_the_reason(tmp_path, references, changed, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, references, "kl", write(tmp_path / "s.parquet", **changed))


def test_an_unknown_metric_is_refused(tmp_path, references):
    with pytest.raises(UserError, match="no metric 'os'"):
        run(tmp_path, references, "os", references[0])
