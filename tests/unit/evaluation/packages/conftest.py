import sys

import pytest

from ssmttm.evaluation.packages.environment import RECORD
from ssmttm.files import write_json


@pytest.fixture
def environment(tmp_path):
    """An environment for laion_clap by its record, whose Python is this one: the package isn't there."""
    folder = tmp_path / "envs" / "laion_clap"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    record = {"package": "laion_clap", "version": "1", "torch": "2", "python": "3", "pins": "0" * 64}
    write_json(folder / RECORD, record)
    return folder
