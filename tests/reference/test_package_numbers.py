"""What the workflow gets from the packages in their environment: their numbers of tiny weights, beside ours."""

import importlib.util
import json
import sys

import pytest
import scored_systems
from tiny_embedders import laion_checkpoint, pann, vggish

from ssmttm.errors import UserError
from ssmttm.evaluation.packages.comparison import Package
from ssmttm.evaluation.packages.environment import RECORD, imported
from ssmttm.files import write_json

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("frechet_audio_distance") is None, reason="make reference-metrics installs and runs this"
)


def environment(folder, package):
    """This environment as the workflow would have made it for `package`."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    write_json(folder / RECORD, {"package": package, "pins": "0" * 64} | imported(package, folder))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    weights, tokenizer = laion_checkpoint(folder)
    clap = {"weights": str(weights), "tokenizer": str(tokenizer)}
    return {"vggish": str(vggish(folder)), "pann": str(pann(folder)), "clap": clap}


@pytest.fixture(scope="module")
def systems(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    made = scored_systems.make_audio(folder)
    for embedder in models:
        scored_systems.score(made, embedder, models, folder / "cache")
    return made


def ask(package, embedders, models, systems, tmp_path, **changed):
    settings = {"environment": tmp_path / package, "references": systems["codec"].parent, "cache": tmp_path / "cache"}
    if not settings["environment"].exists():
        environment(settings["environment"], package)
    return Package(package, threads=1, seed=1, **(settings | changed)).compare(
        embedders, models, list(systems.values())
    )


def test_frechet_audio_distance_scores_every_system_by_every_embedder(models, systems, tmp_path):
    found = ask("frechet_audio_distance", list(models), models, systems, tmp_path)
    assert found["version"] == "0.3.4" and list(found["backends"]) == list(models)
    numbers = {(row["embedder"], row["system"], row["reference"]): row for row in found["numbers"]}
    assert len(numbers) == len(models) * len(systems) * 2
    for (embedder, system, reference), row in numbers.items():
        assert row["difference"] == row["theirs"] - row["ours"]
        if system == reference:
            assert row["ours"] == 0 and abs(row["theirs"]) < 1e-2
        elif embedder == "vggish":  # more windows than dimensions: the same distance
            assert row["theirs"] == pytest.approx(row["ours"], rel=1e-3) and row["ours"] > 0
    # Six clips have no covariance of full rank in the dimensions of these two: the package's root is inexact there.
    for embedder in ("clap", "pann"):
        row = numbers[embedder, "run", "codec"]
        assert row["theirs"] == pytest.approx(row["ours"], rel=0.1), row


def test_laion_clap_has_our_cosines(models, systems, tmp_path):
    found = ask("laion_clap", ["clap"], models, systems, tmp_path)
    assert found["version"] == "1.1.7"
    assert [(row["system"], row["reference"]) for row in found["numbers"]] == [(s, "captions") for s in systems]
    for row in found["numbers"]:
        assert row["theirs"] == pytest.approx(row["ours"], abs=1e-4) and -1 < row["theirs"] < 1
    assert len({round(row["theirs"], 5) for row in found["numbers"]}) > 1


def test_a_second_time_nothing_is_embedded_again(models, systems, tmp_path):
    first = ask("laion_clap", ["clap"], models, systems, tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")}
    assert len(kept) == 18
    assert json.dumps(ask("laion_clap", ["clap"], models, systems, tmp_path)) == json.dumps(first)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npy")} == kept


def test_a_collapsed_text_encoder_is_refused(systems, tmp_path):
    weights, tokenizer = laion_checkpoint(tmp_path, collapsed=True)
    models = {"clap": {"weights": str(weights), "tokenizer": str(tokenizer)}}
    with pytest.raises(UserError, match=r"hardly tells captions apart: .* of 6 different ones is (0\.99|1\.00)"):
        scored_systems.score(systems, "clap", models, tmp_path / "cache")
