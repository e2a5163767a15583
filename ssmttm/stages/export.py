"""Stage `export`: a released data set as a folder that Hugging Face `datasets` loads."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm import __version__
from ssmttm.dataset.attribution import attribution_page
from ssmttm.dataset.card import Contents, data_card
from ssmttm.dataset.sharing import may_be_passed_on
from ssmttm.errors import UserError
from ssmttm.files import read_json, write_json, write_text
from ssmttm.given import RELEASE, released_sets
from ssmttm.progress import Progress
from ssmttm.tables import SCHEMAS, iter_rows, read_table, write_table

_TRACK = ("title", "artist", "album", "source", "homepage", "license", "license_url", "attribution")
_CLIP = ("clip_id", "track_id", "start_s", "duration_s", "sample_rate", "loudness_lufs")
_CAPTION = ("caption", "styles", "written_by", "tags", "tempo_bpm", "key", "scale")
_TOKENS = ("codebooks", "frames", "codes", "codec")
_GROUP = 64


def run(data: Path, out: Path, audio: bool, tokens: bool, private: bool, shard_bytes: int) -> None:
    """Write the released data set in folder `data` to the new folder `out`.

    Clips that no split holds are left out, and so are those whose license forbids passing changed
    versions on, unless `private`. A Parquet file ends once it holds `shard_bytes`.
    """
    if not audio and not tokens:
        raise UserError("without audio and without tokens only captions would be left; ask for one of them")
    release = _released(data)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is already there; name a new folder, or remove it first")
    schema = _schema(audio, tokens)
    unfinished = out.parent / f".{out.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(parents=True)
    contents, credited = Contents(), set()
    with ExitStack() as stack:
        files: dict[str, _Files] = {}
        for split, row in _rows(data, release, schema, private, contents):
            if split not in files:
                files[split] = stack.enter_context(_Files(unfinished / "data", split, schema, shard_bytes))
            files[split].add(row)
            contents.add(split, row)
            credited.add(row["track_id"])
    if not credited:
        raise UserError(f"{data}: no clip of it can be exported: {dict(contents.left_out)}")
    for found in files.values():
        found.rename()
    tracks = [t for t in read_table(data / "licensed.parquet", "licensed").to_pylist() if t["track_id"] in credited]
    vocals_removed = release["settings"]["vocals"]["mode"] == "separate"
    write_text(unfinished / "ATTRIBUTION.md", attribution_page(tracks, vocals_removed))
    rate = release["settings"]["clips"]["sample_rate"]
    card = data_card(
        contents, release, _features(schema, rate), release["settings"]["version"], f"ssmttm {__version__}"
    )
    write_text(unfinished / "README.md", card)
    write_json(unfinished / "dataset.json", release)
    rejected = [r for path in sorted(data.glob("**/*rejected.parquet")) for r in iter_rows(path, "rejected")]
    write_table(unfinished / "rejected.parquet", "rejected", rejected)
    if out.exists():
        out.rmdir()
    unfinished.replace(out)


def _released(data: Path) -> dict[str, Any]:
    path = data / RELEASE
    if not path.is_file():
        raise UserError(f"{path}: no such file; only a released data set can be exported; {released_sets(str(data))}")
    return read_json(path)


def _schema(audio: bool, tokens: bool) -> pa.Schema:
    fields = [SCHEMAS["clips"].field(name) for name in _CLIP]
    fields += [SCHEMAS["clips"].field("audio")] if audio else []
    fields += [SCHEMAS["licensed"].field(name) for name in _TRACK]
    fields += [SCHEMAS["captions"].field(name) for name in _CAPTION]
    fields += [SCHEMAS["tokens"].field(name) for name in _TOKENS] if tokens else []
    return pa.schema(fields)


def _features(schema: pa.Schema, sample_rate: int) -> list[dict[str, Any]]:
    """The columns as a data card's `dataset_info.features` writes them."""

    def kind(type: pa.DataType) -> dict[str, Any]:
        if pa.types.is_list(type):
            inner = kind(type.value_type)
            return {"list": inner.get("dtype", inner.get("struct"))}
        if pa.types.is_struct(type):
            return {"struct": [{"name": f.name, **kind(f.type)} for f in type]}
        return {"dtype": {"double": "float64"}.get(str(type), str(type))}

    return [
        {
            "name": f.name,
            **(
                {"dtype": {"audio": {"sampling_rate": sample_rate, "decode": False}}}
                if f.name == "audio"
                else kind(f.type)
            ),
        }
        for f in schema
    ]


def _rows(
    data: Path, release: dict[str, Any], schema: pa.Schema, private: bool, contents: Contents
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(split, row) of every clip that may be exported, shard by shard."""
    columns = ["track_id", *_TRACK]
    tracks = {t["track_id"]: t for t in read_table(data / "licensed.parquet", "licensed", columns).to_pylist()}
    table = read_table(data / "splits.parquet", "splits", ["clip_id", "split"])
    splits = dict(zip(table["clip_id"].to_pylist(), table["split"].to_pylist(), strict=True))
    progress = Progress("export", len(splits), "clips")
    for shard in range(release["settings"]["shards"]):
        name = f"{shard}.parquet"
        captions = {r["clip_id"]: r for r in iter_rows(data / "captions" / name, "captions")}
        codes = (
            {r["clip_id"]: r for r in iter_rows(data / "tokens" / name, "tokens")} if "codes" in schema.names else {}
        )
        for clip in iter_rows(data / "clips" / name, "clips"):
            progress.advance()
            split, track = splits[clip["clip_id"]], tracks[clip["track_id"]]
            if split == "duplicate":
                _count(contents, "duplicate recordings")
            elif not private and not may_be_passed_on(track["license"]):
                _count(contents, "the license forbids passing on changed versions (ND)")
            else:
                found = {**clip, **track, **captions[clip["clip_id"]], **codes.get(clip["clip_id"], {})}
                yield split, {name: found[name] for name in schema.names}


def _count(contents: Contents, why: str) -> None:
    contents.left_out[why] = contents.left_out.get(why, 0) + 1


class _Files:
    """The Parquet files of one split, numbered once it is known how many there are."""

    def __init__(self, folder: Path, split: str, schema: pa.Schema, shard_bytes: int) -> None:
        self._folder, self._split, self._schema, self._bytes = folder, split, schema, shard_bytes
        self._paths: list[Path] = []
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[dict[str, Any]] = []

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def add(self, row: dict[str, Any]) -> None:
        """Write one row, in a new file once the current one is large enough."""
        self._pending.append(row)
        if len(self._pending) >= _GROUP:
            self._flush()
            if self._paths[-1].stat().st_size >= self._bytes:
                self._close()

    def _flush(self) -> None:
        if self._writer is None:
            self._paths.append(self._folder / f"{self._split}-{len(self._paths):05d}.parquet")
            self._writer = pq.ParquetWriter(self._paths[-1], self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._pending, schema=self._schema))
        self._pending = []

    def _close(self) -> None:
        if self._pending:
            self._flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def rename(self) -> None:
        """Give the files the names by which the hub knows how many there are."""
        for number, path in enumerate(self._paths):
            path.rename(path.with_name(f"{self._split}-{number:05d}-of-{len(self._paths):05d}.parquet"))
