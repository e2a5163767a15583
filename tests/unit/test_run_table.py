"""Rows with second stages and borrowed language models, and further studies: what they depend on, what is refused."""

import copy
import json

import pytest
import yaml
from four_designs import four_designs

from ssmttm import settings
from ssmttm.choices import checkpoints_of
from ssmttm.config import ROOT, load_config, merge, validate_config
from ssmttm.errors import UserError
from ssmttm.given import check_refiner_spec, named_settings, refiner_settings
from ssmttm.run_table import read_runs, read_studies
from ssmttm.spec import LOGGER, canonical_json, refiner_spec, stage_spec

HEADER = "run\tstudy\tvariant\tsize\tbudget\tseed\trefiner\tlanguage_model\toverrides\n"
ONE = "model.codebooks=1"
REFINERS = {
    "unet": {"backbone": "unet", "budget": "flops", "seed": 7, "d_model": 48, "training": {"learning_rate": 0.001}},
    "flow": {"backbone": "mamba2", "objective": "flow", "budget": "flops", "seed": 1},
    "counted": {"backbone": "unet", "budget": "iters", "seed": 1},
}


@pytest.fixture(scope="module")
def shared():
    return four_designs() | {"refiners": REFINERS}


@pytest.fixture
def config(shared):
    return copy.deepcopy(shared)


def row(name, budget="flops", refiner="", lender="", overrides=ONE, seed=1, study="s"):
    return f"{name}\t{study}\tprefix-simba\tbase\t{budget}\t{seed}\t{refiner}\t{lender}\t{overrides}"


def table(tmp_path, config, *rows, read=read_runs):
    (tmp_path / "runs.tsv").write_text(HEADER + "".join(f"{r}\n" for r in rows), encoding="utf-8")
    config["runs"] = "runs.tsv"
    return read(config, tmp_path)


def test_a_refiners_spec_is_complete_and_its_entry_comes_before_the_section_and_the_training(config):
    found = refiner_spec(config, "unet")
    assert set(found["refiner"]) == set(settings.RefinerSettings.__annotations__)
    assert set(found["training"]) == set(settings.TrainingSettings.__annotations__) - {LOGGER}
    assert set(found) == set(settings.RefinerSpec.__annotations__)
    assert found["refiner"]["d_model"] == 48 != config["refiner"]["d_model"]
    assert found["training"]["learning_rate"] == 0.001
    assert found["training"]["batch_size"] == config["refiner"]["training"]["batch_size"]
    assert found["training"]["warmup_steps"] == config["training"]["warmup_steps"]
    assert (found["budget"], found["seed"]) == (config["budgets"]["flops"], 7)
    assert check_refiner_spec(json.loads(canonical_json(found))) == found


def test_a_refiner_is_no_part_of_its_language_models_spec_nor_of_other_stages(config, tmp_path):
    with_refiner = table(tmp_path, config, row("a", refiner="unet"))["a"]
    without = table(tmp_path, config, row("a"))["a"]
    assert with_refiner["spec"] == without["spec"]
    before = {stage: stage_spec(config, stage) for stage in ("prompts", "baseline", "score")}
    config["refiner"]["jitter"] = 0.5
    assert before == {stage: stage_spec(config, stage) for stage in before}


def test_columns_for_two_stages_may_be_missing(config, tmp_path):
    (tmp_path / "runs.tsv").write_text("run\tstudy\tvariant\tsize\tbudget\tseed\na\ts\tprefix-simba\tbase\titers\t1\n")
    config["runs"] = "runs.tsv"
    found = read_runs(config, tmp_path)["a"]
    assert (found["refiner"], found["language_model"], found["overrides"]) == ("", "", "")
    assert found["generation"] == config["generation"]


def test_a_row_may_override_how_it_generates_and_nothing_else_changes(config, tmp_path):
    changed = f"{ONE}; generation.sampler_steps=50; generation.guidance=1.5"
    rows = table(tmp_path, config, row("a"), row("b", overrides=changed, seed=2), row("c", overrides=ONE, seed=2))
    assert rows["b"]["generation"] == config["generation"] | {"sampler_steps": 50, "guidance": 1.5}
    assert rows["b"]["spec"] == rows["c"]["spec"]


def test_a_borrowed_language_model_has_its_lenders_spec_with_fewer_checkpoints_if_asked(config, tmp_path):
    few = "generation.sampler_steps=2; training.checkpoints=[0.5]"
    rows = table(tmp_path, config, row("b", lender="a", overrides=few), row("a"), row("c", lender="a", overrides=""))
    assert rows["c"]["spec"] == rows["a"]["spec"]
    assert rows["b"]["spec"]["training"]["checkpoints"] == [0.5] != rows["a"]["spec"]["training"]["checkpoints"]
    assert rows["b"]["spec"]["model"] == rows["a"]["spec"]["model"]
    assert list(rows) == ["b", "a", "c"], "the table's order"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("a", refiner="rnn")], "line 2: refiner 'rnn' is not among the config's refiners: unet, flow, counted"),
        (
            [row("a", refiner="unet", overrides="")],
            "line 2: a refiner completes codes of level 1, but .*codebooks is 4",
        ),
        ([row("a", refiner="counted")], "line 2: .*budget is in flops and the refiner's in iterations, which can't"),
        ([row("a", refiner="flow")], "line 2: generation.sampler is dpm, .*trained by flow; .*sampler=euler"),
        ([row("a", lender="z")], "line 2: language_model 'z' is no run of this table: a"),
        ([row("a", lender="a", overrides="")], "line 2: language_model 'a' has itself the one of another"),
        (
            [row("a"), row("b", lender="a", overrides=""), row("c", lender="b", overrides="")],
            "line 4: .*'b' has itself",
        ),
        ([row("a"), row("b", lender="a", seed=2)], "line 3: language_model 'a' has seed 1, and this row says 2"),
        (
            [row("a"), row("b", budget="iters", lender="a")],
            "line 3: .*'a' has budget 'flops', and this row says 'iters'",
        ),
        ([row("a"), row("b", lender="a")], "line 3: override 'model.codebooks': a trains this language model"),
        ([row("a"), row("b", lender="a", overrides="training.checkpoints=[0.9]")], "line 3: .*: a keeps .0.25, 0.5."),
        ([row("a", overrides="generation.prompts=3")], "'generation.prompts': all runs answer the same captions"),
        ([row("a", overrides="generation.steps=3")], "the config has no 'steps' there"),
        ([row("a", overrides="generation.sampler=heun")], "generation.sampler: 'heun' is not one of"),
    ],
)
def test_rows_that_can_t_be_are_refused_with_line_and_remedy(config, tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        table(tmp_path, config, *rows)


def test_iterations_of_two_models_are_not_added_so_any_second_budget_goes_with_them(config, tmp_path):
    assert table(
        tmp_path, config, row("a", budget="iters", refiner="unet"), row("b", budget="iters", refiner="counted")
    )


@pytest.mark.parametrize(
    ("refiner", "message"),
    [
        ({"levels": 5}, "refiners.unet: levels 5 is more than the codec has: data.codec.codebooks is 4"),
        ({"budget": "none"}, "refiners.unet: budget 'none' is not among the config's budgets: iters, flops"),
        ({"d_model": 46}, "refiners.unet: d_model 46 must be even and a multiple of attention_heads"),
        ({"backbone": "mamba2", "head_dim": 36}, "refiners.unet: head_dim 36 does not divide"),
        ({"window": 32}, "refiners.unet: overlap 32 must be less than window 32"),
        ({"training": {"micro_batch": 3}}, "refiners.unet: training.micro_batch 3 must divide training.batch_size 8"),
    ],
)
def test_refiners_whose_settings_don_t_go_together_are_refused(config, refiner, message):
    config["refiners"]["unet"] |= refiner
    with pytest.raises(UserError, match=message):
        refiner_spec(config, "unet")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"backbone": "rnn"}, "refiners.unet.backbone: 'rnn' is not one of"),
        ({"layer": 3}, "refiners.unet: .*'layer' was unexpected"),
        ({"levels": 1}, "refiners.unet.levels: 1 is less than the minimum"),
        ({"training": {"rate": 1}}, "refiners.unet.training: .*'rate' was unexpected"),
    ],
)
def test_unknown_settings_of_a_refiner_are_named(config, entry, message):
    config["refiners"]["unet"] |= entry
    with pytest.raises(UserError, match=message):
        validate_config(config, "here")


def test_null_leaves_a_refiner_of_the_overlaid_config_out(config):
    assert set(validate_config(merge(config, {"refiners": {"unet": None}}))["refiners"]) == {"flow", "counted"}


@pytest.mark.parametrize(("name", "what"), [("score", "a rule"), ("s", "a study"), ("a", "a run")])
def test_a_refiners_name_is_a_target_of_its_own(config, tmp_path, name, what):
    config["refiners"][name] = config["refiners"]["unet"]
    with pytest.raises(UserError, match=f"refiners.{name}: it is also the name of {what} of the workflow"):
        table(tmp_path, config, row("a", refiner=name), read=read_studies)


def test_both_stages_of_a_checkpoint_stand_at_one_fraction_that_both_keep(config, tmp_path):
    config["evaluation"]["checkpoints"] = [0.25, 0.5]
    config["refiners"]["unet"]["training"]["checkpoints"] = [0.5, 0.75]
    studies = table(tmp_path, config, row("a", refiner="unet"), row("b", seed=2), read=read_studies)
    refiner = studies.refiners["unet"]
    assert checkpoints_of(config, studies.runs["a"], refiner) == ["0.5", "final"]
    assert checkpoints_of(config, studies.runs["b"]) == ["0.25", "0.5", "final"]


def further(tmp_path, config, overlay, rows=(row("x", study="t"),)):
    (tmp_path / "more.tsv").write_text(HEADER + "".join(f"{r}\n" for r in rows))
    content = {"runs": "more.tsv", "data": {"version": config["data"]["version"]}, **overlay}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(content))
    config["studies"] = ["more.yaml"]
    return table(tmp_path, config, row("a"), read=read_studies)


def test_a_further_study_has_settings_of_its_own_and_is_built_by_its_name_alone(config, tmp_path):
    more = {"title": "Another", "training": {"warmup_steps": 3}, "generation": {"guidance": 1.0}}
    studies = further(tmp_path, config, more)
    assert studies.own == ["s"] and list(studies.configs) == ["s", "t"]
    assert studies.runs["x"]["spec"]["training"]["warmup_steps"] == 3
    assert studies.runs["x"]["generation"]["guidance"] == 1.0
    assert studies.runs["a"]["spec"] == table(tmp_path, config, row("a"))["a"]["spec"]
    assert stage_spec(studies.configs["t"], "report")["title"] == "Another"


def test_a_further_study_of_another_data_set_or_of_the_same_table_is_left_out(config, tmp_path):
    assert list(further(tmp_path, config, {"data": {"version": "other"}}).runs) == ["a"]
    assert list(further(tmp_path, config, {"runs": "runs.tsv"}).runs) == ["a"]


@pytest.mark.parametrize(
    ("overlay", "rows", "message"),
    [
        ({"data": {}}, (row("x", study="t"),), "more.yaml: lacks data.version"),
        (
            {"generation": {"prompts": 30}},
            (row("x", study="t"),),
            "more.yaml: changes generation.prompts, .*as a preset",
        ),
        ({"evaluation": {"bootstrap": 30}}, (row("x", study="t"),), "more.yaml: changes evaluation, "),
        ({"modle": {}}, (row("x", study="t"),), "more.yaml: .*'modle' was unexpected"),
        ({}, (row("a", study="t"),), "more.tsv: 'a' is the name of a run or study of another table"),
        ({}, (row("x", study="s"),), "more.tsv: 's' is the name of a run or study of another table"),
    ],
)
def test_a_further_study_that_can_t_be_is_refused(config, tmp_path, overlay, rows, message):
    with pytest.raises(UserError, match=message):
        further(tmp_path, config, overlay, rows)


def test_the_specs_of_all_that_is_trained_are_printed_by_name():
    files = [ROOT / "config.yaml"]
    assert named_settings("refine-unet-1", files, None)["refiner"]["backbone"] == "unet"
    assert named_settings("refine", files, None)["refiner"]["layers"] == 1
    assert named_settings("stages-unet-1", files, None)["model"]["codebooks"] == 1
    with pytest.raises(UserError, match="'refine-unet-9' is neither a run, a refiner nor a stage; did you mean"):
        named_settings("refine-unet-9", files, None)


def test_a_refiner_is_trained_by_name_or_by_its_complete_spec(config, monkeypatch):
    monkeypatch.chdir(ROOT)
    spec = refiner_settings("refine-flow-2", None)
    assert (spec["refiner"]["objective"], spec["seed"]) == ("flow", 2)
    assert refiner_settings("any", canonical_json(spec)) == spec
    with pytest.raises(UserError, match="no run has a refiner 'refine-rnn'; did you mean"):
        refiner_settings("refine-rnn", None)
    del spec["refiner"]["jitter"]
    with pytest.raises(UserError, match="--spec: refiner: 'jitter' is a required property"):
        refiner_settings("any", json.dumps(spec))


def test_the_study_of_stages_spends_the_same_flops_on_every_design():
    studies = read_studies(load_config(ROOT / "config.yaml"), ROOT)
    rows = {name: run for name, run in studies.runs.items() if run["study"] == "study-stages"}
    untrained = {name for name, run in rows.items() if "untrained" in run["refiner"]}
    spent = {
        run["spec"]["budget"]["flops"] + (studies.refiners[run["refiner"]]["budget"]["flops"] if run["refiner"] else 0)
        for name, run in rows.items()
        if name not in untrained
    }
    assert len(spent) == 1
    seeds = {}
    for run in rows.values():
        if run["refiner"]:
            assert studies.refiners[run["refiner"]]["seed"] == run["seed"]
        seeds.setdefault((run["variant"], run["refiner"][:-2], run["generation"]["sampler_steps"]), set()).add(
            run["seed"]
        )
    assert all(found == {1, 2, 3} for found in seeds.values())
    kinds = {(s["refiner"]["backbone"], s["refiner"]["objective"]) for s in studies.refiners.values()}
    assert {b for b, o in kinds if o == "diffusion"} == {"unet", "transformer", "mamba2"}
    assert {o for _, o in kinds} == {"diffusion", "flow", "masked"}
    steps = {run["generation"]["sampler_steps"] for run in rows.values() if run["refiner"].startswith("refine-unet")}
    assert steps == {2, 4, 8, 16, 50}
