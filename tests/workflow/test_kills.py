"""Snakemake killed at awkward moments: the next run goes on to the page, with data sets released once."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from ssmttm.choices import BASELINES, CODE_MODELS, LOSS_TABLES, STUDY_TABLES
from ssmttm.config import load_config
from ssmttm.planning import study_of_page

from .conftest import ROOT

SMOKE = ("--configfile", "workflow/presets/smoke/config.yaml")
PAGE = "results/report.html"
RUN = "results/runs/smoke-prefix-simba"
DATA = "results/data/" + load_config(ROOT / "config.yaml", ROOT / SMOKE[1])["data"]["version"]
DATASET = f"{DATA}/dataset.json"

STAGES = """
import json
import sys
from pathlib import Path

TABLES = {tables}


def system(audio):
    folder, name = audio.parent.parent, audio.stem
    judged = [folder / "embeddings" / name / "musicnn.parquet", folder / "scores" / name / "musicnn.json"]
    return [audio, audio.with_name(name + ".json"), folder / "likelihoods.parquet", *judged]


def main():
    stage, arguments = sys.argv[1], dict(a.split("=", 1) for a in sys.argv[2:] if "=" in a)
    arguments |= {{a: b for a, b in zip(sys.argv[2:], sys.argv[3:]) if a.startswith("--") and "=" not in a}}
    out = Path(arguments.get("--out", "."))
    trained = ["model.safetensors", "curve.parquet", "manifest.json"]
    names = {{"train": trained, "refiner": trained, "attach": ["refiner.safetensors", "refiner.json"]}}.get(stage)
    names = ["summary.json", "comparison.csv", *TABLES] if stage == "compare" else names
    text = "placeholder"
    if stage == "release":
        text = json.dumps({{"settings": json.loads(arguments["--spec"])}})
    if stage == "report":
        text = '<meta name="study" content="smoke">'
        (Path(arguments["--studies"]) / "figures").mkdir(exist_ok=True)
    made = [out / name for name in names] if names else [out]
    if stage == "evaluate":
        made = [product for audio in sys.argv[2:] if "/generated/" in audio for product in system(Path(audio))]
    if stage in {together}:
        names = {together}[stage]
        made = [product for name in names for product in system(out / name / "generated" / "final.parquet")]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
"""


@pytest.fixture
def unreleased(clone):
    """A project with a data set up to its captions; its commands write placeholders at once."""
    clone.build("smoke", *SMOKE)
    for made in (DATASET, f"{DATA}/prompts.parquet", PAGE):
        (clone.folder / made).unlink()
    shutil.rmtree(clone.folder / DATA / "tokens")
    for made in ("runs", "baselines", "studies", "references"):
        shutil.rmtree(clone.folder / "results" / made)
    together = {"baselines": BASELINES, "code_models": CODE_MODELS}
    tables = [*(f"{name}.parquet" for name in STUDY_TABLES), *(f"{name}.csv" for name in LOSS_TABLES)]
    text = STAGES.format(tables=tables, together=together)
    (clone.folder / "ssmttm" / "cli" / "__init__.py").write_text(text, encoding="utf-8")
    return clone


@pytest.mark.parametrize(
    ("moment", "delay"),
    [(f"{DATA}/tokens/0.parquet", 0.0), (DATASET, 0.0), (DATASET, 0.3), (f"{RUN}/curve.parquet", 0.0)],
)
def test_a_killed_run_goes_on_to_its_page(unreleased, moment, delay):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", PAGE, *SMOKE]
    environment = os.environ | {"PYTHONPATH": str(unreleased.folder)}
    running = subprocess.Popen(
        command, cwd=unreleased.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    path = unreleased.folder / moment
    while not path.exists():
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    time.sleep(delay)
    running.send_signal(signal.SIGKILL)
    running.wait()
    dataset = unreleased.folder / DATASET
    released = dataset.stat().st_mtime_ns if dataset.exists() else None
    assert unreleased.snakemake("--unlock", *SMOKE).returncode == 0
    done = unreleased.snakemake(PAGE, *SMOKE)
    assert done.returncode == 0, done.stdout
    assert study_of_page(unreleased.folder / PAGE) == "smoke"
    assert released in (None, dataset.stat().st_mtime_ns)
    assert unreleased.plan(PAGE, *SMOKE) == set()
