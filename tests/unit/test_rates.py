"""Learning rates from a table: each run takes its own, and a table that doesn't fit is refused before any training."""

import copy
import json
from pathlib import Path

import pytest
from four_designs import four_designs

from ssmttm.config import merge
from ssmttm.errors import UserError
from ssmttm.planning import asks_for_tuning, tuning_command
from ssmttm.rates import COLUMNS, read_rates
from ssmttm.run_table import read_runs
from ssmttm.spec import design_changes
from ssmttm.tuning import best, sweep, write_rates

HEADER = "run\tstudy\tvariant\tsize\tbudget\tseed\tlanguage_model\toverrides\n"
ROWS = [
    "a\ts\tprefix-simba\tbase\tflops\t1\t\t",
    "b\ts\tprefix-simba\tbase\titers\t2\t\t",
    "c\ts\tcross-transformer\tbase\tflops\t1\t\ttraining.state_every=7; generation.guidance=1.5",
    "d\ts\tcross-transformer\tbase\tflops\t1\t\tmodel.dropout=0.3",
    "e\ts\tcross-transformer\tbase\tflops\t1\tc\t",
    "f\ts\tcross-transformer\tquarter\tflops\t1\t\ttraining.learning_rate=0.005",
]
TUNING = {"rates": [0.001, 0.002, 0.004], "seeds": [7, 8], "budget": "flops"}


@pytest.fixture(scope="module")
def shared():
    return four_designs() | {"tuning": TUNING}


@pytest.fixture
def config(shared, tmp_path):
    (tmp_path / "runs.tsv").write_text(HEADER + "".join(f"{row}\n" for row in ROWS), encoding="utf-8")
    return copy.deepcopy(shared) | {"runs": "runs.tsv"}


def write_results(folder, designs, losses):
    """Results of all trials: `losses` gives that of (number of the design, rate, seed)."""
    for i, design in enumerate(designs):
        for trial in design["trials"]:
            result = {"loss": losses(i, trial["learning_rate"], trial["seed"]), "split": "tuning", "clips": 24}
            (folder / f"{trial['file']}.json").write_text(json.dumps(result))


@pytest.fixture
def tuned(config, tmp_path):
    """The config with a table of rates: 0.002 is best for the first design, 0.001 and 0.004 for the others."""
    designs = sweep(config, read_runs(config, tmp_path)).designs
    write_results(tmp_path, designs, lambda i, rate, seed: abs(rate - [0.002, 0.001, 0.004][i]) + seed / 100)
    write_rates(tmp_path / "rates.tsv", best(designs, tmp_path, "snakemake tune"))
    return config | {"rates": "rates.tsv"}


def rates_of(config, tmp_path):
    return {name: run["spec"]["training"]["learning_rate"] for name, run in read_runs(config, tmp_path).items()}


def test_every_design_is_tried_at_the_same_rates_with_the_same_seeds_under_one_budget(config, tmp_path):
    runs = read_runs(config, tmp_path)
    found = sweep(config, runs)
    names = [(d["variant"], d["size"], d["budget"], d["overrides"]) for d in found.designs]
    plain = [("prefix-simba", "base", "*", ""), ("cross-transformer", "base", "*", "")]
    assert names == [*plain, ("cross-transformer", "base", "*", "model.dropout=0.3")]
    wanted = [(rate, seed) for rate in TUNING["rates"] for seed in TUNING["seeds"]]
    for design in found.designs:
        assert [(trial["learning_rate"], trial["seed"]) for trial in design["trials"]] == wanted
        for trial in design["trials"]:
            spec = found.specs[trial["file"]]
            assert (spec["training"]["learning_rate"], spec["seed"]) == (trial["learning_rate"], trial["seed"])
            assert spec["budget"] == config["budgets"]["flops"]
            share = spec["training"]["minimum_learning_rate"] / trial["learning_rate"]
            assert share == pytest.approx(config["training"]["minimum_learning_rate"] / 4e-3)
    assert len(found.specs) == 3 * len(wanted)
    assert found.specs[found.designs[2]["trials"][0]["file"]]["model"]["dropout"] == 0.3
    alone = sweep(config | {"tuning": TUNING | {"budget": None}}, runs)
    assert [d["budget"] for d in alone.designs] == ["flops", "iters", "flops", "flops"]


def test_runs_take_the_rates_of_their_designs_and_nothing_else_changes(config, tuned, tmp_path):
    assert rates_of(tuned, tmp_path) == {"a": 0.002, "b": 0.002, "c": 0.001, "d": 0.004, "e": 0.001, "f": 0.005}
    before, after = (read_runs(one, tmp_path)["a"]["spec"] for one in (config, tuned))
    assert after["training"].pop("minimum_learning_rate") == pytest.approx(2e-5)
    before["training"].pop("minimum_learning_rate")
    before["training"]["learning_rate"] = 0.002
    assert after == before


def test_what_a_rate_does_not_depend_on_may_change(tuned, tmp_path):
    changed = {"training": {"threads": 2, "checkpoints": [0.5], "state_every": 7}, "generation": {"guidance": 1.0}}
    assert rates_of(merge(tuned, changed), tmp_path)["a"] == 0.002


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"version": "other-1"}}, "another study: .*tuned on data set laptop, and this is other-1"),
        ({"training": {"batch_size": 4}}, "line 2: rates.tsv has rates of another study: prefix-simba of size base"),
        ({"model": {"d_state": 16}}, "tuned with other settings of model, training, budget, codec or text"),
        ({"rates": "none.tsv"}, "none.tsv: no such table of learning rates; .*snakemake --cores all tune"),
    ],
)  # fmt: skip
def test_a_table_of_another_study_is_one_message(change, message, tuned, tmp_path):
    with pytest.raises(UserError, match=message):
        read_runs(merge(tuned, change), tmp_path)


def test_a_design_that_was_not_tuned_is_one_message_and_tuning_itself_is_not_refused(tuned, tmp_path):
    lines = (tmp_path / "rates.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "rates.tsv").write_text("".join(line for line in lines if "dropout" not in line))
    with pytest.raises(UserError, match=r"line 5: rates.tsv has no learning rate for cross-transformer of size base "):
        read_runs(tuned, tmp_path)
    assert read_runs(tuned, tmp_path, tuned=False)["d"]["spec"]["training"]["learning_rate"] == 4e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("learning_rate", "rate"), "line 2: expected the columns"),
        (("0.002\t", "fast\t"), "line 2: learning_rate and loss must be numbers"),
        (("0.002\t", "2.0\t"), "line 2: learning_rate 2 is not between 0 and 1"),
    ],
)
def test_a_damaged_table_is_one_message(change, message, tuned, tmp_path):
    text = (tmp_path / "rates.tsv").read_text()
    (tmp_path / "bad.tsv").write_text(text.replace(*change, 1))
    with pytest.raises(UserError, match=message):
        read_rates(tmp_path / "bad.tsv")


def test_the_table_says_what_was_tried_and_a_rate_that_diverged_once_is_not_chosen(config, tmp_path, capsys):
    designs = sweep(config, read_runs(config, tmp_path)).designs[:1]
    write_results(tmp_path, designs, lambda i, rate, seed: None if (rate, seed) == (0.002, 8) else 5 + seed + rate)
    write_rates(tmp_path / "rates.tsv", best(designs, tmp_path, "snakemake tune"))
    (row,) = read_rates(tmp_path / "rates.tsv")
    assert (tmp_path / "rates.tsv").read_text().splitlines()[0].split("\t") == list(COLUMNS)
    assert (row.learning_rate, row.loss, row.clips) == (0.001, 12.501, "24 of tuning")
    assert row.tried == "0.001=12.5010 0.002=diverged 0.004=12.5040"
    assert "is the least that was tried; widen tuning.rates" in "".join(capsys.readouterr())


def test_a_sweep_without_a_result_or_without_a_rate_that_works_makes_no_table(config, tmp_path):
    designs = sweep(config, read_runs(config, tmp_path)).designs[:1]
    write_results(tmp_path, designs, lambda *_: None)
    with pytest.raises(UserError, match=r"diverged at every learning rate; put lower ones into tuning\.rates"):
        best(designs, tmp_path, "")
    (tmp_path / f"{designs[0]['trials'][0]['file']}.json").unlink()
    with pytest.raises(UserError, match="the result of a trial is missing or damaged"):
        best(designs, tmp_path, "")


def test_a_budget_for_tuning_must_be_there(config, tmp_path):
    with pytest.raises(UserError, match=r"tuning\.budget 'none' is not among the config's budgets: iters, flops"):
        sweep(config | {"tuning": TUNING | {"budget": "none"}}, read_runs(config, tmp_path))


def test_overrides_name_a_design_unless_they_change_no_model():
    row = "training.threads=2; model.dropout=0.3; generation.guidance=1.0; training.learning_rate=0.1"
    assert design_changes(row, "") == "generation.guidance=1.0; model.dropout=0.3; training.learning_rate=0.1"


def test_tuning_is_asked_for_by_its_rules_and_files():
    assert asks_for_tuning(["-n", "--cores", "all", "tune"])
    assert asks_for_tuning(["results/tune/laptop/rates.tsv"])
    assert asks_for_tuning(["--target-jobs", "tune_trial:study=laptop,trial=a.b.flops.0.001.1"])
    assert not asks_for_tuning(["--cores", "all", "results/report.html"])
    command = "snakemake --cores all tune --configfile workflow/presets/debian/config.yaml"
    assert tuning_command(["config.yaml", "workflow/presets/debian/config.yaml"]) == command
    assert tuning_command(["config.yaml", str(Path.cwd() / "workflow/presets/debian/config.yaml")]) == command
