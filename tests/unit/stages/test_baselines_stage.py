"""One process makes, embeds and scores all systems that are no model, and only what has changed."""

import json

import pytest
from run_folders import RATE, Words, tiny_codec
from tiny_embedders import vggish

from ssmttm.audio.coded import encode_audio
from ssmttm.choices import BASELINES
from ssmttm.contracts.holding import music
from ssmttm.errors import UserError
from ssmttm.evaluation import evaluator
from ssmttm.evaluation.systems import nearest
from ssmttm.files import sha256_file
from ssmttm.stages import baseline, baselines
from ssmttm.tables import SCHEMAS, write_table

SCORE = {"metrics": ["frechet"], "bootstrap": 20, "confidence": 0.9, "seed": 1, "training_clips": 10}


def rows(name, values):
    return [dict.fromkeys(SCHEMAS[name].names) | v for v in values]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A released data set of eight clips, half of them prompts, and weights of an embedder."""
    folder = tmp_path_factory.mktemp("data")
    clips = [
        {"clip_id": f"t{i}@0", "track_id": f"t{i}", "split": "train" if i < 4 else "test", "caption": f"caption {i}",
         "audio": {"bytes": encode_audio(music(1.0, RATE, i), RATE), "path": "x.flac"}}
        for i in range(8)
    ]  # fmt: skip
    for table, name in (("clips/0", "clips"), ("captions/0", "captions"), ("splits", "splits")):
        columns = SCHEMAS[name].names
        write_table(
            folder / f"{table}.parquet", name, rows(name, [{k: c[k] for k in c if k in columns} for c in clips])
        )
    encoded = zip(clips, Words().encode([c["caption"] for c in clips], 8), strict=True)
    text = [
        {
            "clip_id": c["clip_id"],
            "length": len(e),
            "width": e.shape[1],
            "embedding": e.ravel().astype("f2"),
            "encoder": "words:1",
        }
        for c, e in encoded
    ]
    write_table(folder / "text" / "0.parquet", "text", rows("text", text))
    prompts = [{k: c[k] for k in ("clip_id", "track_id", "caption")} for c in clips[4:]]
    write_table(folder / "prompts.parquet", "captions", rows("captions", prompts))
    codec = tiny_codec()
    codec.save(folder / "codec.safetensors")
    names = ("clips/0.parquet", "captions/0.parquet", "text/0.parquet", "splits.parquet", "codec.safetensors")
    release = {"codec": codec.identity, "sha256": {name: sha256_file(folder / name) for name in names}}
    (folder / "dataset.json").write_text(json.dumps(release))
    vggish(folder)
    return folder


@pytest.fixture
def make(data, tmp_path, monkeypatch):
    """Makes the baselines in a folder of one's own; returns how much audio, embeddings and scores it made."""
    monkeypatch.setattr(nearest, "load_encoder", lambda settings: Words())
    counts = []
    for module, name in ((baseline, "run"), (evaluator, "write_embeddings"), (evaluator, "write_scores")):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, n=name, f=function: (counts.append(n), f(*a)))

    def call(**scoring):
        counts.clear()
        spec = {
            "embedders": ["vggish"],
            "embed": {"models": {"vggish": str(data / "vggish.safetensors")}},
            "score": SCORE | scoring,
            "baseline": {"seed": 1, "vocoder": "griffin_lim", "text": {"encoder": "minilm", "max_tokens": 8}},
        }
        clips, text = [data / "clips" / "0.parquet"], [data / "text" / "0.parquet"]
        baselines.run(spec, data, clips, text, None, tmp_path / "out", tmp_path / "cache", 1)
        return [counts.count(name) for name in ("run", "write_embeddings", "write_scores")]

    return call


def test_every_baseline_is_made_embedded_and_scored_once(make, tmp_path):
    assert make() == [len(BASELINES)] * 3
    scores = {
        name: json.loads((tmp_path / "out" / name / "scores/final/vggish.json").read_text()) for name in BASELINES
    }
    distance = {n: s["metrics"]["frechet"]["entries"][0]["value"] for n, s in scores.items()}
    assert distance["originals"] == pytest.approx(0, abs=1e-6)
    assert distance["noise"] > distance["shuffled"] - 1e-6
    assert make() == [0, 0, 0]


def test_a_changed_metric_setting_only_scores(make, tmp_path):
    make()
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file() and "evaluated" not in path.parts:
            path.unlink()
    assert make(bootstrap=30) == [0, 0, len(BASELINES)]
    assert (tmp_path / "out" / "codec" / "generated" / "final.parquet").is_file()


def test_training_embeddings_that_a_metric_needs_are_asked_for_before_any_work(make, tmp_path):
    with pytest.raises(UserError, match=r"training/vggish\.parquet: no such file"):
        make(metrics=["frechet", "training_copies"])
    assert not (tmp_path / "out").exists()
