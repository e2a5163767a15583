"""What the workflow decides before its first job and after its last, so that rule files only declare. No torch.

`settings`, `dag` and `workflow` are Snakemake's own objects.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ssmttm import __version__
from ssmttm.choices import ELSEWHERE
from ssmttm.config import PACKAGE, ROOT
from ssmttm.errors import UserError
from ssmttm.settings import Config, Run

TUNING = ("tune", "tune_trial", "rates")
"""Rules that find learning rates."""

_STUDY = re.compile(rb'<meta name="study" content="([^"]*)">')


def shell_prefix(conda: bool) -> str:
    """What every job's command starts with: which `ssmttm` it calls, as Snakemake formats it (braces are doubled).

    Without conda that is the one that belongs to this Snakemake, whether or not its environment is
    activated. With conda, Snakemake has activated the job's environment before, so nothing may come
    before it in PATH; this project is not installed there, so its Python reads the package from here.
    """
    root = shlex.quote(str(PACKAGE.parent))
    if conda:
        called = f'ssmttm() {{{{ PYTHONPATH={root} python -m ssmttm.cli "$@"; }}}}; export'
    else:
        folder = shlex.quote(str(Path(sys.executable).parent))
        called = f"export PATH={folder}:$PATH"
    return f"set -euo pipefail; {called} SSMTTM_ROOT={root}; "


def rules_for(version: str) -> str:
    """The Snakefile of the installed package, for a folder that `ssmttm init` of version `version` made.

    Raises Snakemake's WorkflowError if the package is of another minor version, whose settings may be others.
    """
    from snakemake.exceptions import WorkflowError

    if version.split(".")[:2] != __version__.split(".")[:2]:
        kind = ".".join(version.split(".")[:2])
        raise WorkflowError(
            f"Snakefile: this study was made with ssmttm {version}, but {__version__} is installed: "
            f"pip install 'ssmttm=={kind}.*', or make a new folder with `ssmttm init` and copy settings and runs there"
        )
    return str(ROOT / "Snakefile")


def summarize_dry_run(settings: Any, say: Callable[[str], None]) -> None:
    """Let a dry run print jobs per rule only, as `--quiet` does, unless it was asked for more or for less.

    `settings` are Snakemake's output settings, which are changed.
    """
    from snakemake.settings.types import Quietness

    asked = settings.quiet or settings.printshellcmds or settings.verbose or settings.debug_dag
    if settings.dryrun and not asked:
        settings.quiet = {Quietness.RULES, Quietness.PROGRESS}
        say("A summary of what would run; -n -p shows every job, its reason and its command.")


def shown_study(config: Config, runs: Mapping[str, Run]) -> str:
    """The study that results/report.html is of: the config's `study`, or else the first of the run table."""
    studies = list(dict.fromkeys(row["study"] for row in runs.values()))
    if config.get("study") not in (None, *studies):
        raise UserError(f"study: {config['study']!r} is not in {config['runs']}, which has {', '.join(studies)}")
    return str(config.get("study") or studies[0])


def asks_for_tuning(words: Sequence[str]) -> bool:
    """Whether Snakemake, called with `words`, is to find learning rates, and so may not ask for a table of them first.

    While it reads the rules it doesn't say what its targets are. A job of a cluster is called by its rule.
    """
    return any(word.split(":")[0] in TUNING or word.startswith("results/tune/") for word in words)


def tuning_command(configs: Sequence[Any], default: str = "config.yaml") -> str:
    """The command that tunes a study by the config files `configs`, which lie below this folder by names from there."""
    here = Path.cwd()
    paths = [Path(name) for name in configs if str(name) != default]
    overlays = [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in paths]
    return shlex.join(["snakemake", "--cores", "all", "tune", *(["--configfile", *overlays] if overlays else [])])


def one_of(names: Iterable[Any]) -> str:
    """The regular expression that matches exactly these names: a wildcard's constraint."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"  # which matches nothing


def evaluations(checkpoints: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """{name of a rule that evaluates runs: their checkpoints}, those that some run has; `evaluate` has the most."""
    found = sorted({tuple(names) for names in checkpoints}, key=lambda names: (-len(names), names))
    return {"evaluate" if n == 0 else "_".join(["evaluate", *names]): [*names] for n, names in enumerate(found)}


def share_resources(settings: Any, rules: Iterable[str]) -> None:
    """Let `rules` have what a profile or the command line sets for the first of them, where it sets nothing for them.

    `settings` are Snakemake's resource settings, which are changed.
    """
    first, *others = rules
    for kind in ("overwrite_resources", "overwrite_threads"):
        chosen = getattr(settings, kind)
        if first in chosen:
            setattr(settings, kind, dict.fromkeys(others, chosen[first]) | dict(chosen))


def separate(systems: Iterable[str], others: Iterable[str]) -> str:
    """The expression for systems in paths of embeddings and scores that have a job of their own.

    These are all of `others`, and by an embedder of another environment all of `systems`.
    """
    return rf"(?:{one_of(others)})|(?:{one_of(systems)})(?=/\w+/[^/]+/(?:{one_of(sorted(ELSEWHERE))})\.)"


def study_of_page(page: Path | str) -> str | None:
    """The study that a report page is of; None if there is no page, or one that doesn't say."""
    try:
        with open(page, "rb") as f:
            study = _STUDY.search(f.read(8192))
    except OSError:
        return None
    return study[1].decode() if study else None


def page_parts(dag: Any, page: str, study: str, parts: Sequence[str]) -> Sequence[str]:
    """The input `parts` of a page of `study`; a page that is there, but not right, is forced.

    A page is right if it is of its study and all its parts are there. Snakemake sees neither: it
    compares a page with the settings that it was made with only if it has a record of them, and
    doesn't make a missing file again while what was made from it is there. `dag` is Snakemake's,
    while it is built: its input functions are called before it decides which jobs must run.
    """
    there = Path(page).exists()
    if there and not (study_of_page(page) == study and all(Path(part).exists() for part in parts)):
        dag.forcefiles.add(page)
    return parts


def missing_targets(dag: Any) -> list[str]:
    """Files that were asked for and are not there, sorted: those of target files, and all of target rules.

    What is kept in a remote storage is there: Snakemake has just put it there.
    """
    asked = (
        file
        for job in dag.targetjobs
        for file in job.output or job.input
        if not job.output or job.rule in dag.targetrules or file in dag.targetfiles
    )
    return sorted({str(file) for file in asked if not (file.is_storage or Path(file).exists())})


def check_finished(workflow: Any) -> None:
    """Raise UserError if a run that ended well left out what it was asked for; touching files makes none."""
    if missing := [] if workflow.touch else missing_targets(workflow.dag):
        raise UserError(
            f"every job ended well, but {', '.join(missing)} is not there: Snakemake didn't plan what makes it\n"
            "run the same command again"
        )


def tell_last_words(workflow: Any, rule: str, say: Callable[[str], None]) -> None:
    """Tell what the jobs of `rule` that have just run wrote to their logs."""
    ran = [job for job in workflow.dag.needrun_jobs(exclude_finished=False) if job.rule.name == rule]
    for log in [Path(log) for job in ran for log in job.log]:
        if log.is_file():
            say(log.read_text(encoding="utf-8", errors="replace").strip())
