"""A released data set is used as it is: copied, touched or cut short, nothing rebuilds it without being told."""

import shutil
import time

import pytest

from ssmttm.config import load_config

from .conftest import ROOT

VERSION = load_config(ROOT / "config.yaml")["data"]["version"]
PAGE = "results/report.html"


def data(project):
    return project.folder / "results" / "data" / VERSION


def copied_without_times(project, folder):
    """`cp -r`: every file of results/ has a new time, in the order in which it was copied."""
    results = project.folder / "results"
    results.rename(folder / "old")
    shutil.copytree(folder / "old", results, copy_function=shutil.copyfile)


def of_data(plan):
    rules = {"index", "license", "audio", "clips", "duplicates", "splits", "captions", "codec", "tokens", "text"}
    return {job for job in plan if job.split()[0] in rules | {"release"}}


@pytest.mark.parametrize("records", ["kept", "lost"])
def test_a_copy_without_times_rebuilds_no_data_and_trains_nothing(project, tmp_path, records):
    copied_without_times(project, tmp_path)
    if records == "lost":
        shutil.rmtree(project.folder / ".snakemake")
    plan = project.plan(PAGE)
    assert not of_data(plan)
    assert not {job for job in plan if job.startswith("train")}


def test_a_copy_with_times_and_records_has_nothing_to_do(project, tmp_path):
    """What README says: cp -a results .snakemake NEW."""
    new = tmp_path / "new"
    shutil.copytree(project.folder, new, symlinks=True, ignore=shutil.ignore_patterns("results", ".snakemake"))
    for name in ("results", ".snakemake"):
        shutil.copytree(project.folder / name, new / name, symlinks=True)
    moved = type(project)(new)
    shutil.rmtree(project.folder)
    assert moved.plan() == set()


@pytest.mark.parametrize("touched", ["clips/0.parquet", "index.parquet", "dataset.json", "splits.parquet"])
def test_a_touched_file_of_a_release_reruns_nothing(project, touched):
    time.sleep(0.01)
    (data(project) / touched).touch()
    assert project.plan() == set()


def test_a_touched_release_hides_no_missing_page(project):
    (data(project) / "clips" / "0.parquet").touch()
    (project.folder / PAGE).unlink()
    assert project.plan(PAGE) == {"page"}


@pytest.mark.parametrize("missing", ["tokens/1.parquet", "codec.safetensors"])
def test_a_missing_file_of_a_release_is_one_message(project, missing):
    (data(project) / missing).unlink()
    done = project.snakemake("--dry-run")
    assert done.returncode != 0
    assert f"results/data/{VERSION}/{missing}: missing from the released data set" in done.stdout
    assert f"delete results/data/{VERSION}/dataset.json" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_its_manifest_what_is_missing_of_a_data_set_is_made_anew(project):
    (data(project) / "tokens" / "1.parquet").unlink()
    (data(project) / "dataset.json").unlink()
    assert of_data(project.plan(PAGE)) == {f"tokens {VERSION} 1", f"release {VERSION}"}


def test_raw_audio_is_not_fetched_again(project):
    for path in (data(project) / "audio").glob("?.parquet"):
        path.unlink()
    assert project.plan() == set()
    (data(project) / "dataset.json").unlink()
    assert of_data(project.plan()) == {f"release {VERSION}"}


def test_before_its_release_a_data_set_is_followed_by_all_that_reads_it(project):
    """Nothing may be hidden behind a file that is there but about to be made again."""
    (data(project) / "dataset.json").unlink()
    time.sleep(0.01)
    (data(project) / "clips" / "0.parquet").touch()
    for path in (project.folder / "results" / "runs").glob("*/curve.parquet"):
        path.unlink()
    plan = project.plan(PAGE)
    assert f"release {VERSION}" in plan
    assert {"page", "report laptop", "train prefix-simba-base-iters", "prompts"} <= plan


def test_a_run_that_ends_without_its_target_fails(clone):
    """Snakemake hides what is behind a job that must run and a file that is ancient."""
    clone.append(
        "Snakefile",
        """
rule first:
    output: "a.txt"
    input: "source.txt"
    shell: "cp {input} {output}"


rule second:
    output: "b.txt"
    input: ancient("a.txt")
    shell: "cp {input} {output}"
""",
    )
    for name in ("a.txt", "source.txt"):
        (clone.folder / name).write_text("x", encoding="utf-8")
        time.sleep(0.01)
    done = clone.snakemake("b.txt")
    assert "1 of 1 steps (100%) done" in done.stdout, "Snakemake no longer hides jobs: this guard may go"
    assert done.returncode != 0
    assert "b.txt is not there" in done.stdout
    assert "Traceback" not in done.stdout
    again = clone.snakemake("b.txt")
    assert again.returncode == 0
    assert (clone.folder / "b.txt").is_file()
