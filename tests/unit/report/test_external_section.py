"""External systems on the page: who made their clips, what they were, and what is stated of their training."""

from dataclasses import replace

import pandas as pd
import pytest

from ssmttm.errors import UserError
from ssmttm.evaluation.systems.description import SourceAudio, write_description
from ssmttm.report import scoreboard
from ssmttm.report.sections.external import external_systems, external_table
from ssmttm.study.folder import read_study


@pytest.fixture(scope="module")
def study(results, tmp_path_factory):
    """The study with MusicGen, made here, and a folder of another system's audio."""
    own = read_study(results["studies"][0])
    root = tmp_path_factory.mktemp("systems")
    stated = {"parameters": 4.2e8, "flops": 7.52e20, "hours": 20_000.0, "note": "of the small one’s shape"}
    audio, notes = SourceAudio([32_000], [1]), ["resampled from 32000 Hz to 24000 Hz"]
    facts = root / "musicgen/generated/facts.json"
    write_description(facts, "musicgen", stated, audio, notes, {"model": "musicgen:0123456789ab"})
    audio, notes = SourceAudio([44_100, 48_000], [1, 2]), ["channels averaged"]
    write_description(root / "suno/generated/facts.json", "suno", {}, audio, notes, {"silent": []})
    table = own["comparison"]
    codec = table[table["system"] == "codec"]
    added = [codec.assign(system=name, kind="external") for name in ("musicgen", "suno")]
    summary = dict(own.summary)
    summary["baselines"] = own.summary["baselines"] | {name: {"folder": root / name} for name in ("musicgen", "suno")}
    return replace(own, summary=summary, tables={**own.tables, "comparison": pd.concat([table, *added])})


def test_a_study_of_its_own_systems_has_none(results):
    assert external_systems(read_study(results["studies"][0])) == {}


def test_clips_that_were_made_here_are_distinguished_from_clips_that_were_given(study):
    given = external_systems(study)
    assert list(given) == ["musicgen", "suno"]
    assert "made here from the weights musicgen:0123456789ab" in given["musicgen"].origin
    assert "given from outside" in given["suno"].origin
    assert all("trained elsewhere" in one.origin for one in given.values())


def test_weights_are_named_by_what_they_are_and_not_as_the_published_small_ones(study):
    """Any checkpoint of MusicGen may stand behind the system of that name."""
    assert external_systems(study)["musicgen"].name == "MusicGen"


def test_hours_rates_channels_and_notes_are_listed(study):
    table = external_table(external_systems(study))
    rows = {row["System"].text: [cell.text for cell in row.values()] for row in table.rows}
    assert rows["MusicGen"][2:6] == ["32 kHz, mono", "420 M", "7.52×10²⁰", "20,000 h"]
    assert rows["MusicGen"][6] == "of the small one’s shape; resampled from 32000 Hz to 24000 Hz"
    assert rows["suno"][2:] == ["44.1 and 48 kHz, mono and stereo", "–", "–", "–", "channels averaged"]


def test_the_table_says_where_their_clips_come_from(study):
    origins = {name: one.origin for name, one in external_systems(study).items()}
    colors = dict.fromkeys(study["comparison"]["variant"].dropna(), 0)
    *_, others = scoreboard.board(study, colors, origins).groups
    notes = {row.systems[0]: row.note for row in others.rows}
    assert "made here" in notes["musicgen"] and "given from outside" in notes["suno"]
    assert "ceiling" in notes["codec"]


def test_missing_facts_are_named(study, tmp_path):
    bare = replace(study, summary={**study.summary, "baselines": {"musicgen": {"folder": tmp_path}, "suno": {}}})
    with pytest.raises(UserError, match=r"facts\.json: no such file"):
        external_systems(bare)
