"""Stage `export`: a released data set as a folder that Hugging Face `datasets` loads."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa

from ssmttm import __version__
from ssmttm.dataset.attribution import attribution_page
from ssmttm.dataset.card import Contents, data_card
from ssmttm.dataset.export_files import TRACK, SplitFiles, export_schema, hub_features
from ssmttm.errors import UserError
from ssmttm.files import write_json, write_text
from ssmttm.given import read_release
from ssmttm.licenses.elements import may_be_passed_on
from ssmttm.progress import Progress
from ssmttm.released import Release
from ssmttm.tables import iter_rows, read_table, write_table


def run(data: Path, out: Path, audio: bool, tokens: bool, private: bool, shard_bytes: int) -> None:
    """Write the released data set in folder `data` to the new folder `out`.

    Clips that no split holds are left out, and so are those whose license forbids passing changed
    versions on, unless `private`. A Parquet file ends once it holds `shard_bytes`.
    """
    if not audio and not tokens:
        raise UserError("without audio and without tokens only captions would be left; ask for one of them")
    release = read_release(data)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out}: is already there; name a new folder, or remove it first")
    schema = export_schema(audio, tokens)
    unfinished = out.parent / f".{out.name}.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "data").mkdir(parents=True)
    contents, credited = Contents(), set()
    with ExitStack() as stack:
        files: dict[str, SplitFiles] = {}
        for split, row in _rows(data, release, schema, private, contents):
            if split not in files:
                files[split] = stack.enter_context(SplitFiles(unfinished / "data", split, schema, shard_bytes))
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
        contents, release, hub_features(schema, rate), release["settings"]["version"], f"ssmttm {__version__}"
    )
    write_text(unfinished / "README.md", card)
    write_json(unfinished / "dataset.json", release)
    rejected = [r for path in sorted(data.glob("**/*rejected.parquet")) for r in iter_rows(path, "rejected")]
    write_table(unfinished / "rejected.parquet", "rejected", rejected)
    if out.exists():
        out.rmdir()
    unfinished.replace(out)


def _rows(
    data: Path, release: Release, schema: pa.Schema, private: bool, contents: Contents
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(split, row) of every clip that may be exported, shard by shard."""
    columns = ["track_id", *TRACK]
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
                contents.leave_out("duplicate recordings")
            elif not private and not may_be_passed_on(track["license"]):
                contents.leave_out("the license forbids passing on changed versions (ND)")
            else:
                found = {**clip, **track, **captions[clip["clip_id"]], **codes.get(clip["clip_id"], {})}
                yield split, {name: found[name] for name in schema.names}
