"""A folder for a study of one's own: whole or not there, planned by the package's rules, of the same version."""

import subprocess
import sys
from pathlib import Path

import pytest
from snakemake.exceptions import WorkflowError

from ssmttm import __version__
from ssmttm.config import ROOT, load_config, presets
from ssmttm.errors import UserError
from ssmttm.planning import rules_for
from ssmttm.run_table import read_studies
from ssmttm.stages import init


def planned(folder, *words):
    """What a dry run in `folder` prints."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_it_is_the_default_study_with_tables_of_its_own(tmp_path, monkeypatch):
    init.run(tmp_path / "mine", None)
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        "Snakefile", "config.yaml", "runs.tsv", "rates.tsv", "profiles", "README.md", ".gitignore",
    }  # fmt: skip
    theirs = load_config(ROOT / "config.yaml")
    monkeypatch.chdir(tmp_path / "mine")
    mine = load_config()
    assert (mine["runs"], mine["rates"]) == ("runs.tsv", "rates.tsv")
    assert {**mine, "runs": "", "rates": ""} == {**theirs, "runs": "", "rates": ""}
    (tmp_path / "mine" / "runs.tsv").write_text("\n".join(Path("runs.tsv").read_text().splitlines()[:3]) + "\n")
    own = read_studies(load_config())
    assert len([row for row in own.runs.values() if row["study"] in own.own]) == 2


@pytest.mark.parametrize("preset", [None, "smoke"])
def test_it_is_planned_by_the_rules_of_the_package(tmp_path, preset):
    init.run(tmp_path / "mine", preset)
    status, text = planned(tmp_path / "mine")
    assert status == 0, text
    runs = read_studies(
        load_config(tmp_path / "mine" / "config.yaml", *(tmp_path / "mine").glob("smoke.yaml")), tmp_path / "mine"
    )
    count = sum(row["study"] in runs.own for row in runs.runs.values())
    assert [line.split() for line in text.splitlines() if line.startswith("train ")] == [["train", str(count)]]
    assert not (tmp_path / "mine" / "results").exists()


@pytest.mark.parametrize("preset", [name for name in presets() if name != "stages"])
def test_every_preset_makes_one_config_that_is_valid(tmp_path, monkeypatch, preset):
    init.run(tmp_path / "mine", preset)
    monkeypatch.chdir(tmp_path / "mine")
    config = load_config("config.yaml", f"{preset}.yaml")
    assert config["runs"] == "runs.tsv"
    assert config["rates"] == ("rates.tsv" if Path("rates.tsv").is_file() else None)


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("mine")
    with pytest.raises(UserError, match="mine: is already there, and not empty"):
        init.run(tmp_path / "mine", None)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["x"]
    with pytest.raises(UserError, match="--preset larg: no such preset; there are debian, paper"):
        init.run(tmp_path / "other", "larg")
    assert not (tmp_path / "other").exists()


def test_a_place_that_can_not_be_written_is_one_message(tmp_path, ssmttm):
    (tmp_path / "file").write_text("")
    status, _, message = ssmttm("init", str(tmp_path / "file" / "mine"))
    assert (status, message.count("\n")) == (2, 1)
    assert f"FOLDER {tmp_path}/file/mine: can't be written" in message


def test_another_version_of_the_package_is_said(tmp_path, monkeypatch):
    major, minor, *_ = __version__.split(".")
    assert rules_for(f"{major}.{minor}.99") == str(ROOT / "Snakefile")
    with pytest.raises(WorkflowError, match=rf"made with ssmttm 99\.1\.0, but {__version__} is installed: pip install"):
        rules_for("99.1.0")
    init.run(tmp_path / "mine", None)
    snakefile = tmp_path / "mine" / "Snakefile"
    snakefile.write_text(snakefile.read_text().replace(f'rules_for("{__version__}")', 'rules_for("99.1.0")'))
    status, text = planned(tmp_path / "mine")
    assert status != 0
    assert "pip install 'ssmttm==99.1.*'" in text
