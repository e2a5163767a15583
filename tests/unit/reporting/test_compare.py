import json
import shutil

import pandas as pd
import pytest

from ssmttm.errors import UserError
from ssmttm.reporting.compare import budget_text, collect
from ssmttm.spec import BASELINES, METRICS


def folders(root):
    baselines = next((root / "baselines").iterdir())
    return sorted((root / "runs").iterdir()), sorted(baselines.iterdir())


@pytest.fixture
def tree(results, tmp_path):
    """A copy whose files a test may break; without the audio."""
    root = tmp_path / "results"
    ignore = shutil.ignore_patterns("generated", "embeddings", "data", "studies", "report.html")
    shutil.copytree(results["root"], root, ignore=ignore)
    return root


def change(path, edit):
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


def test_the_table_has_one_row_per_system_metric_and_reference(results):
    table = pd.read_parquet(results["studies"][0] / "comparison.parquet")
    assert not table.duplicated(["system", "metric", "reference"]).any()
    assert len(table) == (10 + len(BASELINES)) * (len(METRICS) + 1) * 2  # KL has both directions
    assert table[["value", "low", "high", "n", "windows"]].notna().all().all()
    assert table.loc[table["kind"] == "run", ["parameters", "flops_spent", "budget", "seed"]].notna().all().all()


def test_csv_and_parquet_say_the_same(results):
    study = results["studies"][0]
    pd.testing.assert_frame_equal(
        pd.read_csv(study / "comparison.csv")[["system", "metric", "value"]],
        pd.read_parquet(study / "comparison.parquet")[["system", "metric", "value"]],
        check_dtype=False,
    )


def test_the_summary_points_to_folders_relative_to_the_study(results):
    study = results["studies"][0]
    summary = json.loads((study / "summary.json").read_text())
    for system in (*summary["runs"].values(), *summary["baselines"].values()):
        assert not system["folder"].startswith("/")
        assert (study / system["folder"] / "generated" / "final.parquet").is_file()


def test_curves_keep_every_step_of_every_run(results):
    curves = pd.read_parquet(results["studies"][0] / "curves.parquet")
    assert set(curves["run"]) == set(results["runs"])
    assert curves.groupby("run")["validation_loss"].count().min() > 1


def test_a_missing_score_is_an_error_that_names_the_file(tree):
    runs, baselines = folders(tree)
    (runs[0] / "scores" / "kl.json").unlink()
    with pytest.raises(UserError, match=rf"{runs[0].name}/scores/kl\.json: no such file"):
        collect("s", runs, baselines)


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("scores/kl.json", lambda v: v["entries"][0].update(value=None), "kl against originals: a number is missing"),
        ("scores/kl.json", lambda v: v["entries"].pop(), "no entry for reference codec"),
        ("scores/kl.json", lambda v: v.update(backend="another"), "differs from the other systems' in backend"),
        ("manifest.json", lambda v: v.update(flops_spent=None), "lacks flops_spent"),
    ],
)
def test_nothing_incomplete_or_unlike_is_compared(tree, file, edit, message):
    runs, baselines = folders(tree)
    change(runs[1] / file, edit)
    with pytest.raises(UserError, match=message):
        collect("s", runs, baselines)


def test_a_run_given_twice_is_refused(tree):
    runs, baselines = folders(tree)
    with pytest.raises(UserError, match="given twice"):
        collect("s", [*runs, runs[0]], baselines)


def test_a_study_needs_a_run_and_a_run_one_budget(tree):
    with pytest.raises(UserError, match="no runs"):
        collect("s", [], folders(tree)[1])
    assert budget_text({"flops": 1e12}) == ("flops", 1e12)
    with pytest.raises(UserError):
        budget_text({"flops": 1, "iterations": 2})
