"""docs/licenses.md is what the installed packages state, in the versions of the lock."""

import re
import subprocess
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from plugin_packages import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from software_licenses import LOCK, PAGE, Row, needed, page, row

ROWS = [
    Row(*(cell.strip() for cell in line.strip("|").split(" | ")))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [a-z0-9-]+ \| [0-9]", line)
]


def pins() -> dict[str, Requirement]:
    """What the lock pins, by name; markers may leave some out on this Python."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if re.match(r"\w", line)]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def test_every_version_is_the_locked_one():
    locked = pins()
    for found in ROWS:
        assert found.package in locked and locked[found.package].specifier.contains(found.version, prereleases=True), (
            found
        )


def test_all_that_is_needed_at_run_time_is_there_and_nothing_else():
    markers = {name for name, pin in pins().items() if pin.marker is not None}
    assert {found.package for found in ROWS} - markers == set(needed()) - markers


def test_the_page_is_what_its_command_writes():
    if set(needed()) != {found.package for found in ROWS}:
        pytest.skip("this Python needs other packages than the one that the page was written with")
    text = PAGE.read_text(encoding="utf-8")
    assert text == page([row(name) for name in needed()]), "run python benchmarks/software_licenses.py"


def test_no_license_is_unknown():
    assert [found for found in ROWS if found.stated == "nowhere"] == []


@pytest.mark.parametrize(("package", "license"), [("essentia", "AGPL-3.0-only"), ("python-debian", "GPL-2.0-or-later")])
def test_what_asks_for_more_is_said_on_the_page_and_in_the_readme(package, license):
    assert f"- `{package}`, {license}. " in PAGE.read_text(encoding="utf-8")
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"{package}'s {license}" in readme and "docs/licenses.md" in readme


def test_neither_is_loaded_by_what_trains_generates_or_scores():
    stages = ("train", "generate", "score", "evaluate", "likelihood", "baselines", "embed", "report", "model")
    program = f"import sys; {'; '.join(f'import ssmttm.stages.{stage}' for stage in stages)}"
    program += "; sys.exit(' '.join({'essentia', 'debian'} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
