"""Rows of the index as sources build them, and the table that they become."""

from dataclasses import fields
from pathlib import Path

import pyarrow as pa

from ssmttm.licenses.policy import Evidence
from ssmttm.sources.contract import IndexRow, web_page
from ssmttm.tables import SCHEMAS, read_table, write_table


def test_fields_are_the_columns_of_the_table() -> None:
    schema = SCHEMAS["index"]
    assert [field.name for field in fields(IndexRow)] == schema.names
    entry = schema.field("license_evidence").type.value_type
    assert list(Evidence._fields) == [entry.field(i).name for i in range(entry.num_fields)]
    types = {pa.string(): "str", pa.float64(): "float"}
    plain = {f.name: str(f.type) for f in fields(IndexRow) if not str(f.type).startswith("list")}
    for name, type in plain.items():
        assert types[schema.field(name).type] in str(type), name


def test_a_row_becomes_a_record_of_the_table(tmp_path: Path) -> None:
    row = IndexRow(track_id="local:a", source="local", url="a", tags=["folk"])
    row.license_evidence.append(Evidence("catalog", "CC0", None, "row 2"))
    write_table(tmp_path / "index.parquet", "index", [row.record()])
    (read,) = read_table(tmp_path / "index.parquet", "index").to_pylist()
    assert read == row.record()
    assert read["license_evidence"] == [{"kind": "catalog", "text": "CC0", "url": None, "where": "row 2"}]
    assert IndexRow(track_id="local:b", source="local", url="b").license_evidence == []


def test_a_homepage_is_an_address_of_the_web() -> None:
    assert web_page("https://example.org/a") == "https://example.org/a"
    assert web_page("javascript:alert(1)") is None and web_page("") is None
