import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from training_data import CODEC, FRAMES, TOKENS, load, tiny_spec, write_dataset

from ssmttm.errors import UserError
from ssmttm.files import atomic_path, read_json
from ssmttm.tables import read_table, write_table
from ssmttm.training.data import text_file


def test_batches_hold_the_clips_text_cut_and_padded(dataset, sets):
    batch = sets.train.batch(np.array([5, 2]), torch.device("cpu"))
    assert batch.clip_ids == ["train05", "train02"]
    assert batch.codes.shape == (2, 3, FRAMES), "the first levels of the codec's four"
    assert torch.equal(batch.codes[0, 1], (torch.arange(FRAMES) + 5) % 7)
    rows = {r["clip_id"]: r for shard in "01" for r in pq.read_table(dataset / "text" / f"{shard}.parquet").to_pylist()}
    for i, clip in enumerate(batch.clip_ids):
        length = min(rows[clip]["length"], TOKENS)
        whole = torch.tensor(rows[clip]["embedding"]).reshape(-1, 6)
        assert batch.text_mask[i].tolist() == [True] * length + [False] * (TOKENS - length)
        assert torch.equal(batch.text[i, :length], whole[:length].float())
    assert (batch.text[~batch.text_mask] == 0).all()


def test_the_splits_are_those_of_the_table(sets):
    assert {split: len(getattr(sets, split)) for split in ("train", "validation", "test")} == {
        "train": 9,
        "validation": 5,
        "test": 3,
    }
    assert sets.test.clip_ids == ["test00", "test01", "test02"]


def test_embeddings_are_written_once_and_a_truncated_file_is_noticed(dataset, tmp_path):
    load(dataset, tmp_path)
    (path,) = tmp_path.glob("*.f16")
    before = path.stat().st_mtime_ns
    again = load(dataset, tmp_path)
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"")
    with pytest.raises(UserError, match="truncated"):
        again.train.batch(np.arange(3), torch.device("cpu"))


def changed(folder, name, change):
    path = folder / name / "1.parquet"
    rows = read_table(path, name).to_pylist()
    change(rows)
    write_table(path, name, rows)


BROKEN = {
    "tokens of another codec": ("tokens", lambda rows: rows[0].update(codec="spectral:ffffffffffff"), "ffffffffffff"),
    "text of another encoder": ("text", lambda rows: rows[0].update(encoder="t5:1"), "t5:1"),
    "a clip without tokens": ("tokens", lambda rows: rows.pop(), "is in no shard"),
    "a clip without text": ("text", lambda rows: rows.pop(), "is in no shard"),
    "a clip twice": ("tokens", lambda rows: rows.append(rows[0]), "in two rows"),
    "a code beyond the codebook": ("tokens", lambda rows: rows[0]["codes"].__setitem__(0, 7), "code 7"),
    "clips of two lengths": (
        "tokens",
        lambda rows: rows[0].update(frames=6, codes=rows[0]["codes"][:24]),
        "must agree",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_data_set_is_one_message_that_names_the_file(case, tmp_path):
    name, change, message = BROKEN[case]
    folder = write_dataset(tmp_path / "data")
    changed(folder, name, change)
    with pytest.raises(UserError, match=message) as caught:
        load(folder, tmp_path)
    assert str(folder) in str(caught.value)


def test_more_codebooks_than_the_codec_has_are_refused(dataset, tmp_path):
    spec = tiny_spec()
    spec["model"]["codebooks"] = 5
    with pytest.raises(UserError, match="more codebooks than the codec"):
        load(dataset, tmp_path, spec)


def test_a_data_set_of_another_codec_than_the_run_asks_for_is_refused(dataset, tmp_path):
    spec = tiny_spec()
    spec["data"]["codec"]["name"] = "dac"
    with pytest.raises(UserError, match=f"{CODEC}, but the run asks for dac"):
        load(dataset, tmp_path, spec)


def test_a_data_set_without_shards_is_refused(dataset, tmp_path):
    (tmp_path / "splits.parquet").write_bytes((dataset / "splits.parquet").read_bytes())
    (tmp_path / "dataset.json").write_text(json.dumps({"codec": CODEC, "text_encoder": "x:1"}))
    with pytest.raises(UserError, match="no tokens shards"):
        load(tmp_path, tmp_path)


def test_trainings_that_start_at_once_write_the_embeddings_once(dataset, tmp_path, monkeypatch):
    written, start = [], threading.Barrier(4)

    @contextmanager
    def counted(path):
        with atomic_path(path) as temporary:
            written.append(path)
            yield temporary

    def begin(_):
        start.wait()
        return load(dataset, tmp_path).train.batch(np.arange(9), torch.device("cpu")).text

    monkeypatch.setattr("ssmttm.training.data.atomic_path", counted)
    with ThreadPoolExecutor(4) as threads:
        first, *others = threads.map(begin, range(4))
    assert written == [tmp_path / text_file(read_json(dataset / "dataset.json"))]
    assert all(torch.equal(first, other) for other in others)


def test_embeddings_of_other_shards_are_in_another_file(dataset, tmp_path):
    release = read_json(dataset / "dataset.json")
    other = {**release, "sha256": {**release["sha256"], "text/1.parquet": "0" * 64}}
    assert text_file(other) != text_file(release)
    assert text_file({**release, "sha256": {**release["sha256"], "tokens/1.parquet": "0" * 64}}) == text_file(release)
