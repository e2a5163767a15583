"""Training clips as a system: what a model would score that only repeats what it was trained on, through the codec."""

from collections.abc import Sequence
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.evaluation.references.selection import ranked
from ssmttm.tables import read_table, read_tables


def training_order(splits: Path, clips: Sequence[Path], seed: int) -> list[str]:
    """Ids of the clips of the train split in the order in which they are taken: by hash, spread over the tracks.

    `splits` and `clips` are those tables of a data set. Raises UserError if the split has no clips.
    """
    rows = read_table(splits, "splits", ["clip_id", "split"]).to_pylist()
    train = {row["clip_id"] for row in rows if row["split"] == "train"}
    ids = read_tables(clips, "clips", ["clip_id", "track_id"]).to_pylist()
    order = ranked({row["clip_id"]: row["track_id"] for row in ids if row["clip_id"] in train}, seed, "training audio")
    if not order:
        raise UserError(f"{splits}: the training split has no clips")
    return order


def training_clips(order: Sequence[str], prompts: Sequence[str]) -> dict[str, str]:
    """For each of `prompts` (clip ids) one of the training clips `order`, used in turn where there are fewer."""
    return {prompt: order[i % len(order)] for i, prompt in enumerate(sorted(prompts))}
