"""Puts the project's own files beside the package into wheels, as ssmttm/project: rules, config, presets, schemas.

All else that setuptools needs is in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FILES = ("Snakefile", "config.yaml", "environment.yml", "requirements.lock", "profiles", "workflow")


class BuildWithProject(build_py):
    """Copies them where the package is built; a checkout that is installed as editable has them where they are."""

    def run(self) -> None:
        """Build the package, then copy them."""
        super().run()
        if self.editable_mode:
            return
        project = Path(self.build_lib) / "ssmttm" / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir(parents=True)
        for name in FILES:
            if Path(name).is_dir():
                shutil.copytree(name, project / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy2(name, project / name)


setup(cmdclass={"build_py": BuildWithProject})
