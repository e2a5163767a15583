"""With `--sdm conda` a job runs in the environment that Snakemake made for it.

There is no conda here: a stand-in makes a virtual environment that finds this one's packages, and
answers Snakemake's questions. Activation is conda's: its environment comes first in PATH.
"""

import json
import os
import sys
import sysconfig
from pathlib import Path

import pytest

CONDA = """#!{python} -S
import json, subprocess, sys
arguments = sys.argv[1:]
if arguments == ["info", "--json"]:
    print(json.dumps({{"conda_prefix": "{base}", "platform": "linux-64", "root_prefix": "{base}"}}))
elif arguments == ["--version"]:
    print("conda 25.1.0")
elif arguments[:2] == ["config", "--get"]:
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif arguments[:2] == ["env", "create"]:
    folder = next(b for a, b in zip(arguments, arguments[1:]) if a in ("--prefix", "-p"))
    subprocess.run(["{python}", "-m", "venv", "--without-pip", folder], check=True)
    found = subprocess.check_output(
        [folder + "/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    ).strip()
    open(found + "/packages.pth", "w").write("{packages}\\n")
"""
ACTIVATE = 'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'


@pytest.fixture
def conda(tmp_path, monkeypatch) -> Path:
    """A stand-in for conda, first in PATH."""
    base = tmp_path / "conda"
    (base / "bin").mkdir(parents=True)
    text = CONDA.format(python=sys.executable, base=base, packages=sysconfig.get_path("purelib"))
    (base / "bin" / "conda").write_text(text, encoding="utf-8")
    (base / "bin" / "conda").chmod(0o755)
    (base / "bin" / "activate").write_text(ACTIVATE, encoding="utf-8")
    monkeypatch.setenv("PATH", f"{base / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return base


@pytest.fixture
def telling(clone):
    """A project whose `ssmttm claims` writes which Python ran it, and from where it read the package."""
    (clone.folder / "ssmttm" / "stages" / "claims.py").write_text(
        "import sys\n\nfrom ssmttm.files import write_json\n\n\n"
        'def run(spec, out):\n    write_json(out, {"prefix": sys.prefix, "package": __file__})\n',
        encoding="utf-8",
    )
    return clone


def told(project, *arguments):
    done = project.snakemake("results/claims.json", *arguments)
    assert done.returncode == 0, done.stdout
    return json.loads((project.folder / "results" / "claims.json").read_text(encoding="utf-8"))


def test_a_job_runs_in_the_conda_environment(telling, conda):
    found = told(telling, "--sdm", "conda")
    environments = telling.folder / ".snakemake" / "conda"
    assert Path(found["prefix"]).parent.resolve() == environments.resolve()
    assert Path(found["package"]).is_relative_to(telling.folder)


def test_without_conda_a_job_runs_in_snakemakes_own_environment(telling):
    assert told(telling)["prefix"] == sys.prefix
