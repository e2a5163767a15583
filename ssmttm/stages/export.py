"""Stage `export`: a released data set as a folder that Hugging Face `datasets` loads."""

from contextlib import ExitStack
from pathlib import Path

from ssmttm import __version__
from ssmttm.dataset.attribution import attribution_page
from ssmttm.dataset.card import Contents, data_card
from ssmttm.dataset.croissant import croissant
from ssmttm.dataset.export_files import SplitFiles, export_schema, hub_features
from ssmttm.dataset.export_rows import exported_rows
from ssmttm.errors import UserError
from ssmttm.files import new_folder, write_json, write_text
from ssmttm.given import read_release
from ssmttm.tables import iter_rows, read_table, write_table


def run(data: Path, out: Path, audio: bool, tokens: bool, private: bool, shard_bytes: int) -> None:
    """Write the released data set in folder `data` to the new folder `out`.

    Clips that no split holds are left out, and so are those whose license forbids passing changed
    versions on, unless `private`. A Parquet file ends once it holds `shard_bytes`.
    """
    if not audio and not tokens:
        raise UserError("without audio and without tokens only captions would be left; ask for one of them")
    release = read_release(data, "settings")
    settings = release["settings"]
    shards, rate = settings["shards"], settings["clips"]["sample_rate"]
    schema = export_schema(audio, tokens)
    contents, credited = Contents(), set()
    with new_folder(out) as unfinished:
        (unfinished / "data").mkdir()
        with ExitStack() as stack:
            files: dict[str, SplitFiles] = {}
            for split, row in exported_rows(data, shards, schema, private, contents):
                if split not in files:
                    files[split] = stack.enter_context(SplitFiles(unfinished / "data", split, schema, shard_bytes))
                files[split].add(row)
                contents.add(split, row)
                credited.add(row["track_id"])
        if not credited:
            raise UserError(f"{data}: no clip of it can be exported: {dict(contents.left_out)}")
        for written in files.values():
            written.rename()
        tracks = [t for t in read_table(data / "licensed.parquet", "licensed").to_pylist() if t["track_id"] in credited]
        write_text(unfinished / "ATTRIBUTION.md", attribution_page(tracks, settings["vocals"]["mode"] == "separate"))
        card = data_card(contents, release, hub_features(schema, rate), settings["version"], f"ssmttm {__version__}")
        write_text(unfinished / "README.md", card)
        addresses = {address for track in tracks for address in (track["license_url"] or "").split()}
        write_json(
            unfinished / "croissant.json", croissant(schema, settings["version"], addresses, f"ssmttm {__version__}")
        )
        write_json(unfinished / "dataset.json", release)
        rejected = [r for path in sorted(data.glob("**/*rejected.parquet")) for r in iter_rows(path, "rejected")]
        write_table(unfinished / "rejected.parquet", "rejected", rejected)
