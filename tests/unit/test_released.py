"""Files of a released data set are those that were released, or nothing starts from them."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from training_data import tiny_spec, write_dataset

from ssmttm import released
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.released import SEEN, check_inputs, check_released
from ssmttm.stages import baseline, prompts, score, train

TRAINING = ("splits.parquet", "tokens", "text")


@pytest.fixture
def data(tmp_path):
    return write_dataset(tmp_path / "data" / "tiny-1")


def change(path, column, function):
    """Replace one column of a table by `function` of its values."""
    table = pq.read_table(path)
    place = table.schema.get_field_index(column)
    values = pa.array(function(table.column(column).to_pylist()), table.schema.field(column).type)
    pq.write_table(table.set_column(place, table.schema.field(column), values), path)


CHANGES = {
    "codes set to 0": ("tokens/0.parquet", "codes", lambda rows: [np.zeros_like(row) for row in rows]),
    "codes swapped": ("tokens/1.parquet", "codes", lambda rows: rows[::-1]),
    "captions swapped": ("text/0.parquet", "clip_id", lambda rows: rows[::-1]),
    "test moved to train": (
        "splits.parquet",
        "split",
        lambda rows: ["train" if r == "test" and i < len(rows) - 1 else r for i, r in enumerate(rows)],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_training_does_not_start_from_what_was_changed(name, data, tmp_path):
    path, column, function = CHANGES[name]
    check_released(data, TRAINING)
    before = sha256_file(data / path)
    change(data / path, column, function)
    with pytest.raises(UserError) as refused:
        train.run("tiny", tiny_spec(), data, tmp_path / "run", "cpu", 1)
    for words in (str(data / path), before, sha256_file(data / path), "put back a whole copy"):
        assert words in str(refused.value)
    assert not (tmp_path / "run" / "finished").exists()


def test_a_file_is_read_once(data, monkeypatch):
    check_released(data, TRAINING)
    monkeypatch.setattr(released, "sha256_file", None)
    check_released(data, TRAINING)


@pytest.mark.parametrize("remembered", ["[]", "{", '{"splits.parquet": 3}', None])
def test_what_is_remembered_can_be_lost(data, remembered):
    check_released(data, TRAINING)
    (data / SEEN).unlink() if remembered is None else (data / SEEN).write_text(remembered)
    check_released(data, TRAINING)
    assert "splits.parquet" in json.loads((data / SEEN).read_text())


def test_a_copy_with_new_times_is_good_and_a_changed_copy_is_not(data, tmp_path):
    check_released(data, TRAINING)
    copy = shutil.copytree(data, tmp_path / "copy", copy_function=shutil.copyfile)
    check_released(copy, TRAINING)
    path, column, function = CHANGES["codes set to 0"]
    change(copy / path, column, function)
    with pytest.raises(UserError, match="not the file that was released"):
        check_released(copy, TRAINING)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: (data / "text" / "1.parquet").unlink(), r"text/1\.parquet: no such file, but dataset\.json"),
        (lambda data: shutil.copy(data / "text/1.parquet", data / "text/2.parquet"), r"text/2\.parquet: .* no file of"),
        (lambda data: (data / "dataset.json").write_text("{}"), "records no hash"),
        (lambda data: (data / "dataset.json").unlink(), r"dataset\.json: no such file"),
    ],
)
def test_what_is_missing_or_does_not_belong_is_refused(damage, message, data):
    damage(data)
    with pytest.raises(UserError, match=message):
        check_released(data, TRAINING)


def test_files_of_no_data_set_are_not_checked(data, tmp_path):
    (tmp_path / "other").mkdir()
    check_inputs([tmp_path / "other" / "clips.parquet", data / "tokens" / "0.parquet"])


def test_scoring_prompts_and_baselines_start_from_released_files_only(data, tmp_path):
    path, column, function = CHANGES["test moved to train"]
    change(data / path, column, function)
    out, splits = tmp_path / "out", data / "splits.parquet"
    message = r"splits\.parquet: not the file that was released"
    with pytest.raises(UserError, match=message):
        prompts.run({"set": {"set": "test"}}, [], splits, out)
    with pytest.raises(UserError, match=message):
        baseline.run({"seed": 1}, "training_codec", tmp_path / "p", [], tmp_path / "codec.safetensors", out, splits)
    names = json.loads((data / "dataset.json").read_text())
    for name in ("codec.safetensors", "captions/0.parquet"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"")
        names["sha256"][name] = sha256_file(data / name)
    (data / "dataset.json").write_text(json.dumps(names))
    with pytest.raises(UserError, match=message):
        score.run(
            {"metrics": [], "bootstrap": 1, "confidence": 0.9, "seed": 1, "training_clips": 1},
            "e",
            "s",
            out,
            {},
            out,
            data,
        )
