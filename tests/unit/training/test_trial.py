"""A trial of a learning rate: a training whose loss on held-out tracks of training artists is all that is kept."""

import json

import pytest
from training_data import COUNTS, tiny_spec, write_dataset

from ssmttm.files import sha256_file
from ssmttm.stages import train, tune
from ssmttm.tables import read_table, write_table


@pytest.fixture(scope="module")
def tuning_dataset(tmp_path_factory):
    """A data set whose last two training clips are there to tune on."""
    folder = write_dataset(tmp_path_factory.mktemp("tuning"))
    rows = read_table(folder / "splits.parquet", "splits").to_pylist()
    for row in rows:
        row["split"] = "tuning" if row["clip_id"] in ("train07", "train08") else row["split"]
    write_table(folder / "splits.parquet", "splits", rows)
    release = json.loads((folder / "dataset.json").read_text())
    release["sha256"]["splits.parquet"] = sha256_file(folder / "splits.parquet")
    (folder / "dataset.json").write_text(json.dumps(release))
    return folder


def trial(spec, data, out):
    tune.trial("tiny", spec, data, out, "cpu", 1)
    return json.loads(out.read_text())


def test_a_trial_keeps_the_loss_on_tuning_clips_and_nothing_else(tuning_dataset, tmp_path):
    result = trial(tiny_spec(checkpoints=[]), tuning_dataset, tmp_path / "a.1.json")
    assert (result["split"], result["clips"], result["steps"]) == ("tuning", 2, 7)
    assert 0 < result["loss"] < 3
    assert [path.name for path in tmp_path.iterdir()] == ["a.1.json"]
    train.run("tiny", tiny_spec(checkpoints=[]), tuning_dataset, tmp_path / "run", "cpu", 1)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["clips"] == {"train": COUNTS["train"] - 2, "validation": 5, "test": 3}
    assert manifest["test_loss"] != result["loss"]  # of other clips


def test_a_killed_trial_goes_on_from_its_state(tuning_dataset, tmp_path, monkeypatch):
    from ssmttm.training.step import Stepper

    class Killed(Exception):
        pass

    expected = trial(tiny_spec(), tuning_dataset, tmp_path / "whole.json")
    original, taken = Stepper.step, []

    def dying(self, number, rate):
        taken.append(number)
        if len(taken) == 6:
            raise Killed
        return original(self, number, rate)

    monkeypatch.setattr(Stepper, "step", dying)
    with pytest.raises(Killed):
        trial(tiny_spec(), tuning_dataset, tmp_path / "cut.json")
    assert not (tmp_path / "cut.json").exists()
    taken.extend([0] * 6)
    assert trial(tiny_spec(), tuning_dataset, tmp_path / "cut.json")["loss"] == expected["loss"]
    assert taken[-3:] == [4, 5, 6]


def test_without_tuning_clips_those_of_validation_judge_and_it_is_said(dataset, tmp_path, capsys):
    result = trial(tiny_spec(), dataset, tmp_path / "a.json")
    assert (result["split"], result["clips"]) == ("validation", COUNTS["validation"])
    assert "no clips of split tuning" in "".join(capsys.readouterr())


def test_training_that_diverges_is_a_result(tuning_dataset, tmp_path):
    result = trial(tiny_spec(learning_rate=1e30, gradient_clip=1e30), tuning_dataset, tmp_path / "a.json")
    assert result == {"loss": None, "split": "tuning", "clips": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
