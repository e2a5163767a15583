"""Every command that README and docs show is run: where that is dear, as a plan, or its words are checked."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ssmttm.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("git", "make", "snakemake", "ssmttm", "hf", "torchrun", "tensorboard", "python", ".", "pip", "conda")
NOT_RUN = {
    "git clone": "needs a network",
    "hf download": "needs a network and a model hub",
    "tensorboard --logdir": "is a server, which runs until it is stopped",
    ". .venv/bin/activate": "is of the shell; tests run in the environment",
    "cd my-study": "is done by `make wheel-test`",
    "pip install --no-build-isolation": "builds mamba-ssm, for a GPU",
    "pip install ssmttm": "is done by `make wheel-test`",
    "cp -a results .snakemake": "is done by tests/workflow/test_released_data.py",
    "snakemake --default-storage-provider": "is run by tests/e2e/test_storage.py, which has a server",
    "torchrun --nnodes": "is run by tests/unit/training/test_stage.py, which has a data set",
}
NO_COMMANDS = ("config.yaml            the default study",)
"""How blocks without a language start that are something else: the tree of the project's files."""

REALLY = ("describe", "spec", "claims")
"""Commands of `ssmttm` that take seconds and need nothing that a study makes."""


def shown() -> list[str]:
    """Every command of the pages: lines of blocks, and code in the text that is a program with further words."""
    found: dict[str, None] = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if language in ("", "sh", "bash", "console") and not block.startswith(NO_COMMANDS):
                found |= dict.fromkeys(line for line in block.replace("\\\n", " ").splitlines() if line.strip())
        prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        for code in re.findall(r"`([^`]+)`", prose):
            if code.split()[0] in PROGRAMS and len(code.split()) > 1:
                found[code] = None
    return list(dict.fromkeys(shlex.join(shlex.split(line, comments=True)) for line in found))


def words_of(command: str) -> list[str]:
    """Its words up to a redirection."""
    words = shlex.split(command)
    return words[: words.index(">")] if ">" in words else words


COMMANDS = shown()


def run(words: list[str], folder: Path = ROOT) -> None:
    """Run it with the Python of these tests, wherever `python` may point."""
    ours = {"ssmttm": [sys.executable, "-m", "ssmttm"], "python": [sys.executable]}
    done = subprocess.run(
        [*ours.get(words[0], words[:1]), *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def parsed(words: list[str]) -> None:
    """Fail unless there is such a command of `ssmttm`, with these options, and with all that it needs."""
    command, left = typer.main.get_command(app), words
    while hasattr(command, "commands") and left and left[0] in command.commands:
        command, left = command.commands[left[0]], left[1:]
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    assert command.name != "ssmttm" or left == ["--help"], words
    assert not (unknown := {w for w in left if w.startswith("--")} - options), unknown
    if left not in ([], ["--help"]) and "…" not in left:  # not only the name of a command, or a part of one
        command.make_context(command.name, list(left))


def test_there_are_commands_of_every_program_and_all_are_known():
    assert {shlex.split(c)[0] for c in COMMANDS} >= {"make", "snakemake", "ssmttm", "hf", "torchrun", "python", "git"}
    known = ("make ", "snakemake ", "ssmttm ", "python benchmarks/", "python -m ")
    for command in COMMANDS:
        assert command.startswith((*known, *NOT_RUN)), f"nothing runs {command!r}"
    for start in NOT_RUN:
        assert any(c.startswith(start) for c in COMMANDS), f"{start!r} is no longer documented"


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c.startswith("snakemake ") and not c.startswith(tuple(NOT_RUN))]
)
def test_a_workflow_that_is_shown_can_be_planned(clone, command):
    words = words_of(command)[1:]
    dry = [] if words[0] in ("--lint", "--unlock") else ["--dry-run", "--quiet"]
    done = clone.snakemake(*words, *dry)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_a_target_of_make_that_is_shown_is_there(command):
    run([*words_of(command), "--dry-run"])


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("ssmttm ")])
def test_a_command_of_ours_that_is_shown_works(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = words_of(command)
    parsed(words[1:])
    named_only = len(words) == 2 or words == ["ssmttm", "license", "explain"]
    if not named_only and (words[1] in REALLY or (words[1:3] == ["license", "explain"] and words[3][:2] != "--")):
        run(words)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("python benchmarks/")])
def test_a_benchmark_that_is_shown_is_there_and_has_these_options(command):
    _, script, *words = words_of(command)
    source = (ROOT / script).read_text(encoding="utf-8")
    for word in words:
        assert not word.startswith("--") or f'"{word}"' in source


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("python -m ")])
def test_a_module_that_is_shown_works(command):
    run(words_of(command))


def test_git_ignores_the_key_of_a_listening_test_that_is_built_as_shown(tmp_path):
    shutil.copy(ROOT / ".gitignore", tmp_path)
    run(["git", "init", "--quiet"], tmp_path)
    built = [words_of(c) for c in COMMANDS if c.startswith("ssmttm listen build")]
    assert built
    for words in built:
        run(["git", "check-ignore", "--quiet", f"{words[words.index('--out') + 1]}.key.json"], tmp_path)
    run(["git", "check-ignore", "--quiet", "anywhere/listening.key.json"], tmp_path)
