"""The data set that records are of: what identifies it, opened to judge models by."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssmttm.errors import UserError
from ssmttm.evaluation.likelihood import read_places
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.records.tracks import CONTENT
from ssmttm.released import RELEASE, Release, check_released
from ssmttm.settings import Config, RunData
from ssmttm.spec import canonical_json
from ssmttm.tables import read_mapping
from ssmttm.training.data import MORE, NEEDED, DataSet, TokenSet, load_splits


@dataclass(frozen=True)
class Data:
    """A released data set, of whose split `test` the losses are."""

    folder: Path
    release: Release
    version: str
    sha256: str
    """Of its dataset.json."""
    content: str
    """See `content_of`."""
    settings: RunData
    """As the spec of a run on it states them."""
    places: Mapping[str, tuple[str, str]]
    """Track and artist by clip."""
    test: tuple[str, ...]
    """Clip ids of the split `test`, sorted."""
    frames: int
    """Of a clip."""
    text_width: int
    """Numbers of an embedded caption's token."""

    @property
    def tracks(self) -> list[str]:
        """Of the clips of `test`, in their order."""
        return [self.places[clip][0] for clip in self.test]

    @property
    def artists(self) -> list[str]:
        """Of the clips of `test`, in their order."""
        return [self.places[clip][1] for clip in self.test]

    def clips(self, codebooks: int) -> TokenSet:
        """The split `test` with the first so many levels of the codes."""
        return _sets(self.folder, self.release, self.settings, codebooks).test


def read_data(folder: Path, config: Config, contents: Mapping[str, str] = CONTENT) -> Data:
    """The default study's data set in `folder`; UserError where it is another one, or not as it was released.

    `config` is the default study's, and `contents` says what its data sets hold.
    """
    release = read_release(folder, "settings", "codec", "text_encoder")
    path, whole = folder / RELEASE, release["settings"]
    version, wanted = str(whole.get("version")), config["data"]["version"]
    if version != wanted:
        raise UserError(
            f"{path}: data set {version}, but records are of the default study's, {wanted}; name a folder of that one"
        )
    check_released(folder, ("splits.parquet", "tokens", "text", "captions"))
    settings: RunData = {
        "version": version,
        "seconds": whole["clips"]["seconds"],
        "sample_rate": whole["clips"]["sample_rate"],
        "codec": whole["codec"],
        "text": whole["text"],
    }
    sets = _sets(folder, release, settings, 1)
    places = read_places(folder / "splits.parquet")
    captions: dict[str, str] = {}
    for shard in sorted((folder / "captions").glob("*.parquet")):
        captions |= read_mapping(shard, "captions", "clip_id", "caption")
    content = content_of(sets, places, captions)
    if version not in contents:
        raise UserError(
            f"ssmttm/records/tracks.py: CONTENT has no data set {version}, so no record of it can be made or checked; "
            f"if {folder} is the default study's, add that it holds {content}"
        )
    if content != contents[version]:
        raise UserError(
            f"{folder}: calls itself {version}, but holds other music, splits, captions or codes of level 1 than the "
            f"default study's: {content[:12]}, and not {contents[version][:12]}. Fitting the codec rounds otherwise on "
            "another processor, which may change codes; losses on other codes can't be compared. Use a copy of the "
            "default study's data set, or build it on a processor of the same kind"
        )
    return Data(
        folder,
        release,
        version,
        sha256_file(path),
        content,
        settings,
        places,
        tuple(sets.test.clip_ids),
        sets.test.frames,
        sets.test.text_width,
    )


def content_of(sets: DataSet, places: Mapping[str, tuple[str, str]], captions: Mapping[str, str]) -> str:
    """SHA-256, in hex, of all that models of level 1 learn from and are judged by, whatever processor it was made on.

    Of each clip of each split: its id, track, artist, caption and codes of level 1. Other levels of the codes are left
    out, and so are embeddings of captions, which processors round differently. UserError for a clip without a caption.
    """
    digest = hashlib.sha256()
    for split in (*NEEDED, *MORE):
        clips: TokenSet = getattr(sets, split)
        for clip, codes in zip(clips.clip_ids, clips.codes[:, 0], strict=True):
            if clip not in captions:
                raise UserError(f"captions: clip {clip} of split {split} has none; put back a whole copy of the data")
            digest.update(canonical_json([split, clip, *places[clip], captions[clip]]).encode())
            digest.update(np.ascontiguousarray(codes, "<u2").tobytes())
    return digest.hexdigest()


def _sets(folder: Path, release: Release, settings: RunData, codebooks: int) -> DataSet:
    """The data set; the flat file of its captions is held open, and its name is gone at once."""
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as scratch:
        return load_splits(folder, release, settings, codebooks, Path(scratch))
