"""One stage against two: costs are sums, scores are means over seeds, differences are paired by caption."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from ssmttm.config import load_config
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.stages import compare
from ssmttm.statistics.paired import paired_scores
from ssmttm.study.collect import collect
from ssmttm.study.frames import twins
from ssmttm.study.trained import read_trained

UNET = "first-simba + unet (8 steps)"
EVALUATION = load_config()["evaluation"] | {"bootstrap": 20, "metrics": ["frechet", "kl"]}


@pytest.fixture(scope="module")
def stages(staged):
    return pd.read_parquet(staged["studies"][0] / "stages.parquet")


@pytest.fixture(scope="module")
def comparison(staged):
    return pd.read_parquet(staged["studies"][0] / "comparison.parquet").query("kind == 'run'")


def scores_of(staged, run, metric="kl", reference="codec"):
    content = json.loads((staged["runs"][run] / "scores" / "final" / "musicnn.json").read_text())
    return next(e for e in content["metrics"][metric]["entries"] if e["reference"] == reference)


def test_a_run_of_two_stages_costs_what_both_cost(staged, comparison):
    row = comparison.drop_duplicates("system").set_index("system").loc["two-unet-1"]
    folder = staged["runs"]["two-unet-1"]
    first, second = read_json(folder / "manifest.json"), read_json(folder / "refiner.json")
    for column, key in (("parameters", "parameters"), ("flops_spent", "flops_spent"), ("steps", "steps")):
        assert row[column] == first[key] + second[key]
    assert row["gpu_hours"] == pytest.approx(first["device_hours"] + second["device_hours"])
    assert (row["budget_kind"], row["budget"]) == ("flops", 6e12), "two halves are the whole of the single stage"
    assert (row["refiner_parameters"], row["refiner_flops"]) == (second["parameters"], second["flops_spent"])
    assert (row["stages"], row["codebooks"], row["levels"]) == (2, 1, 4)
    assert (row["backbone"], row["objective"], row["sampler"], row["sampler_steps"]) == ("unet", "diffusion", "dpm", 8)


def test_a_run_of_one_stage_costs_what_it_did(staged, comparison):
    row = comparison.drop_duplicates("system").set_index("system").loc["single-1"]
    manifest = read_json(staged["runs"]["single-1"] / "manifest.json")
    assert row["parameters"] == manifest["parameters"]
    assert row["language_model_flops"] == row["flops_spent"] == manifest["flops_spent"]
    assert (row["stages"], row["codebooks"], row["levels"], row["variant"]) == (1, 4, 4, "prefix-simba")
    assert pd.isna(row["backbone"]) and pd.isna(row["refiner_flops"])


def test_at_a_checkpoint_both_stages_stand_at_its_fraction(staged):
    progress = pd.read_parquet(staged["studies"][0] / "progress.parquet").query("metric == 'kl'")
    flops = progress.drop_duplicates(["run", "checkpoint"]).pivot(index="run", columns="checkpoint", values="flops")
    assert flops.loc["two-unet-1", "0.5"] == pytest.approx(flops.loc["two-unet-1", "final"] / 2, rel=0.01)
    assert np.isnan(flops.loc["two-unet-1-50", "0.5"]), "a row that keeps no checkpoint has none scored"


def test_seconds_to_generate_are_those_for_a_second_of_audio(stages):
    seconds = stages.drop_duplicates("variant").set_index("variant")["generation_seconds"]
    assert seconds["prefix-simba"] == pytest.approx(0.1)
    assert seconds[UNET] == pytest.approx(0.18)
    assert seconds["first-simba + unet (50 steps)"] == pytest.approx(0.6)


def test_a_design_is_its_stages_and_steps_and_its_score_the_mean_over_seeds(staged, stages):
    final = stages.query("checkpoint == 'final' and metric == 'kl' and reference == 'codec'").set_index("variant")
    assert list(final.index) == [
        "prefix-simba", "first-simba", UNET, "first-simba + mamba2 flow (8 steps)", "first-simba + unet (50 steps)"
    ]  # fmt: skip
    assert list(final["seeds"]) == [2, 2, 2, 2, 1]
    both = [scores_of(staged, run)["value"] for run in ("two-unet-1", "two-unet-2")]
    assert final.loc[UNET, "value"] == pytest.approx(np.mean(both))
    assert (final["low"] <= final["value"]).all() and (final["value"] <= final["high"]).all()
    one = scores_of(staged, "two-unet-1-50")
    assert final.loc["first-simba + unet (50 steps)", ["low", "high"]].tolist() == [one["low"], one["high"]]


def test_differences_from_the_single_stage_are_paired_by_caption_over_common_seeds(staged, stages):
    row = stages.query("checkpoint == 'final' and metric == 'kl' and reference == 'codec'").set_index("variant")
    per_clip = {run: np.array(scores_of(staged, run)["per_clip"]) for run in staged["runs"]}
    ours = (per_clip["two-unet-1"] + per_clip["two-unet-2"]) / 2
    theirs = (per_clip["single-1"] + per_clip["single-2"]) / 2
    expected = paired_scores(ours, theirs, EVALUATION["confidence"], EVALUATION["seed"])
    found = row.loc[UNET]
    assert found["against"] == "prefix-simba"
    assert (found["difference"], found["p_value"]) == (pytest.approx(expected.difference), expected.p_value)
    assert (found["difference_low"], found["difference_high"]) == pytest.approx((expected.low, expected.high))
    fewer = row.loc["first-simba + unet (50 steps)"]
    assert fewer["difference"] == pytest.approx((per_clip["two-unet-1-50"] - per_clip["single-1"]).mean())
    assert pd.isna(row.loc["prefix-simba", "against"])
    tested = row["p_value"].notna()
    assert (row.loc[tested, "p_adjusted"] >= row.loc[tested, "p_value"]).all()


def test_a_study_without_second_stages_has_no_rows(results):
    assert not len(pd.read_parquet(results["studies"][0] / "stages.parquet"))


@pytest.fixture
def run(staged, tmp_path):
    """A run of two stages whose files a test may break."""
    folder = tmp_path / "two-unet-1"
    shutil.copytree(staged["runs"]["two-unet-1"], folder, ignore=shutil.ignore_patterns("embeddings", "*.parquet~"))
    return folder


def test_what_a_run_left_over_from_other_settings_is_not_counted(run):
    """A run whose row has no refiner any more generated without it, whatever lies in its folder."""
    record = run / "generated" / "final.json"
    record.write_text(json.dumps(read_json(record) | {"stages": 1}))
    assert read_trained(run, "base").run.stages == 1


def test_a_refiner_of_one_step_is_no_design_of_the_trained_ones(run):
    manifest = read_json(run / "refiner.json")
    (run / "refiner.json").write_text(json.dumps(manifest | {"steps": 1}))
    assert read_trained(run, "base").run.variant == "first-simba + unet untrained (8 steps)"


@pytest.mark.parametrize(
    ("file", "missing", "message"),
    [
        ("refiner.json", "flops_spent", "refiner.json: lacks flops_spent"),
        ("generated/final.json", "seconds", "final.json: lacks seconds; generate with the run again"),
    ],
)
def test_missing_figures_are_named(run, file, missing, message):
    content = read_json(run / file)
    del content[missing]
    (run / file).write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_trained(run, "base")


def test_runs_of_one_design_and_seed_stand_by_their_own_names(staged, run):
    """Such as a run and its ablation by overrides: they are neither averaged nor left out."""
    manifest = read_json(run / "manifest.json")
    (run / "manifest.json").write_text(json.dumps(manifest | {"run": "ablation"}))
    runs = dict.fromkeys([*staged["runs"].values(), run], "base")
    baselines = sorted(next((staged["root"] / "baselines").iterdir()).iterdir())
    table = collect("s", runs, baselines, EVALUATION).tables["stages"]
    assert {"ablation", "two-unet-1", "two-unet-2"} <= set(table["variant"])
    assert UNET not in set(table["variant"])


def test_overrides_are_part_of_a_designs_name_so_that_it_takes_part_like_any_other(staged, run):
    manifest = read_json(run / "manifest.json")
    (run / "manifest.json").write_text(json.dumps(manifest | {"run": "ablation"}))
    runs = dict.fromkeys([*staged["runs"].values(), run], "base")
    baselines = sorted(next((staged["root"] / "baselines").iterdir()).iterdir())
    collected = collect("s", runs, baselines, EVALUATION, {run: "model.codebooks=1; model.dropout=0.3"}).tables
    assert {UNET, f"{UNET} [model.dropout=0.3]"} <= set(collected["stages"]["variant"])
    runs_alone = collected["comparison"][collected["comparison"]["kind"] == "run"]
    assert twins(runs_alone) == twins(collected["progress"], "run") == []
    with pytest.raises(UserError, match="3 --runs need as many --changes, or none, but 1 were given"):
        compare.run({"evaluation": EVALUATION}, "s", list(runs)[:3], ["base"] * 3, baselines, run, ["a=b"])
