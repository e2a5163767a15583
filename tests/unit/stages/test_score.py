import json
import re

import numpy as np
import pytest

from ssmttm.choices import METRICS
from ssmttm.errors import UserError
from ssmttm.evaluation.cautions import differing_audio
from ssmttm.evaluation.clipset import Audio, ClipSet
from ssmttm.evaluation.metrics import text_audio
from ssmttm.stages import score
from ssmttm.study.scores import beside
from ssmttm.tables import write_table

SPEC = {"bootstrap": 40, "confidence": 0.9, "seed": 3, "training_clips": 30}


def write(path, seed=0, ids="abcdefgh", backend="musicnn 1", order=None, activation="sigmoid", **changed):
    rng = np.random.default_rng(seed)
    rows = [
        {"clip_id": i, "caption": f"caption {i}", "windows": 3, "dim": 4, "backend": backend,
         "embedding": rng.normal(size=12), "posterior": rng.uniform(0.01, 0.9, size=6), "activation": activation,
         "text": [], "duration_s": 10.0, "sample_rate": 24000, "channels": 1, **changed}
        for i in ids
    ]  # fmt: skip
    if activation == "softmax":
        for row in rows:
            row["posterior"] /= row["posterior"].sum()
    write_table(path, "embeddings", rows if order is None else [rows[i] for i in order])
    return path


@pytest.fixture
def references(tmp_path):
    return {name: write(tmp_path / f"{name}.parquet", seed) for seed, name in enumerate(("originals", "codec"), 1)}


@pytest.fixture(autouse=True)
def similar(monkeypatch):
    def similarities(captions):
        return np.random.default_rng(len(captions)).random((len(captions), 6))

    monkeypatch.setattr(text_audio, "caption_similarities", similarities)


def run(tmp_path, references, metric, embeddings, embedder="musicnn"):
    score.run({**SPEC, "metrics": [metric]}, embedder, "system", embeddings, references, tmp_path / "score.json")
    return json.loads((tmp_path / "score.json").read_text())


@pytest.mark.parametrize("metric", ["frechet", "kl", "text_audio"])
def test_a_score_says_everything_that_is_needed_to_judge_it(tmp_path, references, metric):
    told = run(tmp_path, references, metric, write(tmp_path / "s.parquet"))
    assert (told["system"], told["embedder"], told["n"]) == ("system", "musicnn", 8)
    assert (told["clip_s"], told["sample_rate"], told["channels"]) == (10.0, 24000, 1)
    found = told["metrics"][metric]
    encoder = " + minilm" if metric == "text_audio" else ""
    assert re.fullmatch(rf"musicnn 1{re.escape(encoder)}\S*", found["backend"])
    assert found["better"] == ("higher" if metric == "text_audio" else "lower")
    assert [e["reference"] for e in found["entries"]] == ["originals", "codec"]
    for entry in found["entries"]:
        assert entry["low"] <= entry["value"] <= entry["high"]
        assert (entry["n"], entry["windows"], entry["confidence"]) == (8, 24, 0.9)
        assert any("8 clips" in w for w in entry["warnings"])


def test_every_metric_that_the_embedder_can_serve_is_scored_and_no_other(tmp_path, references):
    spec = {**SPEC, "metrics": [m for m in METRICS if m != "training_copies"]}
    for embedder, missing in (("musicnn", {"clap"}), ("vggish", {"clap", "kl", "text_audio"})):
        score.run(spec, embedder, "s", write(tmp_path / "s.parquet"), references, tmp_path / "score.json")
        told = json.loads((tmp_path / "score.json").read_text())
        assert set(told["metrics"]) == set(spec["metrics"]) - missing


def test_what_is_a_mean_over_clips_is_kept_by_clip_and_what_is_not_by_resample(tmp_path, references):
    embeddings = write(tmp_path / "s.parquet")
    kl = run(tmp_path, references, "kl", embeddings)["metrics"]["kl"]["entries"][0]
    assert np.mean(kl["per_clip"]) == pytest.approx(kl["value"]) and len(kl["per_clip"]) == 8
    frechet = run(tmp_path, references, "frechet", embeddings)["metrics"]["frechet"]["entries"][0]
    assert len(frechet["replicates"]) == 40
    assert np.mean(frechet["replicates"]) - frechet["value"] == pytest.approx(frechet["bias"])
    assert [c["value"] for c in frechet["outliers"]] == sorted((c["value"] for c in frechet["outliers"]), reverse=True)


def test_every_number_of_a_system_can_be_paired_with_another_s(tmp_path, references):
    spec = {**SPEC, "metrics": [m for m in METRICS if m not in ("training_copies", "clap")]}
    score.run(spec, "musicnn", "s", write(tmp_path / "s.parquet"), references, tmp_path / "score.json")
    for metric, scores in json.loads((tmp_path / "score.json").read_text())["metrics"].items():
        for entry in scores["entries"]:
            for part in beside(metric, entry):
                kept = [len(part[key]) for key in ("per_clip", "replicates") if key in part]
                assert kept in ([8], [40]) and part["low"] <= part["value"] <= part["high"], part["metric"]


def test_few_clips_have_as_many_replicates_as_many(tmp_path):
    embeddings = [write(tmp_path / f"{name}.parquet", k, ids="abc") for k, name in enumerate(("s", "o", "c"))]
    spec = {**SPEC, "metrics": ["kernel", "diversity", "frechet"]}
    score.run(
        spec, "vggish", "s", embeddings[0], dict(zip(("originals", "codec"), embeddings[1:])), tmp_path / "x.json"
    )
    for scores in json.loads((tmp_path / "x.json").read_text())["metrics"].values():
        assert all(len(entry["replicates"]) == 40 for entry in scores["entries"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"duration_s": 30.0}, "30.0 s against 10.0 s in the reference"),
        ({"sample_rate": 32000}, "32000 Hz against 24000 Hz in the reference"),
        ({"channels": 2}, "channels: 2 against channels: 1 in the reference"),
    ],
)
def test_unlike_audio_gives_a_warning_in_the_table_itself(tmp_path, references, changed, said):
    found = run(tmp_path, references, "kl", write(tmp_path / "s.parquet", **changed))
    assert all(said in entry["warnings"] for entry in found["metrics"]["kl"]["entries"])


def test_clips_that_differ_from_their_reference_are_counted():
    def of(*audio):
        windows = tuple(np.ones((1, 2)) for _ in audio)
        return ClipSet("s", tuple("abcd"), ("",) * 4, windows, np.ones((4, 1)), "tiny", audio=audio)

    usual = Audio(10.0, 24000, 1)
    found = differing_audio(
        of(usual, Audio(3.0, 24000, 1), Audio(4.0, 24000, 1), usual), of(usual, usual, usual, usual)
    )
    assert found == ["2 of 4 clips differ: 3.0 s against 10.0 s in the reference, and others"]
    assert differing_audio(of(*[usual] * 4), of(*[usual] * 4)) == []


def test_posteriors_that_are_one_of_many_are_compared_as_distributions(tmp_path):
    references = {
        n: write(tmp_path / f"{n}.parquet", k, activation="softmax") for k, n in enumerate(("originals", "codec"), 1)
    }
    found = run(tmp_path, references, "kl", write(tmp_path / "s.parquet", activation="softmax"), "passt")
    assert "distributions over classes" in found["metrics"]["kl"]["definition"]


def test_near_copies_of_training_clips_are_named(tmp_path, references):
    rng = np.random.default_rng(5)
    training = [rng.normal(size=12) for _ in range(40)]
    rows = [
        {"clip_id": f"track{k}@0", "caption": "", "windows": 3, "dim": 4, "backend": "musicnn 1", "embedding": vector,
         "posterior": [0.5] * 6, "activation": "sigmoid", "text": [], "duration_s": 10.0, "sample_rate": 24000,
         "channels": 1}
        for k, vector in enumerate(training)
    ]  # fmt: skip
    write_table(tmp_path / "training.parquet", "embeddings", rows)
    references = {**references, "training": tmp_path / "training.parquet"}
    embeddings = write(tmp_path / "s.parquet", ids="abcdefgh", embedding=training[7])
    entry = run(tmp_path, references, "training_copies", embeddings)["metrics"]["training_copies"]["entries"][0]
    assert entry["reference"] == "training" and entry["value"] == 1.0
    assert {copy["training"] for copy in entry["copies"]} == {"track7@0"} and entry["per_clip"] == [1.0] * 8
    assert not any("evaluation.training_clips" in w for w in entry["warnings"])
    write_table(tmp_path / "training.parquet", "embeddings", rows[:30])
    entry = run(tmp_path, references, "training_copies", embeddings)["metrics"]["training_copies"]["entries"][0]
    assert any("compared with 30 training clips" in w for w in entry["warnings"])
    with pytest.raises(UserError, match="--reference training=FILE"):
        run(tmp_path, {n: references[n] for n in ("originals", "codec")}, "training_copies", embeddings)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["originals=a"], "codec=FILE is missing"),
        (["originals"], "expected originals=FILE"),
        (["originals=a", "codec=b", "other=c"], "--reference other=c"),
    ],
)
def test_references_are_named_on_the_command_line(texts, message):
    with pytest.raises(UserError, match=message):
        score.named_files(texts)


@pytest.mark.parametrize(("metric", "reason"), [("kernel", "at least two clips"), ("prdc", "at least 6 rows")])
def test_what_a_metric_refuses_is_said_with_its_name_and_both_sets(tmp_path, metric, reason):
    one, other = (write(tmp_path / f"{seed}.parquet", seed, ids="a") for seed in range(2))
    with pytest.raises(UserError, match=f"{metric} of system against originals: .*{reason}"):
        run(tmp_path, {"originals": other, "codec": other}, metric, one)


@pytest.mark.parametrize("metric", ["frechet", "kl", "text_audio"])
def test_the_order_of_rows_and_a_second_run_change_nothing(tmp_path, references, metric):
    first = run(tmp_path, references, metric, write(tmp_path / "s.parquet"))
    again = run(tmp_path, references, metric, write(tmp_path / "s.parquet", order=[7, 2, 0, 1, 5, 4, 3, 6]))
    assert first == again


def test_kl_gives_both_directions_under_their_own_names(tmp_path, references):
    found = run(tmp_path, references, "kl", write(tmp_path / "s.parquet"))["metrics"]["kl"]
    entry = found["entries"][0]
    assert "KL(reference || generated)" in found["definition"]
    assert entry["also"][0]["metric"] == "kl_reversed"
    assert "KL(generated || reference)" in entry["also"][0]["definition"]
    assert entry["also"][0]["value"] != entry["value"]


@pytest.mark.parametrize("metric", ["frechet", "kl"])
def test_a_reference_against_itself_is_zero_and_says_so(tmp_path, references, metric):
    found = run(tmp_path, references, metric, references["originals"])
    entry = found["metrics"][metric]["entries"][0]
    assert (entry["value"], entry["low"], entry["high"]) == (0, 0, 0)
    assert "zero by construction" in entry["warnings"][0]


def test_missing_and_extra_clips_are_named(tmp_path, references):
    with pytest.raises(UserError, match=r"missing h; extra x"):
        run(tmp_path, references, "frechet", write(tmp_path / "s.parquet", ids="abcdefgx"))
    assert not (tmp_path / "score.json").exists()


def test_unlike_backends_are_not_compared(tmp_path, references):
    with pytest.raises(UserError, match="different embedders"):
        run(tmp_path, references, "frechet", write(tmp_path / "s.parquet", backend="musicnn 2"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": ""}, "no clips"),
        ({"ids": "aabcdefg"}, "clip a has more than one row"),
        ({"embedding": [float("nan")] * 12}, "not finite"),
        ({"posterior": [1.5] * 6}, "posterior outside"),
        ({"embedding": [0.0] * 11}, "11 values are not 3 x 4"),
        ({"posterior": []}, "0 classes"),
    ],
)
def test_bad_embeddings_are_refused_with_the_reason(tmp_path, references, changed, message):
    with pytest.raises(UserError, match=message):
        run(tmp_path, references, "kl", write(tmp_path / "s.parquet", **changed))
