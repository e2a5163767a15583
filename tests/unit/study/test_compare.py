import json
import shutil

import pandas as pd
import pytest
from four_designs import four_designs

from ssmttm.choices import BASELINES, CODE_MODELS, metrics_of
from ssmttm.errors import UserError
from ssmttm.stages import compare
from ssmttm.statistics.bootstrap import NO_INTERVAL
from ssmttm.study.collect import collect
from ssmttm.study.derive import ends
from ssmttm.study.trained import kind_and_amount

EVALUATION = four_designs()["evaluation"] | {"bootstrap": 20}
PARTS = {"kl": 2, "frechet_infinity": 2, "kernel": 2, "prdc": 4, "diversity": 3}
"""Rows of a metric per reference, where there is more than one."""
SCORES = "scores/final/musicnn.json"


def folders(root):
    baselines = next((root / "baselines").iterdir())
    return dict.fromkeys(sorted((root / "runs").iterdir()), "base"), sorted(baselines.iterdir())


def of(score, metric):
    return score["metrics"][metric]


@pytest.fixture
def tree(results, tmp_path):
    """A copy whose files a test may break; without the audio."""
    root = tmp_path / "results"
    audio = ("final.parquet", "0.5.parquet")
    ignore = shutil.ignore_patterns(*audio, "embeddings", "data", "studies", "report.html")
    shutil.copytree(results["root"], root, ignore=ignore)
    return root


def change(path, edit):
    value = json.loads(path.read_text())
    edit(value)
    path.write_text(json.dumps(value))


def test_the_table_has_one_row_per_system_metric_and_reference(results):
    table = pd.read_parquet(results["studies"][0] / "comparison.parquet")
    assert not table.duplicated(["system", "embedder", "metric", "reference"]).any()
    metrics = metrics_of(EVALUATION["metrics"], "musicnn")
    each = sum(1 if m == "training_copies" else 2 * PARTS.get(m, 1) for m in metrics)
    assert len(table) == (10 + len(BASELINES) + len(CODE_MODELS)) * each
    assert table[["value", "n", "windows"]].notna().all().all()
    assert table[["low", "high"]].notna().all().all()
    assert (table["interval"] != NO_INTERVAL).all()
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
    first = next(iter(runs))
    (first / SCORES).unlink()
    with pytest.raises(UserError, match=rf"{first.name}/{SCORES}: no such file"):
        collect("s", runs, baselines, EVALUATION)


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        (SCORES, lambda v: of(v, "kl")["entries"][0].update(value=None), "kl against originals: a number is missing"),
        (SCORES, lambda v: of(v, "kl")["entries"].pop(), "kl: no entry for reference codec"),
        (SCORES, lambda v: of(v, "kl")["entries"][0].update(low=None), "kl against originals: a number is missing"),
        (SCORES, lambda v: of(v, "prdc")["entries"][1].pop("high"), "prdc against codec: a number is missing"),
        (SCORES, lambda v: v["metrics"].pop("kl"), "lacks kl"),
        (SCORES, lambda v: of(v, "kl").update(backend="another"), "differs from the other systems' in backend"),
        (SCORES, lambda v: v["clip_ids"].reverse(), "were scored on different captions"),
        ("manifest.json", lambda v: v.update(flops_spent=None), "lacks flops_spent"),
    ],
)
def test_nothing_incomplete_or_unlike_is_compared(tree, file, edit, message):
    runs, baselines = folders(tree)
    change(list(runs)[1] / file, edit)
    with pytest.raises(UserError, match=message):
        collect("s", runs, baselines, EVALUATION)


def test_a_run_given_twice_is_refused(tree, tmp_path):
    runs, baselines = folders(tree)
    first = next(iter(runs))
    shutil.copytree(first, tmp_path / "again")
    with pytest.raises(UserError, match="given twice"):
        collect("s", {**runs, tmp_path / "again": "base"}, baselines, EVALUATION)
    with pytest.raises(UserError, match="as many --sizes"):
        compare.run({}, "s", [first], [], baselines, tmp_path)


def test_progress_ends_with_the_final_scores_at_the_runs_whole_cost(results):
    study = results["studies"][0]
    progress = pd.read_parquet(study / "progress.parquet")
    comparison = pd.read_parquet(study / "comparison.parquet").query("kind == 'run'")
    keys = ["system", "embedder", "metric", "reference"]
    final = progress[progress["checkpoint"] == "final"].rename(columns={"run": "system"}).set_index(keys).sort_index()
    whole = comparison.set_index(keys).sort_index()
    for column in ("value", "low", "high", "steps", "clips_seen", "tokens"):
        assert final[column].astype(float).equals(whole[column].astype(float))
    assert (final["flops"] / whole["flops_spent"]).between(0.99, 1.01).all()
    one = progress.query("metric == 'kl' and reference == 'codec'").groupby("run")
    assert (one.size() == 1 + len(EVALUATION["checkpoints"])).all()
    assert all(group["flops"].is_monotonic_increasing for _, group in one)


def test_differences_are_paired_and_agree_with_the_scores(results):
    study = results["studies"][0]
    found = pd.read_parquet(study / "differences.parquet")
    values = pd.read_parquet(study / "comparison.parquet").set_index(["system", "metric", "reference"])["value"]
    for row in found.itertuples():
        apart = values[row.a, row.metric, row.reference] - values[row.b, row.metric, row.reference]
        assert row.difference == pytest.approx(apart)
        assert row.low <= row.difference <= row.high
    assert found.query("metric == 'kl'")["p_value"].between(0, 1).all()
    budgets = pd.read_parquet(study / "comparison.parquet").query("kind == 'run'").drop_duplicates("system")
    pairs = sum(n * (n - 1) // 2 for n in budgets.groupby(["budget_kind", "budget"]).size())
    assert len(found.query("metric == 'frechet' and reference == 'codec'")) == pairs


def test_curves_are_of_finished_models_alone(results):
    progress = pd.read_parquet(results["studies"][0] / "progress.parquet")
    found = ends(progress)
    assert set(found["checkpoint"]) == {"final"} < set(progress["checkpoint"])
    published = progress.head(2).assign(source="a paper")
    assert len(ends(pd.concat([progress, published]))) == len(found) + 2


def test_scores_say_whether_they_rank_real_music_above_drawn_codes(results):
    table = pd.read_parquet(results["studies"][0] / "comparison.parquet")
    found = table.groupby(["embedder", "metric", "reference"])["ranks_real"]
    assert (found.nunique() <= 1).all()
    assert found.first().loc["musicnn", "frechet", "codec"] and found.first().loc["musicnn", "kl", "codec"]


def test_both_shares_of_a_smaller_size_are_told(results):
    scaling = pd.read_parquet(results["studies"][0] / "scaling.parquet").query("size == 'quarter'")
    assert len(scaling)
    assert (scaling["core_fraction"] < 0.75 * scaling["fraction"]).all()


def test_without_groups_of_parameters_nothing_is_made_up(tree):
    runs, baselines = folders(tree)
    change(next(iter(runs)) / "manifest.json", lambda v: v.update(parameters_by_group={"all": v["parameters"]}))
    found = collect("s", runs, baselines, EVALUATION).tables["comparison"].query("kind == 'run'")
    known = found.groupby("system")["core_parameters"].count() > 0
    assert list(known.index[~known]) == [next(iter(runs)).name]


def test_a_study_needs_a_run_and_a_run_one_budget(tree):
    with pytest.raises(UserError, match="no runs"):
        collect("s", {}, folders(tree)[1], EVALUATION)
    assert kind_and_amount({"flops": 1e12}) == ("flops", 1e12)
    with pytest.raises(UserError):
        kind_and_amount({"flops": 1, "iterations": 2})
