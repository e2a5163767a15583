import json

import pytest
import torch
from language_models import tiny_model
from safetensors.torch import save_file
from training_data import SETTINGS, clip_cost, tiny_spec

from ssmttm.errors import UserError
from ssmttm.models import checkpoint
from ssmttm.models.checkpoint import load_model, save_model
from ssmttm.training.average import WeightAverage
from ssmttm.training.budget import plan_budget
from ssmttm.training.optimizer import build_optimizer
from ssmttm.training.state import FILE, TrainState, state_folder


def identity(**changes):
    return json.dumps({"spec": {"seed": 1, "training": {"batch_size": 4}, **changes}, "code": "a"})


def state(steps=7, **model):
    model = tiny_model("prefix-simba", **model)
    plan = plan_budget({"iterations": steps}, *clip_cost(model), 4)
    return TrainState(model, build_optimizer(model, SETTINGS), WeightAverage(model, 0.9), plan)


@pytest.fixture
def saved(tmp_path):
    one = state()
    one.step = 2
    one.save(tmp_path, identity())
    return tmp_path / FILE


def test_states_of_different_specs_have_different_folders(tmp_path):
    assert state_folder(tmp_path, identity()) != state_folder(tmp_path, identity(seed=2))


def test_a_state_of_another_spec_is_refused_with_the_keys_that_differ(saved):
    with pytest.raises(UserError, match=r"spec\.training\.batch_size") as caught:
        state().restore(saved.parent, identity(training={"batch_size": 8}))
    assert str(saved) in str(caught.value)
    assert "seed" not in str(caught.value)


def test_a_state_of_another_plan_is_refused(saved):
    with pytest.raises(UserError, match=r"steps \(7 there, 9 here\)"):
        state(steps=9).restore(saved.parent, identity())


def test_a_state_of_another_size_is_refused_with_the_tensor(saved):
    with pytest.raises(UserError, match=r"blocks\.0\.\S+ is \[.*\] in the file, but \[.*\] in the model"):
        state(d_model=32).restore(saved.parent, identity())


def pickled(path):
    torch.save({"state": torch.zeros(3)}, path)


def old_pickle(path):
    torch.save({"state": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def header_cut(path):
    path.write_bytes(path.read_bytes()[:40])


def empty(path):
    path.write_bytes(b"")


def foreign(path):
    save_file({"x": torch.zeros(3)}, path)


DAMAGES = {
    pickled: "pickled checkpoints are not loaded",
    old_pickle: "pickled checkpoints are not loaded",
    truncated: "truncated or damaged",
    header_cut: "truncated or damaged",
    empty: "truncated or damaged",
    foreign: "but not a",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_state_is_one_message_with_its_path(damage, saved):
    damage(saved)
    with pytest.raises(UserError, match=DAMAGES[damage]) as caught:
        state().restore(saved.parent, identity())
    assert str(saved) in str(caught.value)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_model_is_one_message_with_its_path(damage, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model("prefix-simba"), {"spec": tiny_spec()})
    load_model(path)
    damage(path)
    with pytest.raises(UserError, match=DAMAGES[damage]) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


def test_a_model_of_another_size_than_it_says_is_refused_with_the_tensor(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, tiny_model("prefix-simba", d_model=32), {"spec": tiny_spec()})
    with pytest.raises(UserError, match=r"is \[.*\] in the file, but \[.*\] in the model"):
        load_model(path)


def test_a_model_with_a_weight_that_is_not_finite_is_neither_written_nor_loaded(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    model = tiny_model("prefix-simba")
    model.heads[0].weight.data[0, 0] = float("nan")
    with pytest.raises(UserError, match=r"heads\.0\.weight has weights that are not finite"):
        save_model(path, model, {"spec": tiny_spec()})
    assert not path.exists()
    monkeypatch.setattr(checkpoint, "check_finite", lambda *_: None)
    save_model(path, model, {"spec": tiny_spec()})
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"model\.safetensors: heads\.0\.weight has weights that are not finite"):
        load_model(path)


def test_a_missing_model_is_one_message(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_model(tmp_path / "model.safetensors")
