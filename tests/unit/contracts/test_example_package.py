"""The example package, installed by pip without a network, through the real commands and by its own tests."""

import json
import os
import subprocess
import sys

import pytest
from plugin_packages import EXAMPLE, ROOT

from ssmttm.config import ROOT as PROJECT
from ssmttm.config import load_config, merge, validate_config
from ssmttm.files import read_json
from ssmttm.models.checkpoint import load_model
from ssmttm.spec import canonical_json, run_spec, stage_spec
from ssmttm.tables import read_table

OVERLAY = {
    "data": {
        "version": "example-1",
        "shards": 1,
        "sources": {"debian": None, "tones": {"tracks": 6, "seconds": 13, "artists": 3}},
        "codec": {"name": "cosines", "codebooks": 2, "codebook_size": 32},
        "text": {"encoder": "word_hashes"},
        "captions": {"style": "sentence", "tags": 0},
    },
    "variants": {"prefix-gru": {"mixer": "min_gru", "feedforward": "gelu", "conditioning": "prefix"}},
    "sizes": {"tiny": {"layers": {"prefix-gru": 2}}},
    "budgets": {"steps": {"iterations": 12}},
    "evaluation": {"embedders": ["band_levels"], "metrics": ["centroid", "frechet"]},
}
SMOKE = PROJECT / "workflow" / "presets" / "smoke" / "config.yaml"
ROW = {"variant": "prefix-gru", "size": "tiny", "budget": "steps", "seed": 1, "overrides": ""}


@pytest.fixture
def config(example, use):
    use(example)
    smoke = load_config(PROJECT / "config.yaml", SMOKE)
    return validate_config(merge(smoke, OVERLAY))


def test_from_its_source_to_a_trained_model_of_its_mixer(config, ssmttm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "results" / "data" / "example-1"

    def run(command: str, *words: object, spec: object = None) -> None:
        given = canonical_json(stage_spec(config, command) if spec is None else spec)
        status, _, message = ssmttm(*command.split(), *map(str, words), "--spec", given)
        assert status == 0, f"{command}: {message}"

    cache, threads = ("--cache", tmp_path / "cache"), ("--threads", 1)
    index, licensed, splits = (data / f"{name}.parquet" for name in ("index", "licensed", "splits"))
    audio, clips, captions = (data / name / "0.parquet" for name in ("audio", "clips", "captions"))
    prints, codec, tokens = (
        data / "fingerprints" / "0.parquet",
        data / "codec.safetensors",
        data / "tokens" / "0.parquet",
    )
    run("index", "--out", index, *cache)
    run("license", "--index", index, "--licensed", licensed, "--rejected", data / "rejected.parquet", "--attribution",
        data / "ATTRIBUTION.md")  # fmt: skip
    run("audio", "--licensed", licensed, "--shard", 0, "--shards", 1, "--out", audio, "--rejected",
        data / "audio" / "0.rejected.parquet", *cache)  # fmt: skip
    run("clips", "--audio", audio, "--out", clips, "--fingerprints", prints, "--rejected",
        data / "clips" / "0.rejected.parquet")  # fmt: skip
    run("duplicates", "--fingerprints", prints, "--licensed", licensed, "--out", data / "duplicates.parquet")
    run(
        "splits", "--clips", clips, "--licensed", licensed, "--duplicates", data / "duplicates.parquet", "--out", splits
    )
    run("captions", "--clips", clips, "--licensed", licensed, "--out", captions, *cache)
    run("codec", "--clips", clips, "--splits", splits, "--out", codec, *threads)
    run("tokens", "--clips", clips, "--codec", codec, "--out", tokens, *threads)
    run("text", "--captions", captions, "--out", data / "text" / "0.parquet", *threads)
    run("release", "--folder", data, "--out", data / "dataset.json", spec=config["data"])
    run("train", "--run", "gru", "--data", data, "--out", tmp_path / "run", "--device", "cpu", *threads,
        spec=run_spec(config, ROW, "row"))  # fmt: skip

    release, manifest = read_json(data / "dataset.json"), read_json(tmp_path / "run" / "manifest.json")
    assert release["codec"].startswith("cosines:") and release["text_encoder"].startswith("word_hashes:")
    assert (
        release["plugins"]
        == {"ssmttm-example": "0.1.0"}
        == {name: version for name, version in manifest["packages"].items() if name.startswith("ssmttm")}
    )
    model, _ = load_model(tmp_path / "run" / "model.safetensors")
    assert type(model.blocks[0].mixer).__module__ == "ssmttm_example.min_gru"
    losses = read_table(tmp_path / "run" / "curve.parquet", "curve")["loss"].to_pylist()
    assert len(losses) == 12 and losses[-1] < losses[0]
    status, _, message = ssmttm("generate", "--model", str(tmp_path / "run"), "--prompt", "chords", "--seconds", "1",
                                "--out", "a.wav", "--spec", canonical_json(config["generation"]),
                                "--codec", str(codec))  # fmt: skip
    assert status == 0, message


def test_its_own_tests_pass_and_name_each_contract(example):
    path = os.pathsep.join([str(ROOT), str(example)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", "-v", str(EXAMPLE / "tests")],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    for part in ("mixers:min_gru:test_outputs_depend_on_no_later_input", "codecs:cosines:test_any_length_goes_there"):
        assert part in done.stdout


def test_it_is_listed_and_described(config, ssmttm, tmp_path):
    status, output, _ = ssmttm("plugin", "list")
    assert status == 0 and len(output.splitlines()) == 6
    assert "mixers        min_gru             ssmttm-example 0.1.0" in output
    (tmp_path / "over.yaml").write_text(json.dumps(OVERLAY))
    files = [
        PROJECT / "config.yaml",
        PROJECT / "workflow" / "presets" / "smoke" / "config.yaml",
        tmp_path / "over.yaml",
    ]
    options = [word for path in files for word in ("--config", str(path))]
    status, output, message = ssmttm("describe", "prefix-gru", "--size", "tiny", *options)
    assert status == 0 and "min_gru" in output, message
