"""Stage `codec_quality`: how well the codec gives test clips back from its first levels, and how it uses its codes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ssmttm import choices
from ssmttm.codecs.base import Codec, checked_codes, load_codec
from ssmttm.contracts.checks import assure_embedders
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.codec_quality import quality
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.evaluation.references.selection import ranked
from ssmttm.released import check_inputs
from ssmttm.settings import StageSpec
from ssmttm.tables import iter_clips, iter_rows, read_table, write_table


def run(
    spec: StageSpec,
    clips: list[Path],
    tokens: list[Path],
    splits: Path,
    codec: Path,
    out: Path,
    cache: Path,
    threads: int | None,
    device: str = "auto",
) -> None:
    """Write a row for each number of levels: `evaluation.codec_clips` test clips are decoded, all their codes counted.

    FAD is by the first of `evaluation.embedders` that runs in this environment. Embeddings are kept in `cache`.
    """
    check_inputs([*clips, *tokens, splits, codec])
    coder = load_codec(codec, spec["vocoder"])
    test = [row for row in read_table(splits, "splits").to_pylist() if row["split"] == "test"]
    tracks = {row["clip_id"]: row["track_id"] for row in test}
    if not tracks:
        raise UserError(f"{splits}: no clip is in the test split; add music or raise data.split.test")
    chosen = set(ranked(tracks, spec["seed"])[: spec["codec_clips"]])
    audio = sorted((clip["clip_id"], clip["audio"]["bytes"]) for clip in iter_clips(clips, chosen))
    if len(audio) < len(chosen):
        raise UserError(f"{splits}: {len(chosen) - len(audio)} of its test clips are in no table of clips")
    embedders = choices.here(spec["embedders"])
    assure_embedders(embedders[:1], spec["models"])
    with claim_device(device if coder.takes_gpu else "cpu", threads) as place:
        coder.to(place)
        embedder = load_embedder(embedders[0], spec["models"]) if embedders else None
        codes, artists = _codes(tokens, tracks, coder), [row["artist"] for row in test]
        write_table(out, "codec_quality", quality(coder, audio, codes, artists, embedder, cache))


def _codes(tables: list[Path], wanted: dict[str, str], codec: Codec) -> Iterator[np.ndarray]:
    """Codes [K, T] of the clips `wanted`; UserError for tokens of another codec, and for codes that it doesn't have."""
    for table in tables:
        for row in iter_rows(table, "tokens"):
            if row["clip_id"] not in wanted:
                continue
            if row["codec"] != codec.identity:
                is_of = f"its tokens are of {row['codec']}, but the codec is {codec.identity}"
                raise UserError(f"{table}: {is_of}; encode again")
            codes = np.asarray(row["codes"], np.int64).reshape(row["codebooks"], row["frames"])
            try:
                yield checked_codes(codec, codes, codec.codebooks)
            except ValueError as error:
                raise UserError(f"{table}: clip {row['clip_id']}: {error}; encode again") from error
