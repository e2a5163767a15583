"""What reruns what: DESIGN's table, told from dry runs of a finished project."""

import ast
import os
import re
import time

import pytest

from ssmttm.config import load_config
from ssmttm.run_table import read_runs
from ssmttm.spec import mixers_of, run_spec

from .conftest import MORE_RUNS, ROOT, TABLE, Project

CONFIG = load_config(ROOT / "config.yaml") | {"runs": str(TABLE), "rates": None}
RUNS = read_runs(CONFIG, ROOT) | {row["run"]: row | {"spec": run_spec(CONFIG, row, "")} for row in MORE_RUNS}
VERSION = CONFIG["data"]["version"]
METRICS = CONFIG["evaluation"]["metrics"]
SUMMARY = {
    "page",
    *(f"{job} {study}" for job in ("compare", "report") for study in {r["study"] for r in RUNS.values()}),
}


def every_score() -> set[str]:
    """The jobs that score, which leave audio and embeddings as they are (tests/unit/stages/test_evaluate.py)."""
    return {f"evaluate {run}" for run in RUNS} | {"baselines", "code_models", f"statistics {VERSION} test musicnn"}


def from_generation(*runs: str) -> set[str]:
    """A run's job after its training, and the tables and pages it enters."""
    return {f"evaluate {run}" for run in runs} | SUMMARY


def from_training(*runs: str) -> set[str]:
    return {f"train {run}" for run in runs} | from_generation(*runs)


def with_mixer(mixer: str) -> list[str]:
    return [run for run, row in RUNS.items() if mixer in mixers_of(row["spec"]["variant"])]


def test_a_finished_study_has_nothing_to_do(built):
    done = built.snakemake("--dry-run")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout


def test_comments_docstrings_and_layout_rerun_nothing(project):
    for path in (project.folder / "ssmttm").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
                node.body[0].value.value = "Another docstring."
        path.write_text("# A new comment.\n\n\n" + ast.unparse(tree) + "\n", encoding="utf-8")
    project.append("Snakefile", "\n# A new comment.\n")
    project.append("workflow/rules/train.smk", "\n# A new comment.\n")
    project.append("config.yaml", "\n# A new comment.\n")
    assert project.plan() == set()


def test_a_hybrid_run_has_two_mixers():
    assert {"prefix-hybrid-base-iters"} == set(with_mixer("attention")) & set(with_mixer("mamba2"))
    assert with_mixer("mamba1") == ["prefix-mamba1-base-iters"]


@pytest.mark.parametrize("mixer", ["attention", "mamba1", "mamba2"])
def test_an_edited_mixer_retrains_only_its_runs(project, mixer):
    project.append(f"ssmttm/models/mixers/{mixer}.py", "\nEDITED = 1\n")
    counted = {"claims"} if mixer in ("attention", "mamba2") else set()  # those of the paper's designs
    assert project.plan() == from_training(*with_mixer(mixer)) | counted


def test_an_edited_language_model_retrains_every_run_and_rebuilds_no_data(project):
    project.append("ssmttm/models/lm.py", "\nEDITED = 1\n")
    assert project.plan() == from_training(*RUNS) | {"claims", "code_models"}, "whose likelihoods share a stage"


@pytest.mark.parametrize("metric", METRICS)
def test_an_edited_metric_recomputes_only_scores(project, metric):
    project.append(f"ssmttm/evaluation/metrics/{metric}.py", "\nEDITED = 1\n")
    assert project.plan() == every_score() | SUMMARY


def test_the_checkpoints_to_score_change_nothing_that_is_there(project):
    project.edit("config.yaml", "checkpoints: [0.5] ", "checkpoints: [] ")
    assert project.plan() == SUMMARY


def test_a_further_embedder_embeds_and_scores(project):
    project.edit("config.yaml", "embedders: [musicnn]", "embedders: [musicnn, vggish]")
    project.edit("config.yaml", "models: {}", "models: {vggish: /weights/vggish.pth}")
    plan = project.plan()
    later = {"statistics", "compare", "report", "page"}
    embedding = {"codec_quality", "evaluate", "baselines", "code_models", "embed_training"}
    assert {job.split()[0] for job in plan} == embedding | later


def test_an_embedder_of_another_environment_has_jobs_of_its_own(project):
    project.edit("config.yaml", "embedders: [musicnn]", "embedders: [musicnn, clap_laion]")
    project.edit("config.yaml", "models: {}", "models: {clap_laion: /weights/clap.pt}")
    plan = project.plan()
    run = next(iter(RUNS))
    for system in (f"runs/{run} 0.5", f"baselines/{VERSION}/noise final"):
        assert {f"embed {system} clap_laion", f"score {system} clap_laion"} <= plan
    assert "environment laion_clap" in plan
    assert not any(job.endswith(" musicnn") for job in plan if job.startswith(("embed ", "score ")))


def test_a_package_has_its_environment_made_and_scores_each_study(project):
    assert not any(job.startswith(("environment", "packages")) for job in project.plan("--forceall"))
    project.edit("config.yaml", "embedders: [musicnn]", "embedders: [musicnn, vggish]")
    project.edit("config.yaml", "models: {}", "models: {vggish: /weights/vggish.pth}")
    project.edit("config.yaml", "packages: []", "packages: [frechet_audio_distance]")
    plan = project.plan()
    studies = {row["study"] for row in RUNS.values()}
    assert {f"packages {study} frechet_audio_distance" for study in studies} < plan
    assert {job for job in plan if job.startswith("environment")} == {"environment frechet_audio_distance"}


def test_jobs_depend_on_the_weights_that_they_read(project):
    folder = project.folder / "weights" / "musicgen"
    folder.mkdir(parents=True)
    for file in (folder / "model.safetensors", folder / "config.json", folder / "README.md", folder.parent / "v.pth"):
        file.write_text("weights")
    project.edit("config.yaml", "embedders: [musicnn]", "embedders: [musicnn, vggish]")
    project.edit("config.yaml", "models: {}", "models: {vggish: weights/v.pth}")
    project.edit("config.yaml", "musicgen: null", "musicgen: {model: weights/musicgen}")
    plan = project.snakemake("--dry-run", "--printshellcmds").stdout
    inputs = re.findall(r"^rule (\w+):\n    input: (.*)$", plan, re.MULTILINE)
    embedding = {"evaluate", "baselines", "code_models", "embed_training", "embed"}  # the last of musicgen's audio
    assert {rule for rule, files in inputs if "weights/v.pth" in files} == embedding
    generated = [files for rule, files in inputs if rule == "musicgen"]
    assert generated[0].startswith("weights/musicgen/config.json, weights/musicgen/model.safetensors, results/data/")


def test_edited_data_code_rebuilds_nothing(project):
    for stage in ("index", "license", "audio", "clips", "splits", "captions", "codec", "tokens", "text", "release"):
        project.append(f"ssmttm/stages/{stage}.py", "\nEDITED = 1\n")
    assert project.plan() == set()


def test_edited_plumbing_reruns_nothing(project):
    """Reading configs, writing files and showing progress decide no number."""
    for module in (
        "choices",
        "errors",
        "files",
        "given",
        "progress",
        "provenance",
        "spec",
        "cli/__init__",
        "evaluation/kept",
    ):
        project.append(f"ssmttm/{module}.py", "\nEDITED = 1\n")
    assert project.plan() == set()


def test_an_edited_page_template_rewrites_only_the_pages(project):
    project.append("ssmttm/report/template.html.j2", "<!-- edited -->")
    assert project.plan() == {"report laptop", "page"}


def test_a_new_row_runs_only_itself(project):
    project.append("workflow/runs.tsv", "prefix-simba-seed-2\tlaptop\tprefix-simba\tbase\titers\t2\t\n")
    old, new = from_training("prefix-simba-base-iters"), "prefix-simba-seed-2"
    assert project.plan() == {job.replace("prefix-simba-base-iters", new) for job in old}


def test_a_changed_row_reruns_only_itself(project):
    run = "cross-simba-base-iters"
    row = f"{run}\tlaptop\tcross-simba\tbase\titers\t1\t"
    project.edit("workflow/runs.tsv", row, row + "training.learning_rate=0.0017")
    assert project.plan() == from_training(run)


def test_a_training_setting_reruns_trainings_and_no_data(project):
    project.set("learning_rate", 1.5e-3)
    assert project.plan() == from_training(*RUNS)


def test_a_budget_reruns_only_the_runs_that_have_it(project):
    project.set("iterations", 77)
    assert project.plan() == from_training(*(run for run, row in RUNS.items() if row["budget"] == "iters"))


def test_a_sampling_setting_regenerates_without_training(project):
    project.set("temperature", 0.77)
    assert project.plan() == from_generation(*RUNS) | {"code_models"}


def test_the_number_of_resamples_recomputes_only_scores(project):
    project.set("bootstrap", 77)
    assert project.plan() == every_score() | SUMMARY


def test_touching_a_released_data_set_reruns_nothing(project: Project):
    later = time.time() + 100
    for path in (project.folder / "results" / "data").rglob("*"):
        if path.suffix in {".parquet", ".json", ".safetensors"} and path.name != "prompts.parquet":
            os.utime(path, (later, later))
    assert project.plan() == set()


def test_changed_data_settings_under_the_same_version_are_refused(project):
    project.set("seconds", 7.7)
    done = project.snakemake("--dry-run")
    assert done.returncode != 0
    assert f"results/data/{VERSION}/dataset.json" in done.stdout
    assert "data.clips.seconds" in done.stdout
    assert "data.version" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_new_data_version_builds_a_new_data_set_and_leaves_the_old_one(project):
    project.set("version", "other-2")
    project.set("seconds", 7.7)
    plan = project.plan()
    assert "index other-2" in plan
    assert {f"train {run}" for run in RUNS} <= plan
    assert not any(VERSION in job for job in plan)
