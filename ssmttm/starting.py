"""A folder for a study of one's own, which takes its rules from the installed package."""

import re
from pathlib import Path

from ssmttm import __version__
from ssmttm.config import PRESETS, ROOT, presets
from ssmttm.errors import UserError
from ssmttm.files import copy_file, new_folder, write_text

_SNAKEFILE = """# A study whose rules are those of the installed package ssmttm: {version} or later of its kind.
#   snakemake --cores all results/report.html
# Rules of your own go below.
from ssmttm.cluster import check_cluster
from ssmttm.planning import check_finished, rules_for


{configs}


module ssmttm:
    snakefile: rules_for("{version}")
    config: config


use rule * from ssmttm


onstart:
    check_cluster(workflow, logger.info)


onsuccess:
    check_finished(workflow)
"""

_README = """# A study with ssmttm

```
snakemake -n                                    # what would run
snakemake --cores all results/report.html       # the study; interrupted, it goes on
snakemake --workflow-profile profiles/slurm     # on a SLURM cluster
```

| file | what it is |
| --- | --- |
| `config.yaml` | every setting{over} |
| `runs.tsv` | one row for each model to train |
{rates}| `profiles/` | what each `snakemake` call reads, and what a cluster needs |
| `results/` | everything that is made; `results/report.html` is the page |
"""

_IGNORED = "results/\n.snakemake/\n"


def write_study_folder(folder: Path, preset: str | None) -> None:
    """Write Snakefile, config, run table and profiles to the new folder `folder`, all of them or nothing.

    `preset` is a folder of the project's workflow/presets; its overlay then goes over the default config. Raises
    UserError for a folder that isn't empty, and for a preset that isn't there.
    """
    if preset is not None and preset not in presets():
        raise UserError(f"--preset {preset}: no such preset; there are {', '.join(presets())}")
    with new_folder(folder) as unfinished:
        names = ["config.yaml"]
        if preset is None:
            _copy_config(ROOT / "config.yaml", unfinished / "config.yaml")
        else:
            copy_file(ROOT / "config.yaml", unfinished / "config.yaml")
            names.append(f"{preset}.yaml")
            _copy_config(PRESETS / preset / "config.yaml", unfinished / names[-1])
        rates = "| `rates.tsv` | tuned learning rates, for the settings they were found with |\n"
        readme = _README.format(
            over=f"; `{preset}.yaml` goes over it" if preset else "",
            rates=rates if (unfinished / "rates.tsv").is_file() else "",
        )
        write_text(unfinished / "README.md", readme)
        write_text(unfinished / ".gitignore", _IGNORED)
        configs = "\n".join(f'configfile: "{name}"' for name in names)
        write_text(unfinished / "Snakefile", _SNAKEFILE.format(version=__version__, configs=configs))
        for name, source in (("default", ROOT / "profiles"), ("slurm", ROOT / "workflow" / "profiles")):
            copy_file(source / name / "config.yaml", unfinished / "profiles" / name / "config.yaml")


def _copy_config(source: Path, target: Path) -> None:
    """A config whose tables, `runs` and `rates`, stand beside it."""

    def beside(match: re.Match[str]) -> str:
        key, path = match[1], match[2]
        copy_file(ROOT / path, target.parent / f"{key}.tsv")
        return f"{key}: {key}.tsv".ljust(len(match[0]))

    text = source.read_text(encoding="utf-8")
    write_text(target, re.sub(r"(?m)^(runs|rates): (\S+\.tsv)", beside, text))
