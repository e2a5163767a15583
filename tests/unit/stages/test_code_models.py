"""One process makes, embeds and scores all trivial models of codes, and only what has changed."""

import json
import shutil

import pytest
from judged_results import IDS, LIKELIHOOD, SCORE, TEXT, write_results
from run_folders import CODEC, RATE, SETTINGS, Words, tiny_codec, write_refiner

from ssmttm.choices import CODE_MODELS
from ssmttm.errors import UserError
from ssmttm.evaluation import evaluator
from ssmttm.stages import code_models, likelihood, trivial
from ssmttm.tables import SCHEMAS, read_table, write_table


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    write_results(results)
    captions = [dict.fromkeys(SCHEMAS["captions"].names) | {"clip_id": i, "caption": f"calm piano {i}"} for i in IDS]
    write_table(results / "data" / "v1" / "prompts.parquet", "captions", captions)
    return results


@pytest.fixture
def make(finished, tmp_path, monkeypatch):
    """Makes the models of codes in a copy of one's own; returns how much audio, likelihoods, embeddings and scores."""
    results = shutil.copytree(finished, tmp_path / "results")
    monkeypatch.setattr(trivial, "load_encoder", lambda settings: Words())
    counts = []
    for kind, module, name in (
        ("audio", trivial, "run"), ("likelihoods", likelihood, "run"),
        ("embeddings", evaluator, "write_embeddings"), ("scores", evaluator, "write_scores"),
    ):  # fmt: skip
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, k=kind, f=function, **more: (counts.append(k), f(*a, **more)))

    def call(refiner=None, temperature=1.0, **scoring):
        counts.clear()
        spec = {
            "embedders": ["vggish"],
            "embed": {"models": {"vggish": str(results / "vggish.safetensors")}},
            "score": SCORE | scoring,
            "likelihood": LIKELIHOOD,
            "trivial": {
                "generation": SETTINGS | {"temperature": temperature},
                "clips": {"seconds": 1.0, "sample_rate": RATE},
                "codec": CODEC,
                "text": TEXT,
                "model": {"codebooks": 2},
            },
        }
        baselines = results / "baselines" / "v1"
        code_models.run(spec, results / "data" / "v1", refiner, baselines, results / "cache", 1)
        return [counts.count(kind) for kind in ("audio", "likelihoods", "embeddings", "scores")]

    call.out = results / "baselines" / "v1"
    return call


def delete(folder):
    """As Snakemake does before a job."""
    for name in CODE_MODELS:
        for path in (folder / name).rglob("*"):
            if path.is_file() and "evaluated" not in path.parts:
                path.unlink()


def test_every_model_is_made_embedded_and_scored_once(make):
    many = len(CODE_MODELS)
    assert make() == [many] * 4
    for name in CODE_MODELS:
        rows = read_table(make.out / name / "likelihoods.parquet", "likelihoods").to_pylist()
        assert {row["split"] for row in rows} == {"test"} and all(row["own"] > 0 for row in rows)
        scores = json.loads((make.out / name / "scores" / "final" / "vggish.json").read_text())
        assert set(scores["metrics"]) == {"frechet", "diversity"}
    delete(make.out)
    assert make() == [0] * 4
    delete(make.out)
    assert make(bootstrap=30) == [0, 0, 0, many]
    assert make(bootstrap=30, temperature=0.5)[:2] == [many, 0]


def test_another_refiner_makes_other_audio_and_the_same_likelihoods(make, tmp_path):
    make()
    refiner = write_refiner(tmp_path / "refiner.safetensors", tiny_codec())
    many = len(CODE_MODELS)
    assert make(refiner) == [many, 0, many, many]


def test_what_lacks_is_said_before_any_work(make, tmp_path):
    with pytest.raises(UserError, match=r"absent\.safetensors: no trained refiner"):
        make(tmp_path / "absent.safetensors")
    (make.out / "codec" / "embeddings" / "final" / "vggish.parquet").unlink()
    with pytest.raises(UserError, match=r"codec/embeddings/final/vggish\.parquet: no such file"):
        make()
    assert not (make.out / "bigram").exists()
