"""Snakemake killed at awkward moments: the next run goes on to the page, with data sets released once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from ssmttm.planning import shown_study

SMOKE = ("--configfile", "workflow/presets/smoke/config.yaml")
PAGE = "results/report.html"
DATASET = "results/data/smoke-1/dataset.json"

STAGES = """
import json
import sys
from pathlib import Path

import yaml

TABLES = {tables}


def app():
    stage, arguments = sys.argv[1], dict(a.split("=", 1) for a in sys.argv[2:] if "=" in a)
    arguments |= {{a: b for a, b in zip(sys.argv[2:], sys.argv[3:]) if a.startswith("--") and "=" not in a}}
    out = Path(arguments["--out"])
    names = {{"train": ["model.safetensors", "curve.parquet", "manifest.json"]}}.get(stage)
    names = ["summary.json", "comparison.csv", *TABLES] if stage == "compare" else names
    text = "placeholder"
    if stage == "release":
        text = json.dumps({{"settings": json.loads(arguments["--spec"])}})
    if stage == "report":
        text = '<meta name="study" content="smoke">'
        (Path(arguments["--studies"]) / "figures").mkdir(exist_ok=True)
    for path in [out / name for name in names] if names else [out]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


app()
"""


@pytest.fixture
def unreleased(clone):
    """A project with all data but its manifest, whose commands write placeholders in no time."""
    clone.build("smoke", *SMOKE)
    (clone.folder / DATASET).unlink()
    from ssmttm.evaluation import STUDY_TABLES

    text = STAGES.format(tables=[f"{name}.parquet" for name in STUDY_TABLES])
    (clone.folder / "ssmttm" / "cli.py").write_text(text, encoding="utf-8")
    return clone


@pytest.mark.parametrize("moment", [DATASET, "results/data/smoke-1/prompts.parquet"])
@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_a_killed_run_goes_on_to_its_page(unreleased, moment, delay):
    started = time.time()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", PAGE, *SMOKE]
    environment = os.environ | {"PYTHONPATH": str(unreleased.folder)}
    running = subprocess.Popen(
        command, cwd=unreleased.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    path = unreleased.folder / moment
    while not (path.exists() and path.stat().st_mtime >= started):
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    time.sleep(delay)
    running.send_signal(signal.SIGKILL)
    running.wait()
    released = (unreleased.folder / DATASET).stat().st_mtime_ns
    assert unreleased.snakemake("--unlock", *SMOKE).returncode == 0
    done = unreleased.snakemake(PAGE, *SMOKE)
    assert done.returncode == 0, done.stdout
    assert shown_study(unreleased.folder / PAGE) == "smoke"
    assert (unreleased.folder / PAGE).stat().st_mtime > started
    assert (unreleased.folder / DATASET).stat().st_mtime_ns == released
    assert unreleased.plan(PAGE, *SMOKE) == set()
