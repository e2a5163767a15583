"""Published packages in a whole study: their environments made by the workflow, their numbers on its page.

Each environment takes 2 GB and minutes, so this runs with SSMTTM_PACKAGES=1 only: `make reference-metrics` sets it.
"""

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import PRESET, ROOT, RUNS, snakemake

sys.path.insert(0, str(ROOT / "tests" / "unit" / "support"))

pytestmark = pytest.mark.skipif(
    os.environ.get("SSMTTM_PACKAGES") != "1", reason="make reference-metrics runs this: it installs 4 GB"
)
PACKAGES = {"frechet_audio_distance": ("0.3.4", {"vggish", "pann", "clap"}), "laion_clap": ("1.1.7", {"clap"})}


@pytest.fixture(scope="module")
def overlay(tmp_path_factory) -> Path:
    """The smoke preset with both packages and tiny weights."""
    from tiny_embedders import laion_checkpoint, pann, vggish

    folder = tmp_path_factory.mktemp("weights")
    weights, tokenizer = laion_checkpoint(folder)
    evaluation = {
        "embedders": ["musicnn", "vggish", "pann", "clap"],
        "models": {
            "vggish": str(vggish(folder)),
            "pann": str(pann(folder)),
            "clap": {"weights": str(weights), "tokenizer": str(tokenizer)},
        },
        "metrics": ["frechet", "text_audio", "clap"],
        "packages": list(PACKAGES),
    }
    (folder / "packages.yaml").write_text(yaml.safe_dump({"evaluation": evaluation}))
    return folder / "packages.yaml"


def test_the_page_has_the_packages_numbers_beside_ours(study, overlay):
    configs = (PRESET, overlay)
    done = snakemake(study, "results/report.html", configs=configs, timeout=3600)
    assert done.returncode == 0, done.stderr[-6000:]
    page = (study / "results" / "report.html").read_text(encoding="utf-8")
    for package, (version, embedders) in PACKAGES.items():
        found = json.loads((study / "results" / "studies" / "smoke" / "packages" / f"{package}.json").read_text())
        assert (found["version"], set(found["backends"])) == (version, embedders)
        assert {row["system"] for row in found["numbers"]} > {*RUNS, "originals", "codec", "noise", "bigram"}
        assert f"{package} {version}" in page
        for row in found["numbers"]:
            if row["embedder"] == "vggish" and row["system"] not in ("originals", "codec"):
                assert row["theirs"] == pytest.approx(row["ours"], rel=0.05, abs=1e-6)  # resampy and soxr; roots
            if package == "laion_clap":
                assert row["theirs"] == pytest.approx(row["ours"], abs=2e-3)  # librosa resamples
    assert "Nothing to be done" in snakemake(study, "results/report.html", configs=configs).stderr
