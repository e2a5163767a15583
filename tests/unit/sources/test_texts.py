from pathlib import Path

import pytest
from debs import flac

from ssmttm.licenses.policy import apply_policy, make_policy
from ssmttm.sources import local
from ssmttm.sources.contract import Context
from ssmttm.sources.texts import Unreadable, decode

TEXT = "Die Musik („Nacht“, 夜) steht unter CC BY 4.0."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_is_read_by_its_mark_or_as_utf_8(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_utf_16_are_read(encoding: str) -> None:
    assert decode("\ufeff".encode(encoding) + TEXT.encode(encoding)) == TEXT


def test_what_is_not_utf_8_may_be_latin_1() -> None:
    assert decode("Musik für Zoë".encode("latin-1")) == "Musik für Zoë"
    assert decode(b"\x93Night\x94") == "“Night”"
    assert decode(b"CC BY 4.0\r\n\x1a") == "CC BY 4.0\r\n\x1a"


@pytest.mark.parametrize(
    "data",
    [
        "CC BY 4.0".encode("utf-16-le"),  # without a mark
        b"\xff\xfeC",  # a mark, and half a character
        b"\xef\xbb\xbf\xff\xff",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"CC BY 4.0 \x81\x8d",
        flac(0.1),
    ],
)
def test_what_is_no_text_is_not_guessed(data: bytes) -> None:
    with pytest.raises(Unreadable, match=r"is|holds"):
        decode(data)


def test_a_license_file_in_utf_16_counts_and_one_that_is_no_text_is_a_rejection(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    for name, data in {"wide": "CC BY 4.0".encode("utf-16"), "broken": b"CC BY 4.0\0\0\x01"}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "a.flac").write_bytes(flac(1.2, 220.0 if name == "wide" else 330.0))
        (folder / name / "LICENSE").write_bytes(data)
    table = tmp_path / "table.csv"
    table.write_text("file,license\nwide/a.flac,\nbroken/a.flac,CC BY 4.0\n")
    context = Context(cache=tmp_path, fetch={}, clips={"seconds": 1.0, "max_track_seconds": 60.0})
    rows = [row.record() for row in local.list_tracks({"folder": str(folder), "table": str(table)}, context)]
    wide, broken = apply_policy(rows, make_policy({"allow": ["CC-BY-4.0"]}))
    assert (wide.reason, wide.license, wide.kind) == (None, "CC-BY-4.0", "license_file")
    assert broken.reason == "license_unreadable" and "broken/LICENSE" in broken.detail
