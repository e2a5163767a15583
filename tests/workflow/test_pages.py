"""Each study has a page, and results/report.html is the configured study's, whatever was built before."""

import re
import shutil

import pytest

from ssmttm.planning import study_of_page

from .conftest import jobs

SMOKE = ("--configfile", "workflow/presets/smoke/config.yaml")
DEFAULT = ("--configfile", "config.yaml")
PAGE = "results/report.html"


@pytest.fixture
def tiny(clone):
    """A project whose `ssmttm report` writes what it is asked for in place of a page; all the rest is placeholders."""
    (clone.folder / "ssmttm" / "stages" / "report.py").write_text(
        "from ssmttm.files import write_text\n\n\n"
        "def run(spec, studies, data, out, claims, figures):\n"
        '    write_text(out, f\'<meta name="study" content="{studies[0].name}">\')\n'
        "    if figures:\n"
        '        write_text(studies[0] / "figures" / "a.svg", "<svg/>")\n',
        encoding="utf-8",
    )
    return clone


def placeholders(project, study, *arguments):
    """Everything but the pages is there."""
    project.build(study, *arguments)
    shutil.rmtree(project.folder / "results" / "studies" / study / "figures")
    (project.folder / "results" / "studies" / study / "report.html").unlink()
    (project.folder / PAGE).unlink()


def run(project, *arguments):
    done = project.snakemake(PAGE, *arguments)
    assert done.returncode == 0, done.stdout
    return study_of_page(project.folder / PAGE)


@pytest.mark.parametrize("order", [("laptop", "smoke"), ("smoke", "laptop")])
def test_the_page_follows_the_config_between_two_presets_in_one_folder(tiny, order):
    arguments = {"laptop": DEFAULT, "smoke": SMOKE}
    for study in order:
        placeholders(tiny, study, *arguments[study])
    for study in order:
        assert run(tiny, *arguments[study]) == study
    assert run(tiny, *arguments[order[0]]) == order[0]
    shutil.rmtree(tiny.folder / ".snakemake" / "metadata")
    assert run(tiny, *arguments[order[1]]) == order[1]
    assert tiny.plan(PAGE, *arguments[order[1]]) == set()
    for study in order:
        assert study_of_page(tiny.folder / "results" / "studies" / study / "report.html") == study


@pytest.mark.parametrize("records", ["kept", "lost"])
def test_a_page_of_an_older_layout_is_replaced(project, records):
    (project.folder / PAGE).write_text("<html>", encoding="utf-8")
    if records == "lost":
        shutil.rmtree(project.folder / ".snakemake" / "metadata")
    assert project.plan(PAGE) == project.plan() == {"page"}
    assert project.plan("laptop") == set()


@pytest.mark.parametrize("target", [(), (PAGE,), ("laptop",), ("results/studies/laptop/report.html",)])
def test_a_study_makes_a_deleted_run_again(project, target):
    run = "prefix-simba-base-iters"
    shutil.rmtree(project.folder / "results" / "runs" / run)
    plan = project.plan(*target)
    assert {job for job in plan if job.startswith("train")} == {f"train {run}"}
    assert {"report laptop", f"evaluate {run}"} <= plan


@pytest.mark.parametrize("lost", ["runs/prefix-simba-base-iters/model.safetensors", "studies/laptop/figures"])
def test_a_page_makes_a_single_deleted_product_again(project, lost):
    path = project.folder / "results" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert {"report laptop", "page"} <= project.plan(PAGE)


def test_a_run_by_name_leaves_a_wrong_page_alone(project):
    (project.folder / PAGE).write_text("<html>", encoding="utf-8")
    assert project.plan("prefix-simba-base-iters") == set()


def test_of_several_studies_the_page_is_the_first_ones_or_the_named_ones(clone):
    clone.append("workflow/runs.tsv", "other\tother-study\tprefix-simba\tbase\titers\t1\t\t\n")
    assert {"report laptop", "report other-study"} <= clone.plan()
    assert "report laptop" not in clone.plan("other-study")
    for setting, study, not_shown in (("null", "laptop", "other-study"), ("other-study", "other-study", "laptop")):
        clone.edit("config.yaml", "study: null", f"study: {setting}")
        plan = clone.snakemake("--dry-run", "--printshellcmds", PAGE).stdout
        [command] = re.findall(r"ssmttm report .*--out results/report.html .*", plan)
        assert f"--studies results/studies/{study} " in command
        assert "--no-figures" in command
        assert f"report {not_shown}" not in jobs(plan)


def test_an_unknown_study_is_named(clone):
    clone.edit("config.yaml", "study: null", "study: desktop")
    done = clone.snakemake("--dry-run")
    assert done.returncode != 0
    assert "study: 'desktop' is not in workflow/runs.tsv, which has laptop" in done.stdout
    assert "Traceback" not in done.stdout
