"""What the page warns of: systems that are side by side and not comparable."""

import copy
from dataclasses import replace

import pytest

from ssmttm.report.sections.comparability import caveats
from ssmttm.report.sections.external import ExternalSystem
from ssmttm.study.folder import read_study


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


def warned_of(study, external=None, **tables):
    changed = replace(study, tables={**study.tables, **tables})
    return " ".join(caveat.text for caveat in caveats(changed, external or {}))


def test_systems_that_are_alike_give_no_warning_but_that_iterations_are_no_equal_compute(study):
    """The quarter sizes of the study have the same iterations as the others, and fewer FLOPs."""
    (caveat,) = caveats(study, {})
    assert caveat.subject == "Compute" and caveat.text.startswith("Under 120 iterations runs spent")
    table = study["comparison"]
    equal = table[(table["budget_kind"] != "iterations") | (table["system"] == "prefix-simba-base-iters")]
    assert caveats(replace(study, tables={**study.tables, "comparison": equal}), {}) == []


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("clip_s", 30.0, "but 30 s, 24 kHz, mono (codec)"),
        ("sample_rate", 44100, "44.1 kHz"),
        ("channels", 2, "stereo (codec)"),
        ("n", 5, "but 5 clips (codec)"),
        ("backend", "another:1234", "another:1234 (codec)"),
        ("confidence", 0.9, "90 % and 95 %"),
    ],
)
def test_what_differs_is_named_with_its_system(study, column, value, expected):
    table = study["comparison"].copy()
    table.loc[table["system"] == "codec", column] = value
    assert expected in warned_of(study, comparison=table)


def test_an_external_system_is_compared_by_the_audio_that_it_had(study):
    """After resampling all rates are equal: what was lost before is told."""
    made = ExternalSystem("codec", "musicgen:ab12", 4e8, 7.5e20, 20_000.0, "", [32_000], [1])
    text = warned_of(study, {"codec": made})
    assert "but 1 s, 32 kHz, mono (codec)" in text and "before resampling" in text
    assert "made here from the weights musicgen:ab12" in text and "given from outside" not in text
    assert "20,000 h of music and 7.50×10²⁰ FLOPs" in text
    given = replace(made, weights=None, hours=None, flops=None, sample_rates=[24_000, 48_000], channels=[1, 2])
    text = warned_of(study, {"codec": given})
    assert "24 and 48 kHz, mono and stereo (codec)" in text and "given from outside" in text


@pytest.mark.parametrize(("factor", "warned"), [(1.1, False), (1.3, True)])
def test_runs_of_one_design_that_were_slowed_are_named(study, factor, warned):
    table = study["comparison"].copy()
    table["seconds"] = table["flops_spent"] / 1e9
    table.loc[table["system"] == "prefix-simba-base-flops", "seconds"] *= factor
    text = warned_of(study, comparison=table)
    assert ("prefix-simba at size base" in text) == warned
    assert ("other jobs" in text) == warned and "cross-simba at" not in text


def test_a_faster_machine_is_no_load_of_other_jobs(study):
    table, summary = study["comparison"].copy(), copy.deepcopy(study.summary)
    table["seconds"] = table["flops_spent"] / 1e9
    table.loc[table["system"] == "prefix-simba-base-flops", "seconds"] /= 100
    summary["runs"]["prefix-simba-base-flops"]["manifest"]["device"] = "cuda"
    warned = {
        caveat.subject
        for caveat in caveats(replace(study, summary=summary, tables={**study.tables, "comparison": table}), {})
    }
    assert warned == {"Compute", "Machines"}
