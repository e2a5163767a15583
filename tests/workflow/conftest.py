"""A copy of the project in which every job has a placeholder output: dry runs tell what would run."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ssmttm.config import load_config

ROOT = Path(__file__).resolve().parents[2]
MORE_RUNS = [
    {
        "run": f"{variant}-base-iters",
        "study": "laptop",
        "variant": variant,
        "size": "base",
        "budget": "iters",
        "seed": 1,
    }
    for variant in ("prefix-hybrid", "prefix-mamba1")
]
"""Runs that the finished project has beside those of `TABLE`: every mixer is there."""

TABLE = ROOT / "tests" / "unit" / "support" / "four_designs.tsv"
"""The run table of the finished project: fewer runs than the default study has, and so faster to plan."""

RELEASE_HAS_NOT = re.compile(r"dataset\.json|index\.parquet|prompts\.parquet|/training/|/audio/\d+\.parquet")
"""Files in the folder of a data set that are not part of its release."""

PARTS = ("ssmttm", "workflow", "profiles", "Snakefile", "config.yaml", "environment.yml")


@dataclass
class Project:
    """A copy of the project. Its own `ssmttm` is imported: that is the code that is fingerprinted."""

    folder: Path

    def snakemake(self, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
        """Run Snakemake here; its output and messages together are in `stdout`."""
        environment = os.environ | {"PYTHONPATH": f"{path}{os.pathsep}{self.folder}" if path else str(self.folder)}
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def plan(self, *arguments: str) -> set[str]:
        """The jobs that would run, as "rule" or "rule wildcard …", without targets that only collect."""
        done = self.snakemake("--dry-run", "--printshellcmds", *arguments)
        assert done.returncode == 0, done.stdout
        return jobs(done.stdout)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the first `old` in a file; it must be there."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def set(self, key: str, value: object) -> None:
        """Change the first setting called `key` in config.yaml."""
        file = self.folder / "config.yaml"
        text = file.read_text(encoding="utf-8")
        changed = re.sub(rf"\b({key}: )[^\s#{{}}]+", rf"\g<1>{value}", text, count=1)
        assert changed != text, f"config.yaml has no {key} to change"
        file.write_text(changed, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Add `text` at the end of a file."""
        with open(self.folder / path, "a", encoding="utf-8") as f:
            f.write(text)

    def build(self, study: str, *arguments: str) -> None:
        """Make a placeholder of each product that is not there, and have it recorded as built.

        `arguments` choose the config of `study`, whose page becomes results/report.html.
        """
        summary = self.snakemake("--summary", *arguments).stdout
        products = re.findall(r"^(results/\S+)\t", summary, re.MULTILINE)
        assert "results/report.html" in products, summary
        for product in map(self.folder.joinpath, products):
            product.parent.mkdir(parents=True, exist_ok=True)
            if product.suffix == ".html":
                shown = study if product.parent.name == "results" else product.parent.name
                product.write_text(f'<meta name="study" content="{shown}">\n', encoding="utf-8")
            elif not product.suffix:
                product.mkdir(exist_ok=True)
            elif product.name != "dataset.json" and not product.exists():
                product.write_text("placeholder\n", encoding="utf-8")
        touched = self.snakemake("--touch", "--forceall", "--quiet", "all", *arguments)
        assert touched.returncode == 0, touched.stdout
        config = load_config(self.folder / "config.yaml", *(self.folder / a for a in arguments if a.endswith(".yaml")))
        data = self.folder / "results" / "data" / config["data"]["version"]
        files = [path for path in data.rglob("*") if path.is_file() and not RELEASE_HAS_NOT.search(str(path))]
        release = {"settings": config["data"], "sha256": {str(path.relative_to(data)): "" for path in files}}
        (data / "dataset.json").write_text(json.dumps(release), encoding="utf-8")

    def copy(self, folder: Path) -> "Project":
        """A copy with the same modification times and the same records of what was built how."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)


def jobs(output: str) -> set[str]:
    """The jobs in a dry run's output that have a command."""
    found = set()
    for block in re.split(r"^(?:local)?rule ", output, flags=re.MULTILINE)[1:]:
        if not re.search(r"^    log: ", block, re.MULTILINE):
            continue
        rule = block.split(":", 1)[0]
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        values = [pair.split("=", 1)[1] for pair in wildcards[1].split(", ")] if wildcards else []
        found.add(" ".join([rule, *values]))
    return found


@pytest.fixture(scope="session")
def fresh(tmp_path_factory) -> Project:
    """The project as it is cloned: nothing built. Not to be changed."""
    folder = tmp_path_factory.mktemp("fresh") / "project"
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
    return Project(folder)


@pytest.fixture(scope="session")
def built(fresh, tmp_path_factory) -> Project:
    """The project with a placeholder for each product, recorded as built. Not to be changed."""
    project = fresh.copy(tmp_path_factory.mktemp("built") / "project")
    shutil.copy2(TABLE, project.folder / "workflow" / "runs.tsv")
    project.edit("config.yaml", "rates: workflow/rates.tsv", "rates: null")
    project.edit("config.yaml", "checkpoints: []   ", "checkpoints: [0.25, 0.5] ")
    project.edit("config.yaml", "checkpoints: []   ", "checkpoints: [0.5]   ")
    for row in MORE_RUNS:
        project.append("workflow/runs.tsv", "\t".join(map(str, row.values())) + "\t\n")
    project.build("laptop")
    return project


@pytest.fixture
def project(built, tmp_path) -> Project:
    """A finished project of one's own."""
    return built.copy(tmp_path / "project")


@pytest.fixture
def clone(fresh, tmp_path) -> Project:
    """An unbuilt project of one's own."""
    return fresh.copy(tmp_path / "project")
