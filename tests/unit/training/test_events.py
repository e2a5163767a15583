"""Events for TensorBoard are an extra: without the package a run is trained all the same, and that is said."""

import sys

from ssmttm.training.events import open_events


def test_without_tensorboard_nothing_is_written_and_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [n for n in sys.modules if n.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    assert open_events(tmp_path / "events", 0, ["codebook 1"]) is None
    assert not (tmp_path / "events").exists()
    assert "pip install 'ssmttm[tensorboard]'" in capsys.readouterr().err
