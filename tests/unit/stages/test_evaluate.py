"""One process generates, embeds and scores all models of a run: as the single stages do, and only what isn't there."""

import json
import shutil

import numpy as np
import pytest
import torch
from judged_results import IDS, LIKELIHOOD, SCORE, generated, write_results
from run_folders import SETTINGS, Words, write_run

from ssmttm.errors import UserError
from ssmttm.evaluation import evaluator
from ssmttm.evaluation.systems import trained
from ssmttm.files import sha256_file
from ssmttm.generation import pipeline
from ssmttm.models.checkpoint import load_model, save_model
from ssmttm.stages import embed, evaluate, generate, likelihood, score


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    write_results(results)
    return results


@pytest.fixture
def study(finished, tmp_path, monkeypatch):
    """A copy of one's own that evaluates the run, and counts what is made."""
    results = shutil.copytree(finished, tmp_path / "results")
    monkeypatch.setattr(pipeline, "load_encoder", lambda settings: Words())
    monkeypatch.setattr(trained, "read_prompts", lambda path: generate.read_prompts(path.with_suffix(".csv")))
    (results / "data" / "v1" / "prompts.parquet").write_bytes(b"")  # known by its hash
    yield Study(results, monkeypatch)
    torch.use_deterministic_algorithms(False)


class Study:
    def __init__(self, results, monkeypatch):
        self.results, self.run = results, results / "runs" / "r"
        self.counts = {}
        for module, name in (
            (trained.Generator, "generate"), (evaluator, "write_embeddings"), (evaluator, "write_scores"),
            (evaluator, "load_embedder"), (evaluator, "read_references"), (pipeline, "load_codec"),
            (likelihood, "run"),
        ):  # fmt: skip
            monkeypatch.setattr(module, name, self._counted(name, getattr(module, name)))

    def _counted(self, name, function):
        def count(*args, **more):
            self.counts[name] = self.counts.get(name, 0) + 1
            return function(*args, **more)

        return count

    def evaluate(self, *checkpoints, refiner="none", generation=(), **scoring):
        """The numbers of audio, embeddings and scores that were made."""
        self.counts.clear()
        spec = {
            "embedders": ["vggish"],
            "embed": {"models": {"vggish": str(self.results / "vggish.safetensors")}},
            "score": SCORE | scoring,
            "generation": SETTINGS | dict(generation),
            "likelihood": LIKELIHOOD,
        }
        audio = [self.run / "generated" / f"{name}.parquet" for name in checkpoints]
        data, baselines = (self.results / name / "v1" for name in ("data", "baselines"))
        second = trained.NO_REFINER if refiner == "none" else self.results / "refiners" / refiner
        evaluate.run(spec, audio, data, baselines, second, self.results / "cache", "cpu", 1)
        return [self.counts.get(name, 0) for name in ("generate", "write_embeddings", "write_scores")]

    def products(self):
        made = [path for kind in ("generated", "embeddings", "scores") for path in (self.run / kind).rglob("*")]
        return [path for path in [*made, self.run / "likelihoods.parquet"] if path.is_file()]

    def delete(self):
        """As Snakemake does before a job."""
        for product in self.products():
            product.unlink()


def test_it_makes_what_the_single_stages_make(study, tmp_path):
    assert study.evaluate("0.5", "final", refiner="second") == [2, 2, 2]
    audio, out, scored = (tmp_path / name for name in ("audio.parquet", "embeddings.parquet", "scores.json"))
    data, refiner = study.results / "data" / "v1", study.results / "refiners" / "second" / "checkpoints"
    model, prompts = study.run / "checkpoints" / "0.5.safetensors", data / "prompts.csv"
    second = refiner / "0.5.safetensors"
    generate.run(SETTINGS, model, audio, None, prompts, None, None, "cpu", 1, refiner=second)
    spec = {"models": {"vggish": str(study.results / "vggish.safetensors")}}
    embed.run(spec, "vggish", audio, [], None, out, tmp_path / "another cache", 1)
    place = "embeddings/final/vggish.parquet"
    references = {n: study.results / "baselines" / "v1" / n / place for n in ("originals", "codec")}
    score.run(SCORE, "vggish", "r", out, references, scored)
    likelihood.run(LIKELIHOOD, data, tmp_path / "likelihoods.parquet", study.run / "model.safetensors")
    assert (tmp_path / "likelihoods.parquet").read_bytes() == (study.run / "likelihoods.parquet").read_bytes()
    assert audio.read_bytes() == (study.run / "generated" / "0.5.parquet").read_bytes()
    assert out.read_bytes() == (study.run / "embeddings" / "0.5" / "vggish.parquet").read_bytes()
    assert scored.read_bytes() == (study.run / "scores" / "0.5" / "vggish.json").read_bytes()
    kept = study.run / "evaluated" / "generated"
    for name, second in (("0.5", refiner / "0.5.safetensors"), ("final", study.run / "refiner.safetensors")):
        origin = json.loads((kept / f"{name}.parquet.origin.json").read_text())["origin"]
        assert origin["refiner"] == sha256_file(second)
    record = json.loads((study.run / "generated" / "final.json").read_text())
    assert (record["stages"], record["clips"]) == (2, len(IDS))


def test_what_its_models_share_is_loaded_once(study):
    study.evaluate("0.5", "final")
    assert [study.counts[name] for name in ("load_codec", "load_embedder", "read_references")] == [1, 1, 1]


def test_all_that_is_right_is_put_back_and_nothing_is_loaded(study):
    study.evaluate("0.5", "final")
    before = {path: path.read_bytes() for path in study.products()}
    study.delete()
    assert study.evaluate("0.5", "final") == [0, 0, 0]
    assert {path: path.read_bytes() for path in study.products()} == before
    assert study.counts == {}


def test_a_changed_metric_setting_generates_and_embeds_nothing(study):
    study.evaluate("0.5", "final")
    study.delete()
    assert study.evaluate("0.5", "final", bootstrap=30) == [0, 0, 2]
    assert study.evaluate("0.5", "final", bootstrap=30) == [0, 0, 0]


def test_a_changed_model_makes_its_own_checkpoint_again_alone(study):
    study.evaluate("0.5", "final")
    other = write_run(study.results / "other", codebooks=1)
    model, origin = load_model(other / "model.safetensors")
    with torch.no_grad():
        model.heads[0].weight.neg_()
    save_model(study.run / "checkpoints" / "0.5.safetensors", model, origin)
    assert study.evaluate("0.5", "final") == [1, 1, 1]


def test_likelihoods_are_the_finished_models_and_stay_while_it_does(study):
    study.evaluate("0.5")
    assert not (study.run / "likelihoods.parquet").exists()
    study.evaluate("0.5", "final")
    assert study.counts["run"] == 1
    study.delete()
    study.evaluate("0.5", "final", bootstrap=30, generation={"temperature": 0.7})
    assert "run" not in study.counts
    assert (study.run / "likelihoods.parquet").is_file()
    model, origin = load_model(study.run / "model.safetensors")
    with torch.no_grad():
        model.heads[0].weight.neg_()
    save_model(study.run / "model.safetensors", model, origin)
    study.evaluate("final")
    assert study.counts["run"] == 1


def test_a_changed_sampling_setting_makes_everything_again(study):
    study.evaluate("0.5", "final")
    assert study.evaluate("0.5", "final", generation={"temperature": 0.7}) == [2, 2, 2]


def test_a_run_that_loses_its_refiner_is_generated_again(study):
    study.evaluate("final", refiner="second")
    assert study.evaluate("final") == [1, 1, 1]


def test_killed_in_between_it_goes_on_where_it_was(study, monkeypatch):
    write = evaluator.write_embeddings

    def killed(*args):
        if study.counts.get("write_scores"):
            raise KeyboardInterrupt
        write(*args)

    monkeypatch.setattr(evaluator, "write_embeddings", killed)
    with pytest.raises(KeyboardInterrupt):
        study.evaluate("0.5", "final")
    monkeypatch.setattr(evaluator, "write_embeddings", write)
    study.delete()  # Snakemake, after a failure
    assert study.evaluate("0.5", "final") == [0, 1, 1]


def test_what_lacks_is_said_before_anything_is_generated(study):
    with pytest.raises(UserError, match=r"0\.25\.safetensors: no trained model"):
        study.evaluate("0.25", "final")
    path = study.results / "baselines" / "v1" / "codec" / "embeddings" / "final" / "vggish.parquet"
    path.unlink()
    with pytest.raises(UserError, match=r"codec/embeddings/final/vggish\.parquet: no such file"):
        study.evaluate("final")
    assert study.counts == {}
    with pytest.raises(UserError, match="expected RUN/generated/CHECKPOINT"):
        evaluate.asked([study.run / "final.wav"])


def test_other_reference_audio_scores_again(study):
    study.evaluate("final")
    path = study.results / "baselines" / "v1" / "codec" / "embeddings" / "final" / "vggish.parquet"
    audio = generated(study.results / "other.parquet", 77)
    weights = {"models": {"vggish": str(study.results / "vggish.safetensors")}}
    path.unlink()
    embed.run(weights, "vggish", audio, [], None, path, study.results / "cache", 1)
    study.counts.clear()
    assert study.evaluate("final") == [0, 0, 1]


def test_numbers_are_finite(study):
    study.evaluate("final")
    metrics = json.loads((study.run / "scores" / "final" / "vggish.json").read_text())["metrics"]
    values = [entry["value"] for metric in metrics.values() for entry in metric["entries"]]
    assert set(metrics) == {"frechet", "diversity"}
    assert np.isfinite(values).all()
