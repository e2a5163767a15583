"""The config's `training.logger`: beside specs, so that choosing one retrains nothing."""

import copy
import json

import pytest
from four_designs import four_designs

from ssmttm.config import PRESETS, ROOT, load_preset, merge, subschema, validate_config
from ssmttm.errors import UserError
from ssmttm.given import check_run_spec, run_logger
from ssmttm.rates import settings_hash
from ssmttm.run_table import logging_of_refiner, logging_of_run, logging_of_vocoder, read_studies
from ssmttm.settings import Logging
from ssmttm.spec import canonical_json, vocoder_spec

STUDIES = [None, *sorted(path.parent.name for path in PRESETS.glob("*/config.yaml"))]


def configured(preset=None, **training):
    return merge(load_preset([ROOT / "config.yaml"], preset), {"training": training})


@pytest.mark.parametrize("preset", STUDIES, ids=str)
def test_no_spec_knows_of_a_logger(preset):
    plain, logged = (read_studies(configured(preset, **more)) for more in ({}, {"logger": "wandb"}))
    keys = set(subschema("training")["required"])
    for run in plain.runs:
        specs = [studies.runs[run]["spec"] for studies in (plain, logged)]
        assert canonical_json(specs[0]) == canonical_json(specs[1])
        assert settings_hash(specs[0], False) == settings_hash(specs[1], False)
        assert set(specs[0]["training"]) == keys
    for refiner in plain.refiners:
        assert canonical_json(plain.refiners[refiner]) == canonical_json(logged.refiners[refiner])
        assert set(plain.refiners[refiner]["training"]) == keys


def test_the_vocoders_spec_does_neither():
    plain, logged = (vocoder_spec(configured(**more)) for more in ({}, {"logger": "trackio"}))
    assert canonical_json(plain) == canonical_json(logged)


def test_the_settings_of_training_are_those_that_runs_were_trained_with():
    """A further key would change the spec of each run that is trained already."""
    before = (
        "activation_checkpointing batch_size betas caption_dropout checkpoints compile decay ema_decay epsilon "
        "gradient_clip label_smoothing learning_rate micro_batch minimum_learning_rate precision processes schedule "
        "state_every threads validation_clips validations warmup_steps weight_decay word_dropout"
    )
    assert " ".join(sorted(subschema("training")["required"])) == before


def test_runs_are_filed_under_their_study_and_refiners_and_the_vocoder_may_say_otherwise():
    config = validate_config(configured("stages", logger="wandb"))
    config["refiner"]["training"]["logger"] = "trackio"
    config["vocoder"]["training"]["logger"] = "tensorboard"
    studies = read_studies(config)
    run = next(run for run, row in studies.runs.items() if studies.configs[row["study"]] is config)
    assert logging_of_run(studies, run) == Logging("wandb", studies.runs[run]["study"])
    for refiner in studies.refiners:
        own = next(row["study"] for row in studies.runs.values() if row["refiner"] == refiner)
        if studies.configs[own] is config:
            assert logging_of_refiner(studies, refiner) == Logging("trackio", own)
    assert logging_of_vocoder(config) == Logging("tensorboard", "vocoder")


def test_without_the_key_nothing_is_asked_for():
    studies = read_studies(configured())
    assert {logging_of_run(studies, run).options for run in studies.runs} == {""}
    assert Logging("wandb", "paper").options == "--logger wandb --project paper"


def test_an_unknown_logger_is_refused_by_config_and_command():
    with pytest.raises(UserError, match=r"training\.logger: 'mlflow' is not one of"):
        validate_config(configured(logger="mlflow"))
    with pytest.raises(UserError, match="--logger mlflow: there are tensorboard, wandb, trackio"):
        run_logger("any", None, "mlflow", None)


def test_a_command_with_a_spec_logs_where_its_options_say(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no config is read
    assert run_logger("any", "{}", None, None) == Logging()
    assert run_logger("any", "{}", "wandb", "mine") == Logging("wandb", "mine")


def test_rows_and_specs_can_not_choose_a_logger(tmp_path):
    config = copy.deepcopy(four_designs()) | {"runs": "runs.tsv"}
    config["training"]["logger"] = "wandb"
    columns = ["run", "study", "variant", "size", "budget", "seed", "overrides"]
    row = ["a", "s", "prefix-simba", "base", "iters", "1", "training.logger=trackio"]
    (tmp_path / "runs.tsv").write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"'training\.logger': a study's runs are logged together"):
        read_studies(config, tmp_path)
    spec = json.loads(canonical_json(next(iter(read_studies(configured()).runs.values()))["spec"]))
    check_run_spec(spec)
    spec["training"]["logger"] = "wandb"
    with pytest.raises(UserError, match="logger"):
        check_run_spec(spec)
