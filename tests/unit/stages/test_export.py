"""An exported data set is loaded by Hugging Face `datasets`, and says what is in it and what is not."""

import json
import os
import re
from pathlib import Path

import mlcroissant
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from ssmttm.audio.coded import decode_audio, encode_audio
from ssmttm.config import load_config
from ssmttm.errors import UserError
from ssmttm.stages import export
from ssmttm.tables import SCHEMAS, read_table, write_table

TRACKS = {  # track: license, split of its clips
    "debian:a/1": ("CC-BY-SA-3.0", "train"),
    "jamendo:2": ("CC-BY-4.0", "train"),
    "jamendo:3": ("CC0-1.0", "test"),
    "jamendo:4": ("CC-BY-NC-ND-3.0", "validation"),
    "jamendo:5": ("CC-BY-4.0", "duplicate"),
    "jamendo:6": ("CC-BY-4.0", "validation"),
}


def write(path, name, rows):
    write_table(path, name, [dict.fromkeys(SCHEMAS[name].names) | row for row in rows])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "set-1"
    wave = (np.sin(np.arange(8000) / 20) * 0.3).astype(np.float32)
    clips = {0: [], 1: []}
    for i, (track, (_, split)) in enumerate(TRACKS.items()):
        clips[i % 2] += [(f"{track}@{k}", track, split) for k in (0, 1000)]
    for shard, rows in clips.items():
        audio = [{"bytes": encode_audio(wave, 8000), "path": "x.flac"} for _ in rows]
        write(
            folder / f"clips/{shard}.parquet",
            "clips",
            [
                {"clip_id": c, "track_id": t, "start_s": 0.0, "duration_s": 1.0, "sample_rate": 8000, "audio": a}
                for (c, t, _), a in zip(rows, audio)
            ],
        )
        styles = [{"style": "tags", "text": "slow, piano"}, {"style": "sentence", "text": "Slow piano."}]
        write(
            folder / f"captions/{shard}.parquet",
            "captions",
            [
                {"clip_id": c, "track_id": t, "caption": f"Piece {c}.", "styles": styles, "written_by": "template",
                 "tags": ["piano"]}
                for c, t, _ in rows
            ],
        )  # fmt: skip
        write(
            folder / f"tokens/{shard}.parquet",
            "tokens",
            [
                {"clip_id": c, "codebooks": 2, "frames": 3, "codes": [1, 2, 3, 4, 5, 6], "codec": "x:1"}
                for c, _, _ in rows
            ],
        )
        write(folder / f"clips/{shard}.rejected.parquet", "rejected", [{"track_id": "z", "reason": "silent"}])
    write(
        folder / "licensed.parquet",
        "licensed",
        [
            {"track_id": t, "source": t.split(":")[0], "title": f"Title {t}", "artist": f"Artist {t}", "tags": [],
             "homepage": f"https://example.org/{t}", "license": license, "license_url": "https://example.org/l",
             "attribution": "credit", "license_evidence": []}
            for t, (license, _) in TRACKS.items()
        ],
    )  # fmt: skip
    splits = [{"clip_id": c, "track_id": t, "artist": t, "split": s} for rows in clips.values() for c, t, s in rows]
    write(folder / "splits.parquet", "splits", splits)
    write(folder / "rejected.parquet", "rejected", [{"track_id": "y", "reason": "license_unknown"}])
    settings = load_config()["data"] | {"shards": 2, "version": "set-1"}
    settings["clips"]["sample_rate"] = 8000
    (folder / "dataset.json").write_text(
        json.dumps(
            {"settings": settings, "rejected": {"license_unknown": 1, "silent": 2}, "duplicates": 1, "codec": "x:1",
             "ml_reserved": 2,
             "captions": {"written_by": {"template": 12}}}
        )
    )  # fmt: skip
    return folder


def load(folder, tmp_path):
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def test_datasets_loads_it_with_splits_audio_and_captions(data, tmp_path):
    import datasets

    export.run(data, tmp_path / "out", audio=True, tokens=True, private=False, shard_bytes=1)
    found = load(tmp_path / "out", tmp_path)
    assert {split: rows.num_rows for split, rows in found.items()} == {"train": 4, "test": 2, "validation": 2}
    features = found["train"].features
    assert isinstance(features["audio"], datasets.Audio)
    assert features["audio"].sampling_rate == 8000
    row = found["train"][0]
    wave, rate = decode_audio(row["audio"]["bytes"])
    assert (rate, wave.size) == (8000, 8000)
    assert row["caption"] == f"Piece {row['clip_id']}."
    assert row["styles"][0] == {"style": "tags", "text": "slow, piano"}
    assert row["codes"] == [1, 2, 3, 4, 5, 6]
    assert row["license"] == TRACKS[row["track_id"]][0]
    assert row["attribution"] == "credit"


def test_the_cards_own_lines_read_a_clip(data, tmp_path, monkeypatch):
    export.run(data, tmp_path / "out", audio=True, tokens=False, private=False, shard_bytes=1 << 30)
    card = (tmp_path / "out" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    found = {}
    exec(code.replace("FOLDER", str(tmp_path / "out")), found)
    assert (found["rate"], found["wave"].shape) == (8000, (8000,))
    export.run(data, tmp_path / "tokens", audio=False, tokens=True, private=False, shard_bytes=1 << 30)
    assert "soundfile" not in (tmp_path / "tokens" / "README.md").read_text()


def test_duplicates_and_licenses_that_forbid_sharing_stay_out_and_are_counted(data, tmp_path):
    export.run(data, tmp_path / "out", audio=True, tokens=False, private=False, shard_bytes=1 << 30)
    ids = {t for rows in load(tmp_path / "out", tmp_path).values() for t in rows["track_id"]}
    assert ids == set(TRACKS) - {"jamendo:4", "jamendo:5"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| duplicate recordings (clips, in this export) | 2 |" in card
    assert "(ND) (clips, in this export) | 2 |" in card
    credits = (tmp_path / "out" / "ATTRIBUTION.md").read_text()
    assert "jamendo:6" in credits
    assert "jamendo:4" not in credits
    export.run(data, tmp_path / "own", audio=True, tokens=False, private=True, shard_bytes=1 << 30)
    assert "jamendo:4" in (tmp_path / "own" / "ATTRIBUTION.md").read_text()


def test_tokens_without_audio(data, tmp_path):
    export.run(data, tmp_path / "out", audio=False, tokens=True, private=False, shard_bytes=1 << 30)
    rows = load(tmp_path / "out", tmp_path)["train"]
    assert "audio" not in rows.column_names
    assert (rows[0]["codebooks"], rows[0]["frames"], len(rows[0]["codes"])) == (2, 3, 6)
    with pytest.raises(UserError, match="only captions"):
        export.run(data, tmp_path / "none", audio=False, tokens=False, private=False, shard_bytes=1)


def test_the_card_counts_hours_and_states_obligations(data, tmp_path):
    export.run(data, tmp_path / "out", audio=True, tokens=False, private=False, shard_bytes=1 << 30)
    text = (tmp_path / "out" / "README.md").read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == ["cc-by-4.0", "cc-by-sa-3.0", "cc0-1.0"]
    assert "Share-alike (`CC-BY-SA-3.0`)" in text
    assert "`CC0-1.0`: no attribution" in text
    assert "No derivatives" not in text
    hours = [line.split("|") for line in text.splitlines() if line.startswith(("| CC", "| CC0"))]
    assert sum(float(cells[3]) for cells in hours) == pytest.approx(8 / 3600, abs=0.02)
    assert "| the license text was not understood | 1 |" in text
    rejected = read_table(tmp_path / "out" / "rejected.parquet", "rejected").column("reason").to_pylist()
    assert sorted(rejected) == ["license_unknown", "silent", "silent"]


def test_the_card_says_what_became_of_reservations_for_machine_learning(data, tmp_path):
    manifest = json.loads((data / "dataset.json").read_text())
    told = {"reject": "3 tracks that have one were left out", "keep": "2 of the licensed tracks have one and were kept"}
    for switch, sentence in told.items():
        manifest["rejected"]["ml_reserved"] = 3
        manifest["settings"]["license"]["ml_reservations"] = switch
        (data / "dataset.json").write_text(json.dumps(manifest))
        export.run(data, tmp_path / switch, audio=False, tokens=True, private=False, shard_bytes=1 << 30)
        text = (tmp_path / switch / "README.md").read_text()
        assert f"data.license.ml_reservations: {switch}" in text and sentence in text


def test_an_existing_folder_is_never_touched_and_an_interrupted_one_is_redone(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="already there"):
        export.run(data, out, audio=True, tokens=False, private=False, shard_bytes=1)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    monkeypatch.setattr(export, "data_card", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        export.run(data, tmp_path / "new", audio=True, tokens=False, private=False, shard_bytes=1)
    assert not (tmp_path / "new").exists()
    monkeypatch.undo()
    export.run(data, tmp_path / "new", audio=True, tokens=False, private=False, shard_bytes=1)
    assert len(list((tmp_path / "new" / "data").glob("train-*-of-00001.parquet"))) == 1
    assert not (tmp_path / ".new.part").exists()


def test_only_a_released_data_set_is_exported(tmp_path):
    with pytest.raises(UserError, match=r"no released data set: it has no dataset\.json"):
        export.run(Path(tmp_path), tmp_path / "out", audio=True, tokens=False, private=False, shard_bytes=1)


@pytest.mark.parametrize("tokens", [False, True])
def test_croissant_metadata_are_valid_and_name_the_columns_that_there_are(data, tmp_path, tokens):
    export.run(data, tmp_path / "out", True, tokens, False, 1 << 30)
    issues = mlcroissant.Dataset(jsonld=tmp_path / "out" / "croissant.json").metadata.issues
    assert not issues.errors
    assert [w for w in issues.warnings if "citeAs" not in w and "datePublished" not in w] == []
    said = json.loads((tmp_path / "out" / "croissant.json").read_text())
    (records,) = said["recordSet"]
    columns = pq.read_schema(next((tmp_path / "out" / "data").glob("train-*.parquet"))).names
    assert [field["source"]["extract"]["column"] for field in records["field"]] == columns
    assert said["license"] == ["https://example.org/l"]
