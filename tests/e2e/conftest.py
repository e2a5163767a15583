"""The smoke preset, run for real once: real packages, real audio, three tiny models, one of two stages, a report."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRESET = "workflow/presets/smoke/config.yaml"
SAID = "said.txt"
"""What the first run of Snakemake told."""

RUNS = ("smoke-prefix-simba", "smoke-cross-transformer", "smoke-two-stages")


def snakemake(folder: Path, *targets: str, configs=(PRESET,), timeout=900) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *targets, "--configfile", *map(str, configs)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)


def ssmttm(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ssmttm.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A folder in which `snakemake results/report.html` has run from nothing to the end."""
    if shutil.which("apt-get") is None:
        pytest.skip("the smoke preset fetches Debian packages by apt-get, which is not on this machine")
    folder = tmp_path_factory.mktemp("smoke")
    for name in ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml"):
        (folder / name).symlink_to(ROOT / name)
    done = snakemake(folder, "results/report.html")
    assert done.returncode == 0, done.stderr[-6000:]
    (folder / SAID).write_text(done.stdout + done.stderr, encoding="utf-8")
    return folder
