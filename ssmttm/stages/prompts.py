"""Stage `prompts`: choose the held-out captions that every system is asked for."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from ssmttm.errors import UserError
from ssmttm.evaluation.references.choice import ranked
from ssmttm.evaluation.references.prompt_sets import Captioned, read_prompt_set
from ssmttm.progress import notify
from ssmttm.released import check_inputs
from ssmttm.settings import StageSpec, TextSettings
from ssmttm.tables import SCHEMAS, read_mapping, read_table, read_tables, write_table
from ssmttm.text.base import load_encoder
from ssmttm.wording import counted, some


def run(spec: StageSpec, captions: list[Path], splits: Path, out: Path, references: list[Path] | None = None) -> None:
    """Write the chosen captions to `out`, a table with the schema of the data set's captions.

    Of the set `test` they are rows of the tables `captions`, and fewer test captions than
    `generation.prompts` are all used, with a warning. Of other sets they are those that have a clip in
    the tables `references`, which the stage `reference_clips` chose.
    """
    if spec["set"]["set"] != "test":
        _write_set(spec, references or [], out)
        return
    check_inputs([splits, *captions])
    split_of = read_mapping(splits, "splits", "clip_id", "split")
    table = read_tables(captions, "captions")
    rows = table.select(["clip_id", "track_id"]).to_pylist()
    candidates = {r["clip_id"]: r["track_id"] for r in rows if split_of.get(r["clip_id"]) == "test"}
    if not candidates:
        raise UserError(f"{splits}: no captioned clip is in the test split; add music or raise data.split.test")
    chosen = choose(candidates, spec["prompts"], spec["seed"])
    if len(chosen) < spec["prompts"]:
        notify(
            f"the test split has {len(chosen)} clips, fewer than generation.prompts = {spec['prompts']}; "
            "all of them are used"
        )
    mask = pa.array([clip in chosen for clip in table.column("clip_id").to_pylist()])
    write_table(out, "captions", table.filter(mask).sort_by("clip_id"))


def choose(tracks: dict[str, str], count: int, seed: int) -> set[str]:
    """Up to `count` clip ids of `tracks` {clip: track}, spread evenly over the tracks."""
    return set(ranked(tracks, seed)[:count])


def _write_set(spec: StageSpec, references: list[Path], out: Path) -> None:
    captioned, notes = read_prompt_set(spec["set"])
    for note in notes:
        notify(note)
    known = {c.clip_id: c for c in captioned}
    ids = sorted(i for path in references for i in read_table(path, "clips", ["clip_id"])["clip_id"].to_pylist())
    unknown = [i for i in ids if i not in known]
    if unknown or not ids:
        raise UserError(
            f"{', '.join(map(str, references)) or '--references'}: "
            + (f"{some(unknown)} not among the captions" if unknown else "no reference clips")
            + "; make them again (stage reference_clips)"
        )
    chosen = [known[i] for i in ids]
    _warn_of_long(chosen, spec["text"])
    write_table(out, "captions", [_row(c, spec["set"]["set"]) for c in chosen])


def _warn_of_long(chosen: list[Captioned], text: TextSettings) -> None:
    """Say which captions the models read only the beginning of."""
    encoded = load_encoder(text).encode([c.caption for c in chosen], text["max_tokens"] + 1)
    long = [c.clip_id for c, e in zip(chosen, encoded, strict=True) if len(e) > text["max_tokens"]]
    if long:
        notify(
            f"{counted(len(long), 'caption')} of {len(chosen)} longer than the data.text.max_tokens = "
            f"{text['max_tokens']} tokens that the models read, such as {some(long, 3)}: the rest is not heard"
        )


def _row(caption: Captioned, name: str) -> Mapping[str, object]:
    return dict.fromkeys(SCHEMAS["captions"].names) | {
        "clip_id": caption.clip_id,
        "track_id": caption.track_id,
        "caption": caption.caption,
        "styles": [],
        "tags": [],
        "written_by": name,
    }
