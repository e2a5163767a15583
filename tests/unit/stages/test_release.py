import json

import pytest

from ssmttm.config import load_config
from ssmttm.errors import UserError
from ssmttm.released import check_release
from ssmttm.stages import release
from ssmttm.tables import SCHEMAS, write_table


def write(path, name, values):
    write_table(path, name, [dict.fromkeys(SCHEMAS[name].names) | v for v in values])


CLIPS = {0: ["a@0", "a@1"], 1: ["b@0"]}


@pytest.fixture
def settings():
    return load_config()["data"] | {"shards": 2}


@pytest.fixture
def folder(tmp_path):
    for shard, clips in CLIPS.items():
        write(tmp_path / f"clips/{shard}.parquet", "clips", [{"clip_id": c, "duration_s": 30.0} for c in clips])
        said = [{"clip_id": c, "caption": f"Slow piano {c}.", "written_by": "template"} for c in clips]
        write(tmp_path / f"captions/{shard}.parquet", "captions", said)
        write(tmp_path / f"fingerprints/{shard}.parquet", "fingerprints", [])
        write(tmp_path / f"tokens/{shard}.parquet", "tokens", [{"clip_id": c, "codec": "x:1"} for c in clips])
        write(tmp_path / f"text/{shard}.parquet", "text", [{"clip_id": c, "encoder": "y:2"} for c in clips])
        write(tmp_path / f"audio/{shard}.rejected.parquet", "rejected", [])
        write(tmp_path / f"clips/{shard}.rejected.parquet", "rejected", [{"reason": "silent"}])
    write(tmp_path / "duplicates.parquet", "duplicates", [{"track_id": "c", "duplicate_of": "a"}])
    splits = [("a@0", "train"), ("a@1", "train"), ("b@0", "test")]
    write(tmp_path / "splits.parquet", "splits", [{"clip_id": c, "split": s} for c, s in splits])
    said = [{"kind": "ml_reservation", "text": "No AI training.", "url": None, "where": "tag comment"}]
    tracks = [{"track_id": "a", "license_evidence": said}, {"track_id": "b", "license_evidence": []}]
    write(tmp_path / "licensed.parquet", "licensed", tracks)
    write(tmp_path / "rejected.parquet", "rejected", [{"reason": "license_unknown"}])
    (tmp_path / "ATTRIBUTION.md").write_text("nobody\n")
    (tmp_path / "codec.safetensors").write_bytes(b"codec")
    return tmp_path


def test_a_consistent_data_set_gets_its_manifest(folder, settings):
    release.run(settings, folder, folder / "dataset.json")
    written = json.loads((folder / "dataset.json").read_text())
    assert written["settings"] == settings
    assert written["clips"] == {"test": 1, "train": 2}
    assert written["minutes"] == {"test": 0.5, "train": 1.0}
    assert (written["codec"], written["text_encoder"]) == ("x:1", "y:2")
    assert written["rejected"] == {"license_unknown": 1, "silent": 2}
    assert written["ml_reserved"] == 1
    assert {"tokens/1.parquet", "duplicates.parquet", "fingerprints/0.parquet"} <= set(written["sha256"])
    assert written["duplicates"] == 1
    assert written["captions"]["written_by"] == {"template": 3}
    assert written["captions"]["captions"] == 3
    check_release({"data": settings}, folder)
    with pytest.raises(UserError, match=r"data\.seed"):
        check_release({"data": settings | {"seed": 99}}, folder)


def test_captions_that_are_all_alike_are_refused(folder, settings):
    said = [{"clip_id": c, "caption": "Music.", "written_by": "template"} for c in CLIPS[0]]
    write(folder / "captions/0.parquet", "captions", said)
    with pytest.raises(UserError, match=r"all 2 captions of the split train say 'Music\.'.*change data\.captions"):
        release.run(settings, folder, folder / "dataset.json")
    assert not (folder / "dataset.json").exists()


def rename(folder):
    write(folder / "tokens/1.parquet", "tokens", [{"clip_id": "other", "codec": "x:1"}])


def repeat(folder):
    write(folder / "text/1.parquet", "text", [{"clip_id": "b@0", "encoder": "y:2"}] * 2)


def mix_codecs(folder):
    write(folder / "tokens/1.parquet", "tokens", [{"clip_id": "b@0", "codec": "x:other"}])


def mix_encoders(folder):
    write(folder / "text/1.parquet", "text", [{"clip_id": "b@0", "encoder": "z:2"}])


def leave_out(folder):
    write(folder / "splits.parquet", "splits", [{"clip_id": "a@0", "split": "train"}])


def damage(folder):
    (folder / "audio/1.rejected.parquet").write_bytes(b"no table")


def remove(folder):
    (folder / "ATTRIBUTION.md").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (rename, "tokens/1.parquet: its clips are not those"),
        (repeat, "has a clip twice"),
        (mix_codecs, "more than one codec"),
        (mix_encoders, "more than one encoder"),
        (leave_out, "splits.parquet and the clips differ"),
        (damage, "not a readable Parquet"),
        (remove, "ATTRIBUTION.md: no such file"),
    ],
)
def test_an_inconsistent_data_set_is_refused(folder, settings, spoil, message):
    spoil(folder)
    with pytest.raises(UserError, match=message):
        release.run(settings, folder, folder / "dataset.json")
    assert not (folder / "dataset.json").exists()
