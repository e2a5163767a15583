"""What the workflow decides before its first job and after its last, so that rule files only declare. No torch.

`settings` and `dag` are Snakemake's own objects, taken by what is used of them.
"""

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.spec import ROOT

_STUDY = re.compile(rb'<meta name="study" content="([^"]*)">')


def shell_prefix(conda: bool) -> str:
    """What every job's command starts with: which `ssmttm` it calls, as Snakemake formats it (braces are doubled).

    Without conda that is the one that belongs to this Snakemake, whether or not its environment is
    activated. With conda, Snakemake has activated the job's environment before, so nothing may come
    before it in PATH; this project is not installed there, so its Python reads the package from here.
    """
    root = shlex.quote(str(ROOT))
    if conda:
        called = f'ssmttm() {{{{ PYTHONPATH={root} python -m ssmttm.cli "$@"; }}}}; export SSMTTM_REFERENCE='
    else:
        folder = shlex.quote(str(Path(sys.executable).parent))
        called = f"export PATH={folder}:$PATH SSMTTM_REFERENCE=.venv-reference"
    return f"set -euo pipefail; {called} SSMTTM_ROOT={root}; "


def summarize_dry_run(settings: Any, say: Callable[[str], None]) -> None:
    """Let a dry run print jobs per rule only, as `--quiet` does, unless it was asked for more or for less.

    `settings` are Snakemake's output settings, which are changed.
    """
    from snakemake.settings.types import Quietness

    asked = settings.quiet or settings.printshellcmds or settings.verbose or settings.debug_dag
    if settings.dryrun and not asked:
        settings.quiet = {Quietness.RULES, Quietness.PROGRESS}
        say("A summary of what would run; -n -p shows every job, its reason and its command.")


def shown_study(page: Path | str) -> str | None:
    """The study that a report page is of; None if there is no page, or one that doesn't say."""
    try:
        with open(page, "rb") as f:
            found = _STUDY.search(f.read(8192))
    except OSError:
        return None
    return found[1].decode() if found else None


def force_pages(settings: Any, pages: Mapping[str, str], parts: Callable[[str], Iterable[str]]) -> None:
    """Have Snakemake make those pages again that are asked for and there, but not right.

    A page is right if it is of its study and all its `parts` are there. Snakemake sees neither: it
    compares a page with the settings that it was made with only if it has a record of them, and
    doesn't make a missing file again while what was made from it is there. `pages` are {path: study},
    `parts` gives the files that a study's page is made from. `settings` are Snakemake's DAG settings,
    whose forced targets are extended; a job of a running workflow, which has no targets, changes nothing.
    """
    if settings is None or settings.target_jobs:
        return
    asked = {os.path.normpath(target) for target in settings.targets}
    every = not asked or "all" in asked
    wrong = {
        page
        for page, study in pages.items()
        if (every or page in asked)
        and Path(page).exists()
        and not (shown_study(page) == study and all(Path(part).exists() for part in parts(study)))
    }
    settings.forcerun = frozenset(settings.forcerun) | wrong


def missing_targets(dag: Any) -> list[str]:
    """Files that were asked for and are not there, sorted: those of target files, and all of target rules."""
    asked = (
        file
        for job in dag.targetjobs
        for file in job.output or job.input
        if not job.output or job.rule in dag.targetrules or file in dag.targetfiles
    )
    return sorted({str(file) for file in asked if not Path(file).exists()})


def check_finished(dag: Any) -> None:
    """Raise UserError if a run that ended well left out what it was asked for."""
    if missing := missing_targets(dag):
        raise UserError(
            f"every job ended well, but {', '.join(missing)} is not there: Snakemake didn't plan what makes it\n"
            "run the same command again"
        )
