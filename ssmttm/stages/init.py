"""Stage `init`: begin a study of one's own."""

from pathlib import Path

from ssmttm.progress import notify
from ssmttm.starting import write_study_folder


def run(folder: Path, preset: str | None) -> None:
    """Write Snakefile, config, run table and profiles to the new folder `folder`."""
    write_study_folder(folder, preset)
    notify(f"{folder}: a study; cd {folder} && snakemake --cores all results/report.html")
