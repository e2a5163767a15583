"""Bad settings end before any job starts, with one message that names file, row and key."""

import pytest

ROW = "\tlaptop\t{variant}\t{size}\t{budget}\t1\t\t{overrides}\n"
GOOD = {"variant": "prefix-simba", "size": "base", "budget": "iters", "overrides": ""}

ROWS = {
    "a run that stands there twice": ("prefix-simba-base-flops-1", {}, ["'prefix-simba-base-flops-1'", "twice"]),
    "a run with the name of a rule": ("codec", {}, ["'codec'", "name of a rule"]),
    "an unknown variant": ("x", {"variant": "prefix-rnn"}, ["variant 'prefix-rnn'", "cross-simba"]),
    "an unknown size": ("x", {"size": "huge"}, ["size 'huge'", "quarter"]),
    "an unknown budget": ("x", {"budget": "hours"}, ["budget 'hours'", "flops"]),
    "an override of nothing": ("x", {"overrides": "training.lr=0.1"}, ["'training.lr'", "'lr'"]),
    "an override of data": (
        "x",
        {"overrides": "data.seed=2"},
        ["'data.seed'", "only model.*, training.* and generation.*"],
    ),
    "more codebooks than the codec has": ("x", {"overrides": "model.codebooks=7"}, ["model.codebooks 7", "is 6"]),
    "a micro-batch that does not fit": (
        "x",
        {"overrides": "training.micro_batch=2"},
        ["micro_batch 2", "batch_size 1"],
    ),
    "an override of the wrong kind": ("x", {"overrides": "model.dropout=much"}, ["model.dropout", "'much'"]),
}


def complaint(done) -> str:
    """The message; there is nothing else in the output."""
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) < 8, done.stdout
    return done.stdout


def last_line(clone) -> int:
    return len((clone.folder / "workflow" / "runs.tsv").read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("case", ROWS)
def test_a_bad_row_is_named(clone, case):
    name, change, expected = ROWS[case]
    clone.append("workflow/runs.tsv", name + ROW.format(**GOOD | change))
    message = complaint(clone.snakemake("--dry-run"))
    assert f"workflow/runs.tsv, line {last_line(clone)}" in message
    assert all(part in message for part in expected), message


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("title:", "titel: x\ntitle:", ["config.yaml", "'titel'"]),
        ("training:\n", "training:\n  batch_sise: 8\n", ["config.yaml: training", "'batch_sise'"]),
        ("{flops: ", "{flops: 6.0e12} #", ["budgets.flops.flops", "sign in the exponent"]),
        (
            "name: spectral",
            "model: facebook/encodec_32khz\n    name: encodec",
            ["sample_rate is 24000", "works at 32000"],
        ),
        ("name: spectral", "name: dac", ["data.codec.model", "needs a model, such as descript/dac_44khz"]),
        ("workflow/runs.tsv", "workflow/other.tsv", ["workflow/other.tsv", "no such run table"]),
    ],
)
def test_a_bad_setting_is_named(clone, old, new, expected):
    clone.edit("config.yaml", old, new)
    message = complaint(clone.snakemake("--dry-run"))
    assert all(part in message for part in expected), message


def test_spaces_instead_of_tabs_are_named(clone):
    clone.append("workflow/runs.tsv", "x laptop prefix-simba base iters 1\n")
    message = complaint(clone.snakemake("--dry-run"))
    assert (
        f"workflow/runs.tsv, line {last_line(clone)}: its cells are separated by spaces; separate them by tabs"
        in message
    )
