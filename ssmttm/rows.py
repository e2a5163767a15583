"""The rows of every Parquet product as types, and the Arrow schema that follows from each."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pyarrow as pa

Numbers = Sequence[float] | np.ndarray

Int32 = Annotated[int, pa.int32()]
UInt16s = Annotated[Numbers, pa.list_(pa.uint16())]
UInt32s = Annotated[Numbers, pa.list_(pa.uint32())]
Float16s = Annotated[Numbers, pa.list_(pa.float16())]
Float32s = Annotated[Numbers, pa.list_(pa.float32())]


class EncodedAudio(TypedDict):
    """An audio file as Hugging Face `datasets` reads it."""

    bytes: bytes
    path: str


class AudioFile(TypedDict):
    """The same, or a file that is too large for a table."""

    bytes: bytes | None
    path: str  # where it is, if it has no bytes here


class EvidenceRecord(TypedDict):
    """What somebody states about a track's license, as `ssmttm.licenses.policy.Evidence` has it."""

    kind: str
    text: str | None
    url: str | None
    where: str | None


class IndexRecord(TypedDict):
    """A candidate track, as `ssmttm.sources.contract.IndexRow` makes it."""

    track_id: str  # "source:key", stable
    source: str
    url: str  # where the source's `fetch` finds the track
    homepage: str | None  # where a person finds it; null if not stated
    title: str | None
    artist: str | None
    album: str | None
    duration_s: float | None  # null if the file can't be decoded
    tags: list[str]  # genre and mood as the source states them
    license_evidence: list[EvidenceRecord]
    sha256: str | None  # of the encoded file; null if the source publishes none
    problem: str | None  # a rejection reason that indexing came upon, else null
    problem_detail: str | None


class LicensedRow(IndexRecord):
    """A track that may be used."""

    license: str  # SPDX expression
    license_url: str | None
    license_kind: str  # the evidence that decided
    attribution: str  # ready to print


class RejectedRow(TypedDict):
    """A track or clip that is not used."""

    track_id: str
    stage: str  # index, license, audio, clips
    reason: str  # one of `ssmttm.tables.REASONS`
    detail: str | None
    duration_s: float | None


class AudioRow(TypedDict):
    """A track's file."""

    track_id: str
    audio: AudioFile


class Clip(TypedDict):
    """A piece of a track of one length and loudness."""

    clip_id: str  # "track_id@start in ms"
    track_id: str
    start_s: float
    duration_s: float
    sample_rate: Int32
    audio: EncodedAudio
    loudness_lufs: float  # before normalization
    peak: float  # after normalization, linear
    clipped: float  # share of samples at full scale, before normalization
    dc_offset: float  # the mean, before it was removed
    bandwidth_hz: float  # 99 % of the energy lies below
    silence: float  # share of 50 ms frames below -60 dBFS
    crest_db: float  # peak over root mean square


class FingerprintRow(TypedDict):
    """What a recording is recognized by."""

    track_id: str
    duration_s: float
    audio_sha256: str  # of the decoded samples
    codes: UInt32s  # chromaprint; of the first two minutes with data.clips.per_track
    sample_rate: Int32  # of the file, as the next three
    channels: Int32
    bit_rate: float | None  # bit/s; null if unknown
    lossless: bool


class DuplicateRow(TypedDict):
    """A track that another one is kept instead of."""

    track_id: str
    duplicate_of: str  # the track that is kept instead
    kind: str  # exact, near
    similarity: float  # share of equal bits of the aligned fingerprints, 0 to 1
    offset_s: float  # how much later the kept track starts
    detail: str  # why the other one is kept


class SplitRow(TypedDict):
    """What a clip is used for."""

    clip_id: str
    track_id: str
    artist: str  # normalized name, the unit of the split
    split: str  # train, validation, test; known, tuning: of artists in train; duplicate: in none of them


class StyledCaption(TypedDict):
    """A caption in one of the styles."""

    style: str
    text: str


class CaptionRow(TypedDict):
    """A clip's captions, and what they say it from."""

    clip_id: str
    track_id: str
    caption: str  # in the style that data.captions.style names
    styles: list[StyledCaption]
    written_by: str  # template, or the model that rewrote the caption
    tags: list[str]  # tags that the caption may use, best first
    tempo_bpm: float | None
    tempo_confidence: float | None
    key: str | None
    scale: str | None
    key_strength: float | None
    loudness_lufs: float | None
    dynamic_complexity_db: float | None
    trend_db: float | None
    onset_rate_hz: float | None
    spectral_centroid_hz: float | None
    bass: float | None
    flatness: float | None


class TokenRow(TypedDict):
    """A clip as codec tokens."""

    clip_id: str
    codebooks: Int32
    frames: Int32
    codes: UInt16s  # codebooks * frames, codebook-major
    codec: str  # name and hash


class TextRow(TypedDict):
    """A caption as embeddings of its tokens."""

    clip_id: str
    length: Int32
    width: Int32
    embedding: Float16s  # length * width, token-major
    encoder: str  # name and hash


class StepRow(TypedDict):
    """An optimizer step: a row of a run's curve."""

    step: int
    tokens: int
    flops: float
    seconds: float
    loss: float
    validation_loss: float | None  # null except at evaluation steps
    part_losses: list[float]  # what the loss is made of: for a language model one per codebook, whose mean it is
    validation_part_losses: list[float] | None  # null except at evaluation steps
    learning_rate: float
    gradient_norm: float


class GeneratedRow(TypedDict):
    """A system's audio for one prompt."""

    clip_id: str  # of the clip whose caption was the prompt
    system: str
    caption: str
    seed: int | None
    duration_s: float
    sample_rate: Int32
    audio: EncodedAudio


class EmbeddingRow(TypedDict):
    """What an embedder makes of one clip."""

    clip_id: str
    caption: str
    windows: Int32
    dim: Int32
    embedding: Float32s  # windows * dim
    posterior: Float32s  # class probabilities of the clip
    activation: str  # what they are: sigmoid, softmax or none
    text: Float32s  # the caption in the audio's space; empty if the embedder reads none
    backend: str  # name and hash
    duration_s: float  # of the audio as it was embedded
    sample_rate: Int32
    channels: Int32


class CodecLevelRow(TypedDict):
    """How well a codec gives test clips back from its first levels."""

    levels: Int32  # how many; usage and perplexity are of the last of them
    bit_rate: float  # bit/s of all these levels
    usage: float  # share of its codes that occur in the test split, 0 to 1
    perplexity: float  # of its codes there
    frames: int  # that were counted for both
    log_spectral_distance_db: float
    mel_distance: float  # as Codec-SUPERB defines it
    si_sdr_db: float | None  # null for a codec that invents phases
    fad: float | None  # null without an embedder
    clips: Int32  # that were decoded
    windows: Int32  # of the embedder, on each side
    codec: str  # name and hash
    vocoder: str | None  # what made the audio, if the codec leaves that open
    test_clips: Int32
    heard_clips: Int32  # of the test clips, those by artists whose music what made the audio was trained on
    embedder: str | None  # name and hash


class LikelihoodRow(TypedDict):
    """How likely a held-out clip's codes are to a system: negative log-likelihoods in nats per code."""

    clip_id: str
    split: str  # test: new artists; known: held-out tracks of artists in train
    track_id: str
    artist: str
    levels: Int32  # of the codec, that the system predicts
    tokens: int  # codes that were counted, of all these levels
    own: float  # under the clip's own caption
    other: float | None  # under a caption of another track; null for systems that read no caption
    null: float | None  # under the null condition; null likewise
    first: float  # of the codes of level 1 alone, as the next two
    first_other: float | None
    first_null: float | None


ROWS: Mapping[str, type] = {
    "index": IndexRecord,
    "licensed": LicensedRow,
    "rejected": RejectedRow,
    "audio": AudioRow,
    "clips": Clip,
    "fingerprints": FingerprintRow,
    "duplicates": DuplicateRow,
    "splits": SplitRow,
    "captions": CaptionRow,
    "tokens": TokenRow,
    "text": TextRow,
    "curve": StepRow,
    "generated": GeneratedRow,
    "embeddings": EmbeddingRow,
    "codec_quality": CodecLevelRow,
    "likelihoods": LikelihoodRow,
}
"""The row of each product, by the product's name."""

_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), bytes: pa.binary()}


def schema_of(row: type) -> pa.Schema:
    """The Arrow schema of a table with such rows: a column for each key, in their order; all may be null."""
    return pa.schema([(name, _arrow(hint)) for name, hint in get_type_hints(row, include_extras=True).items()])


def _arrow(hint: Any) -> pa.DataType:
    if get_origin(hint) is Annotated:
        return hint.__metadata__[0]
    if is_typeddict(hint):
        return pa.struct(schema_of(hint))
    if get_origin(hint) is Literal:
        return pa.string()
    arguments = get_args(hint)
    if get_origin(hint) is list:
        return pa.list_(_arrow(arguments[0]))
    return _arrow(arguments[0]) if arguments else _ARROW[hint]  # X | None is X
