"""The Arrow schema of every Parquet product, with atomic writes and validated reads."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssmttm.errors import UserError
from ssmttm.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

_AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""Encoded audio, as Hugging Face `datasets` reads it."""

_EVIDENCE = pa.list_(
    pa.struct([("kind", pa.string()), ("text", pa.string()), ("url", pa.string()), ("where", pa.string())])
)

_INDEX = [
    ("track_id", pa.string()),  # "source:key", stable
    ("source", pa.string()),
    ("url", pa.string()),  # where the source's `fetch` finds the track
    ("homepage", pa.string()),  # where a person finds it; null if not stated
    ("title", pa.string()),
    ("artist", pa.string()),
    ("album", pa.string()),
    ("duration_s", pa.float64()),  # null if the file can't be decoded
    ("tags", pa.list_(pa.string())),  # genre and mood as the source states them
    ("license_evidence", _EVIDENCE),
    ("sha256", pa.string()),  # of the encoded file; null if the source publishes none
    ("problem", pa.string()),  # a rejection reason found while indexing, else null
    ("problem_detail", pa.string()),
]

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()

_SCORE = [("embedder", _TEXT), ("metric", _TEXT), ("reference", _TEXT)]
"""What makes scores comparable."""

_VALUE = [("value", _NUMBER), ("low", _NUMBER), ("high", _NUMBER)]
"""A number and the ends of its interval; null where there is none."""

_BUDGET = [("budget_kind", _TEXT), ("budget", _NUMBER)]  # iterations, flops or gpu_hours, and how many

_FIT = [("slope", _NUMBER), ("r_squared", _NUMBER)]
"""Of a straight line behind a score, as an extrapolated distance has one."""

_LIMIT = [("limit", _NUMBER), ("limit_low", _NUMBER), ("limit_high", _NUMBER), ("scale", _NUMBER)]
_EXPONENT = [("exponent", _NUMBER), ("exponent_low", _NUMBER), ("exponent_high", _NUMBER)]

_STUDY: dict[str, pa.Schema] = {
    "comparison": pa.schema(
        [
            ("study", _TEXT), ("system", _TEXT), ("kind", _TEXT),  # kind: run, baseline, external
            *_SCORE, *_VALUE, ("bias", _NUMBER), ("n", _COUNT),  # clips that were scored
            # What was trained, and what it cost; null for what is no run, except where others state it.
            ("variant", _TEXT), ("mixer", _TEXT), ("feedforward", _TEXT), ("conditioning", _TEXT), ("size", _TEXT),
            ("layers", _COUNT), ("d_model", _COUNT), *_BUDGET, ("seed", _COUNT), ("parameters", _COUNT),
            ("steps", _COUNT), ("tokens", _COUNT), ("flops_per_step", _NUMBER), ("flops_planned", _NUMBER),
            ("flops_spent", _NUMBER), ("seconds", _NUMBER), ("test_loss", _NUMBER), ("test_clips", _COUNT),
            ("core_parameters", _COUNT),  # outside embeddings and heads; null if they weren't counted
            ("clips_seen", _COUNT), ("gpu_hours", _NUMBER), ("final_loss", _NUMBER), ("final_validation_loss", _NUMBER),
            # How the score was made.
            ("clip_s", _NUMBER), ("sample_rate", _COUNT), ("channels", _COUNT), ("definition", _TEXT), *_FIT,
            ("confidence", _NUMBER), ("windows", _COUNT), ("better", _TEXT),  # better: lower, higher
            ("backend", _TEXT), ("interval", _TEXT), ("warnings", _TEXT),  # joined by "; "
            ("hours", _NUMBER), ("note", _TEXT),  # of music that an external system was trained on; what it is
        ]
    ),
    "progress": pa.schema(
        [
            ("run", _TEXT), ("variant", _TEXT), ("size", _TEXT), ("seed", _COUNT), *_BUDGET, ("parameters", _COUNT),
            ("checkpoint", _TEXT),  # a fraction of the run, or final
            ("steps", _COUNT), ("clips_seen", _COUNT), ("tokens", _COUNT), ("flops", _NUMBER), ("seconds", _NUMBER),
            ("gpu_hours", _NUMBER), *_SCORE, *_VALUE, ("n", _COUNT), ("better", _TEXT), *_FIT,
            ("error", _NUMBER), ("source", _TEXT), ("how", _TEXT),  # of a published score, read off or rounded
        ]
    ),
    "differences": pa.schema(
        [
            *_SCORE, *_BUDGET, ("a", _TEXT), ("b", _TEXT), ("difference", _NUMBER), ("low", _NUMBER),
            ("high", _NUMBER), ("p_value", _NUMBER), ("confidence", _NUMBER), ("n", _COUNT), ("better", _TEXT),
            ("p_adjusted", _NUMBER),
        ]
    ),
    "curves": pa.schema(
        [
            ("run", _TEXT), ("step", _COUNT), ("tokens", _COUNT), ("flops", _NUMBER), ("seconds", _NUMBER),
            ("loss", _NUMBER), ("validation_loss", _NUMBER), ("learning_rate", _NUMBER),
        ]
    ),
    "fits": pa.schema(
        [
            *_SCORE, ("variant", _TEXT), ("cost", _TEXT), *_LIMIT, *_EXPONENT, ("points", _COUNT), ("r2", _NUMBER),
            ("note", _TEXT),  # why there is no fit, else empty
            ("size", _TEXT),
        ]
    ),
    "fit_curves": pa.schema(
        [*_SCORE, ("variant", _TEXT), ("size", _TEXT), ("cost", _TEXT), ("at", _NUMBER), *_VALUE]
    ),
    "reach": pa.schema(
        [
            *_SCORE, ("variant", _TEXT), ("target", _TEXT), ("target_value", _NUMBER), ("cost", _TEXT), *_VALUE,
            ("note", _TEXT),  # how it was found, or why there is none
            ("target_cost", _NUMBER), ("ratio", _NUMBER), ("ratio_low", _NUMBER), ("ratio_high", _NUMBER),
            ("size", _TEXT),
        ]
    ),
    "scaling": pa.schema(
        [
            *_SCORE, ("variant", _TEXT), ("basis", _TEXT), ("size", _TEXT), ("parameters", _COUNT), ("seeds", _COUNT),
            *_VALUE, ("budget", _NUMBER), ("fraction", _NUMBER), ("core_parameters", _COUNT),
            ("core_fraction", _NUMBER), ("interval", _TEXT), ("better", _TEXT),  # interval: seeds, captions
        ]
    ),
    "scaling_summary": pa.schema(
        [
            *_SCORE, ("variant", _TEXT), ("basis", _TEXT), ("budget", _NUMBER), ("sizes", _COUNT),
            ("slope", _NUMBER), ("slope_low", _NUMBER), ("slope_high", _NUMBER), ("slope_note", _TEXT),
            ("smaller", _TEXT), ("fraction", _NUMBER), ("core_fraction", _NUMBER), ("difference", _NUMBER),
            ("low", _NUMBER), ("high", _NUMBER), ("seeds", _COUNT),
            ("paired", _TEXT),  # by seed, by caption, no
            ("better", _TEXT),
        ]
    ),
    "seeds": pa.schema(
        [
            *_SCORE, *_BUDGET, ("size", _TEXT), ("variant", _TEXT), ("seeds", _COUNT), ("mean", _NUMBER),
            ("low", _NUMBER), ("high", _NUMBER),
        ]
    ),
    "seed_tests": pa.schema(
        [
            *_SCORE, *_BUDGET, ("size", _TEXT), ("a", _TEXT), ("b", _TEXT), ("difference", _NUMBER), ("low", _NUMBER),
            ("high", _NUMBER), ("p_value", _NUMBER), ("seeds", _COUNT), ("p_adjusted", _NUMBER),
        ]
    ),
}  # fmt: skip
"""The tables of a study, which are also CSV files beside its figures; `ssmttm.study.rows` has their rows as types."""

OPTIONAL = {"comparison": frozenset({"hours", "note"}), "progress": frozenset({"error", "source", "how"})}
"""Columns that a table of a study has only if one of its rows does."""

SCHEMAS: dict[str, pa.Schema] = {
    **_STUDY,
    "index": pa.schema(_INDEX),
    "licensed": pa.schema(
        [
            *_INDEX,
            ("license", pa.string()),  # SPDX expression
            ("license_url", pa.string()),
            ("license_kind", pa.string()),  # the evidence that decided
            ("attribution", pa.string()),  # ready to print
        ]
    ),
    "rejected": pa.schema(
        [
            ("track_id", pa.string()),
            ("stage", pa.string()),  # index, license, audio, clips
            ("reason", pa.string()),  # one of REASONS
            ("detail", pa.string()),
            ("duration_s", pa.float64()),
        ]
    ),
    "audio": pa.schema([("track_id", pa.string()), ("audio", _AUDIO)]),
    "clips": pa.schema(
        [
            ("clip_id", pa.string()),  # "track_id@start in ms"
            ("track_id", pa.string()),
            ("start_s", pa.float64()),
            ("duration_s", pa.float64()),
            ("sample_rate", pa.int32()),
            ("audio", _AUDIO),
            ("loudness_lufs", pa.float64()),  # before normalization
            ("peak", pa.float64()),  # after normalization, linear
            ("clipped", pa.float64()),  # share of samples at full scale, before normalization
            ("dc_offset", pa.float64()),  # the mean, before it was removed
            ("bandwidth_hz", pa.float64()),  # 99 % of the energy lies below
            ("silence", pa.float64()),  # share of 50 ms frames below -60 dBFS
            ("crest_db", pa.float64()),  # peak over root mean square
        ]
    ),
    "fingerprints": pa.schema(
        [
            ("track_id", pa.string()),
            ("duration_s", pa.float64()),
            ("audio_sha256", pa.string()),  # of the decoded samples
            ("codes", pa.list_(pa.uint32())),  # chromaprint; of the first two minutes with data.clips.per_track
            ("sample_rate", pa.int32()),  # of the file, as the next three
            ("channels", pa.int32()),
            ("bit_rate", pa.float64()),  # bit/s; null if unknown
            ("lossless", pa.bool_()),
        ]
    ),
    "duplicates": pa.schema(
        [
            ("track_id", pa.string()),
            ("duplicate_of", pa.string()),  # the track that is kept instead
            ("kind", pa.string()),  # exact, near
            ("similarity", pa.float64()),  # share of equal bits of the aligned fingerprints, 0 to 1
            ("offset_s", pa.float64()),  # how much later the kept track starts
            ("detail", pa.string()),  # why the other one is kept
        ]
    ),
    "splits": pa.schema(
        [
            ("clip_id", pa.string()),
            ("track_id", pa.string()),
            ("artist", pa.string()),  # normalized name, the unit of the split
            ("split", pa.string()),  # train, validation, test; duplicate: in none of them
        ]
    ),
    "captions": pa.schema(
        [
            ("clip_id", pa.string()),
            ("track_id", pa.string()),
            ("caption", pa.string()),  # in the style that data.captions.style names
            ("styles", pa.list_(pa.struct([("style", pa.string()), ("text", pa.string())]))),
            ("written_by", pa.string()),  # template, or the model that rewrote the caption
            ("tags", pa.list_(pa.string())),  # tags that the caption may use, best first
            ("tempo_bpm", pa.float64()),
            ("tempo_confidence", pa.float64()),
            ("key", pa.string()),
            ("scale", pa.string()),
            ("key_strength", pa.float64()),
            ("loudness_lufs", pa.float64()),
            ("dynamic_complexity_db", pa.float64()),
            ("danceability", pa.float64()),
            ("onset_rate_hz", pa.float64()),
            ("spectral_centroid_hz", pa.float64()),
        ]
    ),
    "tokens": pa.schema(
        [
            ("clip_id", pa.string()),
            ("codebooks", pa.int32()),
            ("frames", pa.int32()),
            ("codes", pa.list_(pa.uint16())),  # codebooks * frames, codebook-major
            ("codec", pa.string()),  # name and hash
        ]
    ),
    "text": pa.schema(
        [
            ("clip_id", pa.string()),
            ("length", pa.int32()),
            ("width", pa.int32()),
            ("embedding", pa.list_(pa.float16())),  # length * width, token-major
            ("encoder", pa.string()),  # name and hash
        ]
    ),
    "curve": pa.schema(
        [
            ("step", pa.int64()),
            ("tokens", pa.int64()),
            ("flops", pa.float64()),
            ("seconds", pa.float64()),
            ("loss", pa.float64()),
            ("validation_loss", pa.float64()),  # null except at evaluation steps
            ("codebook_losses", pa.list_(pa.float64())),  # one per codebook; their mean is the loss
            ("validation_codebook_losses", pa.list_(pa.float64())),  # null except at evaluation steps
            ("learning_rate", pa.float64()),
            ("gradient_norm", pa.float64()),
        ]
    ),
    "generated": pa.schema(
        [
            ("clip_id", pa.string()),  # of the clip whose caption was the prompt
            ("system", pa.string()),
            ("caption", pa.string()),
            ("seed", pa.int64()),
            ("duration_s", pa.float64()),
            ("sample_rate", pa.int32()),
            ("audio", _AUDIO),
        ]
    ),
    "embeddings": pa.schema(
        [
            ("clip_id", pa.string()),
            ("caption", pa.string()),
            ("windows", pa.int32()),
            ("dim", pa.int32()),
            ("embedding", pa.list_(pa.float32())),  # windows * dim
            ("posterior", pa.list_(pa.float32())),  # class probabilities of the clip
            ("activation", pa.string()),  # what they are: sigmoid, softmax or none
            ("text", pa.list_(pa.float32())),  # the caption in the audio's space; empty if the embedder reads none
            ("backend", pa.string()),  # name and hash
            ("duration_s", pa.float64()),  # of the audio as it was embedded
            ("sample_rate", pa.int32()),
            ("channels", pa.int32()),
        ]
    ),
}

REASONS = {
    "undecodable": "the file can't be decoded as audio",
    "too_short": "shorter than one clip",
    "too_long": "longer than the configured bound",
    "sound_effect": "short, and in a folder of sound effects",
    "malformed": "the source's own table is malformed at this track",
    "unsafe_archive": "an archive member with an unsafe path or size",
    "no_license_evidence": "nothing states a license of the music",
    "catch_all_only": "only the package-wide catch-all states a license; that is no evidence about music",
    "license_unreadable": "a license file beside it can't be read as text",
    "license_unknown": "the license text was not understood",
    "ml_reserved": "rights are reserved for machine learning, and the configuration heeds that",
    "license_not_allowed": "the license is known, and the policy does not allow it",
    "license_not_final": "the license is undecided, struck out, not free, bound to conditions or not yet in force",
    "license_of_another_subject": "the license is for something else than the track, such as artwork, stems or data",
    "third_party_rights": "others hold rights in the track: a cover, a remix, samples, a work of fans",
    "license_conflict": "two pieces of evidence contradict each other",
    "checksum_mismatch": "the file is not the published one",
    "changed": "the remote file is not the one that was seen before",
    "wrong_type": "the answer was no audio, such as a login page",
    "too_large": "the file is larger than the bound",
    "unavailable": "the file could not be fetched",
    "excluded": "held out for evaluation",
    "silent": "the clip is silent",
    "not_finite": "samples are not finite numbers",
    "vocals": "voices are heard, and the configuration drops them",
}
"""The fixed vocabulary of rejection reasons, each with its sentence for the report."""


def write_table(path: Path | str, name: str, data: pa.Table | Iterable[Mapping[str, Any]]) -> None:
    """Write rows (or a table) as product `name` to `path`, atomically.

    Raises ValueError when the data does not have exactly the columns of the schema.
    """
    schema = SCHEMAS[name]
    if not isinstance(data, pa.Table):
        rows = list(data)
        for row in rows:
            if set(row) != set(schema.names):
                difference = sorted(set(row) ^ set(schema.names))
                raise ValueError(f"rows of {name} and its schema differ in {', '.join(difference)}")
        data = pa.Table.from_pylist(rows, schema=schema)
    data = data.select(schema.names).cast(schema)
    if name == "rejected":
        unknown = set(data.column("reason").to_pylist()) - set(REASONS)
        if unknown:
            raise ValueError(f"unknown rejection reasons: {', '.join(sorted(map(str, unknown)))}")
    with atomic_path(path) as temporary:
        pq.write_table(data, temporary, compression="zstd", row_group_size=256)


def write_frame(path: Path | str, name: str, frame: "pd.DataFrame") -> None:
    """Write a data frame as product `name` to `path`, atomically; pandas reads it back with the same types.

    Raises ValueError when the frame does not have exactly the columns of the schema, less optional ones.
    """
    schema = _schema(name, frame.columns)
    if difference := sorted(set(frame.columns) ^ set(schema.names)):
        raise ValueError(f"the frame of {name} and its schema differ in {', '.join(difference)}")
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), temporary, compression="zstd")


def _schema(name: str, columns: Collection[str]) -> pa.Schema:
    """Of product `name`, without the optional columns that are not among `columns`."""
    left_out = OPTIONAL.get(name, frozenset()).difference(columns)
    return pa.schema([field for field in SCHEMAS[name] if field.name not in left_out])


@contextmanager
def table_writer(
    path: Path | str, name: str, rows_per_group: int = 64
) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write product `name` row by row with bounded memory; `path` appears only when the block succeeds.

    Yields a function that takes one row. Raises ValueError on a row that does not fit the schema.
    """
    schema = SCHEMAS[name]
    pending: list[Mapping[str, Any]] = []
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:

        def add(row: Mapping[str, Any]) -> None:
            if set(row) != set(schema.names):
                raise ValueError(f"row of {name} and its schema differ in {sorted(set(row) ^ set(schema.names))}")
            pending.append(row)
            if len(pending) >= rows_per_group:
                flush()

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(pending, schema=schema))
            pending.clear()

        yield add
        flush()


def iter_rows(path: Path | str, name: str) -> Iterator[dict[str, Any]]:
    """The rows of product `name`, one row group in memory at a time; raises UserError like `read_table`."""
    read_table(path, name, columns=[])
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for batch in file.read_row_group(group).to_batches(max_chunksize=8):
                yield from batch.to_pylist()


def read_table(path: Path | str, name: str, columns: list[str] | None = None) -> pa.Table:
    """Read product `name` from `path`; raises UserError if it is not such a product."""
    schema = SCHEMAS[name]
    try:
        found = pq.read_schema(path)
        schema = _schema(name, found.names)
        table = pq.read_table(path, columns=columns) if found.equals(schema) else None
    except FileNotFoundError:
        raise UserError(f"{path}: no such file (expected a {name} table)") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file: {error}") from error
    if table is None:
        differing = sorted(
            {f.name for f in found if f not in list(schema)} | {f.name for f in schema if f not in list(found)}
        )
        raise UserError(f"{path}: not a {name} table of this version; it differs in {', '.join(differing) or 'order'}")
    return table


def read_tables(paths: Iterable[Path | str], name: str, columns: list[str] | None = None) -> pa.Table:
    """Read and concatenate several files of product `name`."""
    return pa.concat_tables([read_table(p, name, columns) for p in paths])
