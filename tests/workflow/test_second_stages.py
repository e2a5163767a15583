"""Runs of two stages: who trains what, what reruns when a second stage changes, and the study of stages by its name."""

import pytest

from ssmttm.config import load_config
from ssmttm.run_table import read_runs

from .conftest import ROOT, jobs

SMOKE = ("--configfile", "workflow/presets/smoke/config.yaml")
RUN, REFINER = "smoke-two-stages", "smoke-refiner"
SUMMARY = {"compare smoke", "report smoke", "page"}
SECOND = {f"refiner {REFINER}", f"attach {RUN}", f"evaluate {RUN}", "code_models"} | SUMMARY
"""What a changed second stage reruns; trivial models of codes go through it, too."""


@pytest.fixture(scope="module")
def finished(fresh, tmp_path_factory):
    """The smoke study as built. Not to be changed."""
    project = fresh.copy(tmp_path_factory.mktemp("smoke") / "project")
    project.build("smoke", *SMOKE)
    return project


@pytest.fixture
def smoke(finished, tmp_path):
    """A finished smoke study of one's own."""
    return finished.copy(tmp_path / "project")


def test_a_refiners_setting_trains_it_again_and_no_language_model(smoke):
    smoke.set("jitter", 0.3)
    assert smoke.plan(*SMOKE) == SECOND


def test_another_language_model_leaves_its_refiner_as_it_is(smoke):
    smoke.edit("workflow/presets/smoke/runs.tsv", "model.codebooks=1", "model.codebooks=1; training.warmup_steps=1")
    assert smoke.plan(*SMOKE) == {f"train {RUN}", f"evaluate {RUN}"} | SUMMARY


def test_a_row_may_have_the_language_model_of_another(smoke):
    row = f"more\tsmoke\tprefix-simba\ttiny\tsteps\t1\t{REFINER}\t{RUN}\tgeneration.sampler_steps=2\n"
    table = smoke.folder / "workflow/presets/smoke/runs.tsv"
    lines = [line.split("\t") for line in table.read_text().splitlines()]
    names = [*lines[0][:7], "language_model", lines[0][7]]
    rows = ["\t".join([*cells[:7], "", *cells[7:]]) for cells in lines[1:]]
    table.write_text("\n".join(["\t".join(names), *rows]) + "\n" + row)
    assert smoke.plan(*SMOKE) == {"borrow more", "attach more", "evaluate more"} | SUMMARY


def test_a_row_with_another_number_of_steps_trains_what_it_shares_and_scores_the_end_alone(fresh):
    run, lender = "stages-unet-2-steps-4", "stages-unet-2"
    output = fresh.snakemake("--dry-run", "--printshellcmds", run).stdout
    plan = jobs(output)
    own = {f"train {lender}", f"borrow {run}", "refiner refine-unet-2", f"attach {run}"}
    assert {job for job in plan if job.split()[0] in ("train", "borrow", "refiner", "attach")} == own
    assert {job for job in plan if job.startswith("evaluate")} == {f"evaluate {run}"}
    assert f"ssmttm evaluate results/runs/{run}/generated/final.parquet --refiner=" in output


def test_an_edited_backbone_retrains_only_the_refiners_that_have_it(smoke):
    smoke.append("ssmttm/models/refiner/backbones/unet.py", "\nEDITED = 1\n")
    assert smoke.plan(*SMOKE) == SECOND | {"claims"}, "which count the paper's refiner"


def test_a_row_that_loses_its_refiner_generates_without_it(smoke):
    smoke.edit("workflow/presets/smoke/runs.tsv", f"\t{REFINER}\t", "\t\t")
    plan = smoke.snakemake("--dry-run", "--printshellcmds", *SMOKE).stdout
    audio = (f"results/runs/{RUN}/generated/{name}.parquet" for name in ("0.5", "final"))
    assert f"ssmttm evaluate {' '.join(audio)} --refiner=none " in plan
    assert jobs(plan) == {f"evaluate {RUN}", "code_models"} | SUMMARY


def test_the_study_of_stages_is_built_by_its_name_with_a_page_of_its_own_title(fresh):
    """That nothing else builds it is in test_rerun.py, where the default targets have their own runs alone."""
    config = load_config(ROOT / "config.yaml", ROOT / "workflow/presets/stages/config.yaml")
    runs = read_runs(config, ROOT)
    output = fresh.snakemake("--dry-run", "--printshellcmds", "study-stages").stdout
    plan = jobs(output)
    assert {job.split()[1] for job in plan if job.startswith(("train", "borrow"))} == set(runs)
    assert {"compare study-stages", "report study-stages"} <= plan
    assert not any("laptop" in job.split() for job in plan)
    report = next(line for line in output.splitlines() if "ssmttm report" in line)
    assert f'"title":"{config["title"]}"' in report
