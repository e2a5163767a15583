"""The contract of a source (`ssmttm.sources.contract`)."""

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from ssmttm.audio.streams import probe
from ssmttm.contracts.holding import hold
from ssmttm.fetch.failures import Unavailable
from ssmttm.files import sha256_file
from ssmttm.licenses.policy import KINDS
from ssmttm.sources.contract import Context, IndexRow, load_source
from ssmttm.tables import REASONS, read_table, write_table

CLIPS = {
    "seconds": 10.0,
    "sample_rate": 24000,
    "loudness_lufs": -18.0,
    "silence_lufs": -50.0,
    "max_track_seconds": 3600.0,
}
FETCH = {"connections": 2, "attempts": 2, "timeout_s": 20.0, "keep": True}
FETCHED = 3
"""At most so many of the tracks that can be used are fetched."""


class Subject(NamedTuple):
    """A source, its settings, and what it lists."""

    name: str
    module: ModuleType
    settings: Mapping[str, Any]
    context: Context
    rows: list[IndexRow]

    @property
    def usable(self) -> list[IndexRow]:
        """Those that no problem is stated of."""
        return [row for row in self.rows if row.problem is None][:FETCHED]


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The source `name` with its block of `data.sources`."""
    module, context = load_source(name), Context(CLIPS, FETCH, folder / "cache")
    return Subject(name, module, settings, context, list(module.list_tracks(settings, context)))


def test_it_lists_tracks(subject: Subject) -> None:
    """There are some, and some of them can be used."""
    hold(bool(subject.rows), f"no track is listed with the settings {dict(subject.settings)}")
    hold(bool(subject.usable), f"of {len(subject.rows)} tracks, each has a problem")


def test_ids_are_its_own_and_no_two_are_alike(subject: Subject) -> None:
    """`track_id` is NAME:key, and `source` the name."""
    ids = [row.track_id for row in subject.rows]
    for row in subject.rows:
        key = row.track_id.removeprefix(f"{subject.name}:")
        hold(bool(key) and key != row.track_id, f"{row.track_id!r} isn't {subject.name}:KEY")
        hold(row.source == subject.name, f"{row.track_id} is of the source {row.source!r}")
        hold(bool(row.url), f"{row.track_id} has no url, by which it would be fetched")
    hold(len(set(ids)) == len(ids), "two tracks have one id")


def test_the_same_tracks_are_listed_again(subject: Subject) -> None:
    """With the same settings, ids and hashes stay the same."""
    again = list(subject.module.list_tracks(subject.settings, subject.context))
    first, second = ([(row.track_id, row.sha256) for row in rows] for rows in (subject.rows, again))
    hold(first == second, "another list came the second time")


def test_rows_are_those_of_the_index(subject: Subject) -> None:
    """They fit the table `index`, and come out of it as they went in."""
    path = subject.context.cache.parent / "index.parquet"
    records = [row.record() for row in subject.rows]
    write_table(path, "index", records)
    hold(read_table(path, "index").to_pylist() == records, "the table holds something else than the rows")


def test_problems_and_evidence_are_of_the_known_kinds(subject: Subject) -> None:
    """A `problem` is one of the reasons, evidence is of one of the kinds, and usable tracks have some."""
    for row in subject.rows:
        hold(row.problem is None or row.problem in REASONS, f"{row.track_id}: no reason is called {row.problem!r}")
        unknown = {one.kind for one in row.license_evidence} - set(KINDS)
        hold(not unknown, f"{row.track_id}: evidence of kind {sorted(unknown)}; there are {', '.join(KINDS)}")
    for row in subject.usable:
        hold(bool(row.license_evidence), f"{row.track_id} states no license at all, so that it can't be used")


def test_a_fetched_file_is_whole_audio(subject: Subject) -> None:
    """`fetch` gives a file that can be decoded, of the hash and length that were listed, and the same again."""
    for row in subject.usable:
        path = subject.module.fetch(subject.settings, row.record(), subject.context)
        hold(Path(path).is_file(), f"{row.track_id}: {path} is no file")
        digest = sha256_file(path)
        hold(row.sha256 in (None, digest), f"{row.track_id}: its SHA-256 is {digest}, listed as {row.sha256}")
        seconds = probe(path).duration_s
        near = row.duration_s is None or abs(seconds - row.duration_s) <= max(3.0, 0.05 * row.duration_s)
        hold(near, f"{row.track_id}: {seconds:g} s long, listed as {row.duration_s} s")
        again = subject.module.fetch(subject.settings, row.record(), subject.context)
        hold(sha256_file(again) == digest, f"{row.track_id}: another file came the second time")


def test_a_track_that_can_not_be_had_is_unavailable(subject: Subject) -> None:
    """`fetch` of a track that there is not raises `Unavailable`, whose reason is a known one."""
    for row in subject.usable[:1]:
        try:
            subject.module.fetch(subject.settings, {**row.record(), "url": f"{row.url}-is-not-there"}, subject.context)
        except Unavailable as error:
            hold(error.reason in REASONS, f"no reason is called {error.reason!r}")
            return
        hold(False, "a track that there is not was fetched")
