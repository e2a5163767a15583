import sys

import pytest
from made_up_study import results, staged  # noqa: F401
from package_mirror import mirror  # noqa: F401


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: more threads only cost time, and the suite shares two cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def ssmttm(monkeypatch, capsys):
    """Runs a command line of `ssmttm`; returns exit status, output and messages."""
    from ssmttm import cli

    def run(*words: str):
        monkeypatch.setattr(sys, "argv", ["ssmttm", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run
