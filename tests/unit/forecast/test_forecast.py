import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from ssmttm.config import PRESETS, load_config, merge, validate_config
from ssmttm.errors import UserError
from ssmttm.forecast import music, rates
from ssmttm.forecast.stages import forecast
from ssmttm.forecast.total import total
from ssmttm.run_table import read_studies
from ssmttm.stages import plan
from ssmttm.tables import SCHEMAS, write_table

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks"))
import presets  # noqa: E402


def config(**overlay):
    return validate_config(merge(load_config(ROOT / "config.yaml"), overlay), "test")


def stages(preset=None, gpu=None, amount=None, **overlay):
    chosen = config(**merge(yaml.safe_load((PRESETS / preset / "config.yaml").read_text()) if preset else {}, overlay))
    amount = amount or music.of_config(chosen, None, None, None)
    return {one.name: one for one in forecast(chosen, read_studies(chosen, ROOT), amount, gpu and rates.gpu(gpu))}


@pytest.mark.parametrize("folder", sorted((ROOT / "docs" / "studies").iterdir()), ids=lambda folder: folder.name)
def test_kept_studies_took_what_was_expected_within_30_percent(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    preset = {"laptop": None}.get(folder.name, folder.name)
    expected = total(list(stages(preset).values()), 2, 0, None, 0.0, None)
    assert expected.wall_hours == pytest.approx(manifest["hours"], rel=0.3)


def test_the_readme_has_the_table_that_its_command_writes():
    (found,) = re.findall(r"<!-- presets -->\n(.*?)\n<!-- /presets -->", presets.README.read_text(), re.DOTALL)
    assert found == presets.table(), "run python benchmarks/presets.py --write"


def test_training_takes_the_flops_that_its_budgets_allow():
    added = 1.0e12
    budget = config()["budgets"]["flops"]["flops"]
    few, many = stages(), stages(rates=None, budgets={"flops": {"flops": budget + added}})
    rate = rates.training("mamba2", 64, None)
    assert rate.source == "default study"
    runs = [row for row in read_studies(config(), ROOT).runs.values() if row["budget"] == "flops"]
    mamba = [row for row in runs if row["spec"]["variant"]["mixer"] == "mamba2"]
    transformers = len(runs) - len(mamba)
    slower = rates.training("attention", 64, None).seconds
    hours = (len(mamba) * rate.seconds + transformers * slower) * added / 3600
    assert many["train"].core_hours - few["train"].core_hours == pytest.approx(hours, rel=0.05)


def test_more_music_takes_more_of_data_and_no_more_of_training():
    little, much = (music.Music(100, hours, int(hours * 360), hours * 100, "test") for hours in (1.0, 10.0))
    little, much = stages(amount=little), stages(amount=much)
    for name in ("index, license", "audio, clips", "captions", "codec, tokens", "text"):
        assert much[name].core_hours == pytest.approx(10 * little[name].core_hours)
    assert much["train"] == little["train"]
    assert much["audio, clips"].disk_gb == pytest.approx(10 * little["audio, clips"].disk_gb)


def test_a_gpu_takes_what_it_can_do_and_is_estimated():
    on = stages("paper", "h100")
    for name in ("audio, clips", "codec, tokens", "text", "train", "refiner", "evaluate"):
        assert on[name].gpu_hours > 0 and on[name].assumed, name
    faster, slower = on["train"].gpu_hours, stages("paper", "a100")["train"].gpu_hours
    assert slower / faster == pytest.approx(989 / 312)
    paper = load_config(ROOT / "config.yaml", PRESETS / "paper" / "config.yaml")
    runs = read_studies(paper, ROOT).runs.values()
    of_flops = sum(row["budget"] == "flops" and not row["language_model"] for row in runs)
    assert faster > of_flops * 6.9e19 / (rates.UTILIZATION * 989e12) / 3600 * 0.99


def test_the_sum_is_that_of_its_parts_and_says_how_far_off_it_may_be():
    told = json.loads(plan.run("paper", None, None, None, None, "h100", 8, 64, 0.04, 2.0, True))
    for key in ("jobs", "core_hours", "gpu_hours", "disk_gb"):
        assert told["total"][key] == pytest.approx(sum(stage[key] for stage in told["stages"]))
    assert told["total"]["money"] == pytest.approx(
        0.04 * told["total"]["core_hours"] + 2.0 * told["total"]["gpu_hours"]
    )
    assert 1.3 < told["total"]["factor"] <= 2.0
    text = plan.run("paper", None, None, None, None, "h100", 8, 64, 0.04, None, False)
    assert re.search(r"^train +31 .* estimated$", text, re.MULTILINE)
    assert "at 0.04 a core-hour and 2.5 a GPU-hour" in text


def test_music_is_counted_in_a_data_set_that_is_there(tmp_path):
    rows = [
        dict.fromkeys(SCHEMAS["licensed"].names) | {"track_id": str(i), "artist": "a", "tags": [], "duration_s": 1800.0}
        for i in (1, 2)
    ]
    write_table(tmp_path / "licensed.parquet", "licensed", rows)
    (tmp_path / "dataset.json").write_text(json.dumps({"clips": {"train": 300, "test": 42}}))
    found = music.of_config(config(), tmp_path, None, None)
    assert (found.tracks, found.hours, found.clips) == (2, 1.0, 342)


def test_a_folder_without_a_data_set_is_refused(tmp_path):
    with pytest.raises(UserError, match="no released data set"):
        music.of_config(config(), tmp_path, None, None)


def test_unknown_music_has_to_be_said():
    local = {"debian": None, "local": {"folder": "/music", "table": "/music.csv"}}
    with pytest.raises(UserError, match=r"data\.sources\.local: nothing is known .* --tracks and --hours"):
        music.of_config(config(data={"sources": local}), None, None, None)
    given = music.of_config(config(data={"sources": local}), None, 10, 1.0)
    assert (given.tracks, given.hours) == (10, 1.0)
    with pytest.raises(UserError, match="give both"):
        plan.run(None, [ROOT / "config.yaml"], None, 10, None, None, 1, 2, 0.0, None, False)


def test_an_unknown_gpu_is_refused_with_those_that_there_are():
    with pytest.raises(UserError, match="--gpu abacus: not known; there are rtx3090"):
        rates.gpu("abacus")
