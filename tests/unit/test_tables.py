import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssmttm.errors import UserError
from ssmttm.tables import REASONS, SCHEMAS, read_table, read_tables, write_table

SPLIT = {"clip_id": "a@0", "track_id": "a", "artist": "x", "split": "train"}
REJECTED = {"track_id": "a", "stage": "clips", "reason": "silent", "detail": "", "duration_s": 1.0}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_product_can_be_written_empty_and_read_back(tmp_path, name):
    write_table(tmp_path / "t.parquet", name, [])
    table = read_table(tmp_path / "t.parquet", name)
    assert table.num_rows == 0
    assert table.schema.equals(SCHEMAS[name])


def test_rows_come_back_as_they_were(tmp_path):
    write_table(tmp_path / "t.parquet", "splits", [SPLIT])
    assert read_table(tmp_path / "t.parquet", "splits").to_pylist() == [SPLIT]
    assert read_table(tmp_path / "t.parquet", "splits", ["split"]).to_pylist() == [{"split": "train"}]


def test_shards_are_concatenated_in_order(tmp_path):
    for i in range(3):
        write_table(tmp_path / f"{i}.parquet", "splits", [SPLIT | {"clip_id": str(i)}])
    table = read_tables([tmp_path / f"{i}.parquet" for i in range(3)], "splits")
    assert table.column("clip_id").to_pylist() == ["0", "1", "2"]


@pytest.mark.parametrize("row", [{**SPLIT, "extra": 1}, {k: v for k, v in SPLIT.items() if k != "artist"}])
def test_a_row_with_other_columns_is_refused(tmp_path, row):
    with pytest.raises(ValueError, match=r"artist|extra"):
        write_table(tmp_path / "t.parquet", "splits", [row])
    assert not list(tmp_path.iterdir())


def test_a_rejection_needs_a_known_reason(tmp_path):
    write_table(tmp_path / "t.parquet", "rejected", [REJECTED])
    with pytest.raises(ValueError, match="bad taste"):
        write_table(tmp_path / "t.parquet", "rejected", [REJECTED | {"reason": "bad taste"}])
    assert read_table(tmp_path / "t.parquet", "rejected").num_rows == 1
    assert all(REASONS.values())


def test_a_missing_file_a_foreign_file_and_another_product_are_told_apart(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_table(tmp_path / "none.parquet", "splits")
    (tmp_path / "text.parquet").write_text("this is no table")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        read_table(tmp_path / "text.parquet", "splits")
    write_table(tmp_path / "t.parquet", "rejected", [REJECTED])
    with pytest.raises(UserError, match=r"not a splits table of this version; it differs in .*reason"):
        read_table(tmp_path / "t.parquet", "splits")


def test_a_column_of_another_type_is_noticed(tmp_path):
    pq.write_table(pa.table({**{k: [v] for k, v in SPLIT.items()}, "split": [1]}), tmp_path / "t.parquet")
    with pytest.raises(UserError, match="differs in split"):
        read_table(tmp_path / "t.parquet", "splits")
