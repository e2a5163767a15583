import copy
import json
import re

import pytest
import yaml
from four_designs import four_designs

from ssmttm import choices, given, planning, plugins, run_table, settings, spec
from ssmttm.config import PRESETS, ROOT, SCHEMAS, load_config, lookup, merge, subschema, validate_config
from ssmttm.errors import UserError
from ssmttm.released import check_release
from ssmttm.run_table import read_runs
from ssmttm.spec import apply_overrides, canonical_json, stage_spec

HEADER = "run\tstudy\tvariant\tsize\tbudget\tseed\toverrides\n"


@pytest.fixture(scope="module")
def shared():
    return four_designs()


@pytest.fixture
def config(shared):
    return copy.deepcopy(shared)


def table(tmp_path, config, *rows: str):
    (tmp_path / "runs.tsv").write_text(HEADER + "".join(row + "\n" for row in rows), encoding="utf-8")
    config["runs"] = "runs.tsv"
    return read_runs(config, tmp_path)


def test_canonical_json_depends_on_the_value_alone():
    assert (
        canonical_json({"b": 1, "a": [1.5, None]})
        == canonical_json({"a": [1.5, None], "b": 1})
        == '{"a":[1.5,null],"b":1}'
    )
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_null_leaves_a_source_of_the_overlaid_config_out():
    config = load_config(ROOT / "config.yaml")
    own = {"local": {"folder": "music", "table": "music.csv"}}
    merged = merge(config, {"data": {"sources": {"debian": None, **own}}})
    assert validate_config(merged)["data"]["sources"] == own
    with pytest.raises(UserError, match=r"data\.sources names no source"):
        validate_config(merge(config, {"data": {"sources": {"debian": None}}}))


def test_captions_that_the_text_encoder_would_cut_are_refused():
    config = load_config(ROOT / "config.yaml")
    with pytest.raises(UserError, match=r"data\.text\.max_tokens 48 would cut captions off"):
        validate_config(merge(config, {"data": {"captions": {"style": "paragraph"}}}))
    long = {"data": {"captions": {"style": "mixed"}, "text": {"max_tokens": 80}}}
    assert validate_config(merge(config, long))["data"]["captions"]["style"] == "mixed"


def test_merging_goes_deep_replaces_lists_and_leaves_its_inputs():
    base, overlay = {"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}, "d": 4}
    assert merge(base, overlay) == {"a": {"b": 1, "c": [3]}, "d": 4}
    assert base == {"a": {"b": 1, "c": [1, 2]}}


def test_every_key_of_the_schemas_is_described():
    import yaml

    def undescribed(node, path):
        for name, value in node.get("properties", {}).items():
            if "description" not in value and "$ref" not in value:
                yield f"{path}.{name}"
            yield from undescribed(value, f"{path}.{name}")
            for key in ("additionalProperties", "items"):
                if isinstance(value.get(key), dict):
                    yield from undescribed(value[key], f"{path}.{name}")

    for name in ("config.schema.yaml", "runs.schema.yaml"):
        schema = yaml.safe_load((SCHEMAS / name).read_text(encoding="utf-8"))
        assert not [p for p in undescribed(schema, "") if p.split(".")[-1] not in {"packages", "allow"} and p], name


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("data.clips.lenght", 3, "'lenght' was unexpected"),
        ("data.codec.name", "mp3", "data.codec.name"),
        ("training.batch_size", 0, "training.batch_size"),
        ("training.micro_batch", "many", "training.micro_batch: 'many' does not match '.auto"),
        ("training.micro_batch", 0, "training.micro_batch: 0 is less than the minimum"),
        ("training.activation_checkpointing", "yes", "training.activation_checkpointing: 'yes' is not one of"),
        ("training.checkpoints", [0.5, 1.0], r"training.checkpoints.1: 1.0"),
        ("training.checkpoints", [0.5, 0.5], "training.checkpoints: .* non-unique"),
        ("training.ema_decay", 1.0, "training.ema_decay"),
        ("training.processes", 0, "training.processes"),
        ("model.codebooks", 33, "model.codebooks: 33 is greater than the maximum"),
        ("variants.prefix-hybrid.attention_layers", 0, "variants.prefix-hybrid.attention_layers: 0 is less"),
        ("variants.prefix-hybrid.attention_layers", [2, 2], "variants.prefix-hybrid.attention_layers: .* non-unique"),
        ("variants.prefix-mamba1.model", {"layers": 3}, "variants.prefix-mamba1.model: .*'layers' was unexpected"),
        ("budgets.flops.gpu_hours", 2.0, "budgets.flops"),
        ("budgets.flops.flops", "6.0e12", r"sign in the exponent: 6\.0"),
        ("budgets.flops.iterations", 5, "budgets.flops"),
        ("data.split.validation", 0.5, None),
    ],
)
def test_bad_settings_are_named(config, path, value, expected):
    parent, _, leaf = path.rpartition(".")
    lookup(config, parent)[leaf] = value
    if expected is None:
        config["data"]["split"]["test"] = 0.5
        expected = "leave a share for train"
    with pytest.raises(UserError, match=f"^here: .*{expected}"):
        validate_config(config, "here")


def test_a_config_that_is_no_yaml_or_no_table_is_named(tmp_path):
    for text, message in (("a: [", "not readable as YAML"), ("- 1", "expected a table of settings, found list")):
        (tmp_path / "c.yaml").write_text(text)
        with pytest.raises(UserError, match=re.escape(f"{tmp_path}/c.yaml") + f".*{message}"):
            load_config(tmp_path / "c.yaml")
    with pytest.raises(UserError, match="no such config file"):
        load_config(tmp_path / "none.yaml")


def test_overrides_change_a_copy(config):
    changed = apply_overrides(config, "model.dropout=0.3; training.betas=[0.9, 0.99]", "row 2")
    assert changed["model"]["dropout"] == 0.3
    assert changed["training"]["betas"] == [0.9, 0.99]
    assert config["model"]["dropout"] != 0.3


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ("model.dropout", "not of the form"),
        ("model.dropot=0.1", "no 'dropot' there"),
        ("data.seed=3", "only model"),
        ("model.dropout=2", "model.dropout"),
        ("model.dropout.x=2", "no 'x' there"),
    ],
)
def test_bad_overrides_are_named(config, overrides, expected):
    with pytest.raises(UserError, match=f"^runs.tsv, line 2: .*{expected}"):
        apply_overrides(config, overrides, "runs.tsv, line 2")


def test_a_spec_is_complete_and_says_nothing_of_other_runs(config, tmp_path):
    runs = table(tmp_path, config, "a\ts\tprefix-mamba\tquarter\tflops\t7\ttraining.warmup_steps=3")
    found = runs["a"]["spec"]
    assert found["variant"] == {"name": "prefix-mamba", **config["variants"]["prefix-mamba"], "attention_layers": []}
    size = config["sizes"]["quarter"]
    assert found["model"]["d_model"] == size["d_model"]
    assert found["model"]["layers"] == size["layers"]["prefix-mamba"]
    assert found["budget"] == config["budgets"]["flops"]
    assert found["training"]["warmup_steps"] == 3
    assert found["seed"] == 7
    assert json.loads(canonical_json(found)) == found


def test_another_row_or_another_size_leaves_a_spec_as_it_is(config, tmp_path):
    row = "a\ts\tprefix-simba\tbase\titers\t1\t"
    before = table(tmp_path, config, row)["a"]["spec"]
    config["sizes"]["huge"] = {"d_model": 512, "layers": {"prefix-simba": 40}}
    config["budgets"]["hours"] = {"iterations": 9}
    assert table(tmp_path, config, "b\ts\tprefix-mamba\tbase\titers\t1\t", row)["a"]["spec"] == before


def test_a_rows_overrides_come_before_the_variants_the_sizes_and_the_configs_settings(config, tmp_path):
    config["model"].update(d_state=1, chunk=2, d_conv=3, dropout=0.1)
    config["sizes"]["base"].update(d_state=10, chunk=20, d_conv=4)
    config["variants"]["prefix-mamba1"]["model"] = {"d_state": 100, "chunk": 200}
    model = table(tmp_path, config, "a\ts\tprefix-mamba1\tbase\titers\t1\tmodel.d_state=5")["a"]["spec"]["model"]
    assert [model[key] for key in ("d_state", "chunk", "d_conv", "dropout")] == [5, 200, 4, 0.1]
    assert table(tmp_path, config, "a\ts\tprefix-mamba\tbase\titers\t1\t")["a"]["spec"]["model"]["d_state"] == 10


@pytest.mark.parametrize(("setting", "layers", "expected"), [(2, 5, [2, 4]), (5, 5, [5]), ([4, 1], 5, [1, 4])])
def test_attention_layers_are_numbers_in_a_spec(config, tmp_path, setting, layers, expected):
    config["variants"]["prefix-hybrid"]["attention_layers"] = setting
    config["sizes"]["base"]["layers"]["prefix-hybrid"] = layers
    variant = table(tmp_path, config, "a\ts\tprefix-hybrid\tbase\titers\t1\t")["a"]["spec"]["variant"]
    assert variant["attention_layers"] == expected
    assert spec.mixers_of(variant) == ["attention", "mamba2"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [(6, "6 is more than the 5 layers"), ([2, 6], "there is no layer 6 in this size; name layers from 1 to 5")],
)
def test_attention_layers_must_exist(config, tmp_path, setting, expected):
    config["variants"]["prefix-hybrid"]["attention_layers"] = setting
    with pytest.raises(UserError, match=f"^runs.tsv, line 2: variants.prefix-hybrid.attention_layers: {expected}"):
        table(tmp_path, config, "a\ts\tprefix-hybrid\tbase\titers\t1\t")


@pytest.mark.parametrize("micro", ["1", "2", "3", "auto"])
def test_a_step_is_whole_micro_batches_on_every_process(config, tmp_path, micro):
    row = "a\ts\tprefix-simba\tbase\titers\t1\ttraining.batch_size=6; training.processes=2; training.micro_batch="
    if micro == "2":
        with pytest.raises(UserError, match=r"line 2: training\.processes \* training\.micro_batch = 4 must divide"):
            table(tmp_path, config, row + micro)
    else:
        assert table(tmp_path, config, row + micro)["a"]["spec"]["training"]["batch_size"] == 6


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a\ts\tprefix-rnn\tbase\titers\t1\t", "variant 'prefix-rnn' is not among .*cross-simba"),
        ("a\ts\tprefix-simba\thuge\titers\t1\t", "size 'huge' is not among .*quarter"),
        ("a\ts\tprefix-simba\tbase\tdays\t1\t", "budget 'days' is not among .*iters"),
        ("a\ts\tprefix-simba\tbase\titers\t1\tmodel.codebooks=5", "5 is more codebooks than the codec has: .* is 4"),
        ("a\ts\tprefix-simba\tbase\titers\t1\ttraining.micro_batch=4", "micro_batch 4 must divide .*batch_size 2"),
        ("a\ts\tprefix-simba\tbase\titers\t1\ttraining.batch_size=3", "micro_batch 2 must divide .*batch_size 3"),
        (
            "a\ts\tprefix-simba\tbase\titers\t1\ttraining.processes=3; training.micro_batch=auto",
            "processes = 3 must divide training.batch_size 2",
        ),
        ("a\ts\tprefix-simba\tbase\titers\tone\t", "seed 'one' is not a whole number"),
        ("a\ts\tprefix-simba\tbase\titers\t1\t\tmore", "too many cells"),
        ("A b\ts\tprefix-simba\tbase\titers\t1\t", "run: 'A b'"),
        ("train\ts\tprefix-simba\tbase\titers\t1\t", "name of a rule"),
        ("a\ts\tprefix-simba\tbase\titers\t1\tmodel.head_dim=7", "head_dim 7 does not divide"),
        ("a\ts\tprefix-simba\tbase\titers\t1\tmodel.attention_heads=3", "multiple of attention_heads"),
    ],
)
def test_bad_rows_are_named(config, tmp_path, row, expected):
    with pytest.raises(UserError, match=f"^runs.tsv, line 2: .*{expected}"):
        table(tmp_path, config, row)


def test_names_are_unique_among_runs_and_studies(config, tmp_path):
    row = "\ts\tprefix-simba\tbase\titers\t1\t"
    with pytest.raises(UserError, match=r"line 3: run 'a' is in the table twice"):
        table(tmp_path, config, "a" + row, "a" + row)
    with pytest.raises(UserError, match="study 's' has the name of a run"):
        table(tmp_path, config, "s" + row)
    with pytest.raises(UserError, match="no rows"):
        table(tmp_path, config)


def test_a_stage_takes_only_its_own_settings(config):
    before = {stage: canonical_json(stage_spec(config, stage)) for stage in spec.STAGES}
    config["data"]["captions"]["tags"] += 1
    changed = {s for s, text in before.items() if canonical_json(stage_spec(config, s)) != text}
    assert changed == {"captions", "report"}


def test_a_released_data_set_refuses_other_settings(config, tmp_path):
    assert check_release(config, tmp_path) is False
    (tmp_path / "dataset.json").write_text(json.dumps({"settings": config["data"]}))
    assert check_release(config, tmp_path) is True
    config["data"]["clips"]["seconds"] = 7.0
    config["data"]["seed"] = 2
    with pytest.raises(UserError, match=r"(?s)data\.clips\.seconds, data\.seed.*new data\.version"):
        check_release(config, tmp_path)


def test_a_released_data_set_names_its_missing_files(config, tmp_path):
    there, *missing = names = ["a.parquet", "clips/0.parquet", "clips/1.parquet"]
    (tmp_path / there).touch()
    (tmp_path / "dataset.json").write_text(json.dumps({"settings": config["data"], "sha256": dict.fromkeys(names, "")}))
    with pytest.raises(UserError, match=rf"{missing[0]} and 1 more of its files: .*\n.*delete .*dataset\.json"):
        check_release(config, tmp_path)


def test_the_shown_study_is_the_first_or_the_named_one(config, tmp_path):
    row = "\tprefix-simba\tbase\titers\t1\t"
    runs = table(tmp_path, config, f"a\tfirst{row}", f"b\tsecond{row}")
    assert planning.shown_study(config, runs) == "first"
    assert planning.shown_study(config | {"study": "second"}, runs) == "second"
    with pytest.raises(UserError, match=r"study: 'third' is not in runs.tsv, which has first, second"):
        planning.shown_study(config | {"study": "third"}, runs)


def test_runs_of_a_study_keep_the_tables_order(config, tmp_path):
    rows = [f"{name}\t{study}\tprefix-simba\tbase\titers\t1\t" for name, study in (("b", "s"), ("c", "t"), ("a", "s"))]
    assert run_table.runs_of(table(tmp_path, config, *rows), "s") == ["b", "a"]


def test_a_constraint_matches_names_and_nothing_else():
    pattern = re.compile(planning.one_of(["a.b", "c", 1]))
    assert [bool(pattern.fullmatch(t)) for t in ("a.b", "c", "1", "axb", "a.bc", "")] == [True] * 3 + [False] * 3
    assert not re.compile(planning.one_of([])).fullmatch("")


def test_a_spec_from_the_command_line_is_json_or_a_file(tmp_path):
    (tmp_path / "s.json").write_text('{"a": 1}')
    assert given.parse_spec('{"a": 1}') == given.parse_spec(str(tmp_path / "s.json")) == {"a": 1}
    for text in ("[1]", '{"a"', str(tmp_path / "none")):
        with pytest.raises(UserError, match="--spec"):
            given.parse_spec(text)


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ({"captions": "c.csv"}, "captions does not go with set test"),
        ({"set": "table"}, r"prompts\.captions: the set table needs the path"),
        ({"set": "table", "captions": "c.csv"}, r"prompts\.audio: captions without audio have no reference"),
        ({"set": "song_describer", "captions": "c.csv", "audio": None}, r"prompts\.audio: captions without audio"),
        ({"set": "table", "captions": "c", "audio": "a", "singing": False}, r"prompts\.singing: a rule for MusicCaps"),
        ({"set": "musiccaps", "captions": "c.csv", "columns": {"id": "x"}}, r"prompts\.columns: musiccaps is read by"),
        ({"set": "audiocaps", "captions": "c.csv"}, "'audiocaps' is not one of"),
        ({"set": "table", "captions": "c.csv", "audio": "a", "colums": {}}, "'colums' was unexpected"),
    ],
)
def test_settings_of_a_set_of_prompts_must_fit_it(config, prompts, expected):
    with pytest.raises(UserError, match=rf"^here: evaluation\.prompts.*{expected}|^here: .*{expected}"):
        validate_config(merge(config, {"evaluation": {"prompts": prompts}}), "here")


def test_musiccaps_needs_no_folder_of_audio(config):
    prompts = {"set": "musiccaps", "captions": "c.csv", "singing": False}
    assert validate_config(merge(config, {"evaluation": {"prompts": prompts}}))["evaluation"]["prompts"] == prompts


def test_systems_are_baselines_others_audio_and_musicgen(config, tmp_path):
    assert choices.systems_of(config) == [*choices.BASELINES, *choices.CODE_MODELS]
    more = {"systems": {"suno": {"folder": "a"}, "gone": None}, "musicgen": {"model": "m"}}
    full = validate_config(merge(config, {"evaluation": more}))
    assert choices.systems_of(full) == [*choices.BASELINES, *choices.CODE_MODELS, "suno", "musicgen"]
    assert spec.external_spec(full, "suno")["system"] == {"folder": "a"}
    with pytest.raises(UserError, match=r"evaluation\.systems has no 'udio'; it has suno"):
        spec.external_spec(full, "udio")
    with pytest.raises(UserError, match="'suno' is the name of another system"):
        table(tmp_path, full, "suno\ts\tprefix-simba\tbase\titers\t1\t")


@pytest.mark.parametrize("name", ["codec", "noise", "bigram", "musicgen"])
def test_another_system_cannot_take_a_baselines_name(config, name):
    with pytest.raises(UserError, match=f"evaluation.systems.{name}: the workflow's own system has that name"):
        validate_config(merge(config, {"evaluation": {"systems": {name: {"folder": "a"}}}}))


def test_one_other_systems_settings_leave_anothers_as_they_are(config):
    systems = {"a": {"folder": "a"}, "b": {"folder": "b"}}
    before = spec.external_spec(validate_config(merge(config, {"evaluation": {"systems": systems}})), "a")
    systems["b"] = {"folder": "c", "note": "new"}
    assert spec.external_spec(validate_config(merge(config, {"evaluation": {"systems": systems}})), "a") == before


def test_every_embedder_and_metric_that_can_be_named_is_a_file_and_the_schema_knows_it():
    assert sorted(choices.EMBEDDERS) == plugins.names("ssmttm.evaluation.embedders")
    schema = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())
    settings = schema["properties"]["evaluation"]["properties"]
    assert settings["embedders"]["items"]["enum"] == list(choices.EMBEDDERS)
    assert settings["metrics"]["items"]["enum"] == list(choices.METRICS)
    assert settings["packages"]["items"]["enum"] == list(choices.PACKAGES)
    assert all((ROOT / "ssmttm" / "evaluation" / "metrics" / f"{name}.py").is_file() for name in choices.METRICS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"metrics": ["frechet", "clap"]}, "clap needs one of the embedders clap, clap_laion"),
        ({"models": {"clap": "/weights"}}, "evaluation.models.clap: evaluation.embedders does not name it"),
        ({"checkpoints": [0.9]}, "0.9 is not among training.checkpoints"),
        ({"packages": ["laion_clap"]}, "laion_clap needs one of the embedders clap in evaluation.embedders"),
        ({"packages": ["frechet_audio_distance"]}, "needs one of the embedders vggish, pann, clap"),
        ({"packages": ["fadtk"]}, "'fadtk' is not one of ['frechet_audio_distance', 'laion_clap']"),
        (
            {"packages": ["laion_clap"], "embedders": ["clap"], "models": {"clap": "/folder"}, "metrics": ["clap"]},
            "of clap it reads LAION's checkpoints: {clap: {weights: FILE, tokenizer: FOLDER}}",
        ),
        (
            {"packages": ["frechet_audio_distance"], "embedders": ["vggish"], "metrics": ["frechet"]},
            "evaluation.models.vggish: names no weights, which the package takes, too",
        ),
        (
            {
                "packages": ["frechet_audio_distance"],
                "embedders": ["vggish"],
                "models": {"vggish": "/file"},
                "metrics": ["kernel"],
            },
            "add frechet to evaluation.metrics",
        ),
    ],
)
def test_an_evaluation_that_can_t_be_done_is_refused_before_anything_runs(config, changed, message):
    config["evaluation"] |= changed
    with pytest.raises(UserError, match=re.escape(message)):
        validate_config(config)


def test_too_few_prompts_for_a_metric_are_refused_before_anything_runs(config):
    config["generation"]["prompts"] = 5
    with pytest.raises(UserError, match=r"prdc needs 6 clips, and generation\.prompts is 5"):
        validate_config(config)
    config["evaluation"]["metrics"] = ["frechet_infinity"]
    validate_config(config)
    config["evaluation"]["embedders"] = ["musicnn", "pann"]
    with pytest.raises(UserError, match=r"frechet_infinity needs 8 clips, and generation\.prompts is 5"):
        validate_config(config)


def test_a_vocoder_has_its_own_split_and_its_own_settings_of_training(config):
    made = spec.vocoder_spec(config)
    assert keys(settings.VocoderSpec) == set(made)
    assert keys(settings.VocoderSettings) == set(made["vocoder"])
    assert keys(settings.VocoderData) == set(made["data"])
    assert keys(settings.TrainingSettings) == {*made["training"], spec.LOGGER}
    assert made["training"]["batch_size"] == 8 != config["training"]["batch_size"]
    assert made["training"]["epsilon"] == config["training"]["epsilon"]
    assert spec.vocoder_stage_spec(config, "splits") == {"split": config["vocoder"]["split"]}
    assert given.check_vocoder_spec(made) == made
    with pytest.raises(UserError, match="projections"):
        given.check_vocoder_spec(made | {"vocoder": made["vocoder"] | {"projections": -1}})


def test_the_preset_of_the_vocoder_uses_the_packages_of_preset_debian_by_a_split_of_its_own():
    debian, own = (load_config(ROOT / "config.yaml", PRESETS / name / "config.yaml") for name in ("debian", "vocoder"))
    assert own["data"]["sources"] == debian["data"]["sources"]
    assert own["data"]["version"] != debian["data"]["version"]
    assert {"Maxstack", "Tangram Games", "paniq"} < set(spec.vocoder_spec(own)["split"]["held_out"]["test"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"levels": [0.5, 0.4]}, "at most 5 shares that add up to 1"),
        ({"levels": [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]}, "at most 5 shares that add up to 1"),
        ({"judged": 100}, "vocoder.judged 100 is more than vocoder.crop 96"),
        ({"training": {"micro_batch": 3}}, "training.micro_batch 3 must divide training.batch_size"),
    ],
)
def test_settings_of_a_vocoder_that_do_not_go_together_are_refused(config, changed, message):
    config["vocoder"] = merge(config["vocoder"], changed)
    with pytest.raises(UserError, match=re.escape(message)):
        spec.vocoder_spec(config)


def test_a_codec_that_makes_audio_itself_needs_no_vocoder(config):
    config["data"]["codec"]["name"] = "dac"
    with pytest.raises(UserError, match="a vocoder is for the spectral codec"):
        spec.vocoder_spec(config)
    assert choices.vocoder_files(config) == []


def test_a_vocoders_file_is_an_input_and_what_comes_with_the_package_is_none(config):
    for setting, files in (("griffin_lim", []), ("shipped", []), ("results/v.safetensors", ["results/v.safetensors"])):
        config["generation"]["vocoder"] = setting
        assert choices.vocoder_files(config) == files


def resolved(path):
    """The schema of the setting at `path`, with what it refers to."""
    schema = subschema(path)
    if "$ref" in schema:
        schema = {**schema["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def keys(kind):
    return set(kind.__annotations__)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("data", settings.DataSettings),
        ("data.clips", settings.ClipSettings),
        ("data.captions", settings.CaptionSettings),
        ("data.codec", settings.CodecSettings),
        ("data.text", settings.TextSettings),
        ("training", settings.TrainingSettings),
        ("generation", settings.GenerationSettings),
        ("evaluation", settings.EvaluationSettings),
    ],
)
def test_the_types_of_settings_have_the_keys_of_the_schema(path, kind):
    schema = resolved(path)
    assert keys(kind) == set(schema["properties"])
    assert kind.__required_keys__ == set(schema["required"])


def test_the_types_of_configs_and_specs_have_the_keys_that_these_have(config, tmp_path):
    assert keys(settings.Config) == set(config)
    run = table(tmp_path, config, "a\ts\tprefix-simba\tbase\titers\t1\t")["a"]
    assert keys(settings.Run) == set(run)
    assert keys(settings.RunSpec) == set(run["spec"])
    for key, kind in (
        ("variant", settings.VariantSpec),
        ("model", settings.ModelSettings),
        ("data", settings.RunData),
        ("training", settings.TrainingSettings),
    ):
        assert keys(kind) - {spec.LOGGER} == set(run["spec"][key])
    assert keys(settings.Budget) == set(resolved("vocoder.budget")["properties"])
    for stage in set(spec.STAGES) - {"external"}:
        assert set(stage_spec(config, stage)) <= keys(settings.StageSpec)
