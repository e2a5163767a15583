"""Our metrics, text encoders and sources keep their contracts; other kinds are tried in their own rooms."""

import csv

import pytest
import soundfile

from ssmttm.choices import METRICS
from ssmttm.contracts.checks import checks
from ssmttm.contracts.holding import music


@pytest.mark.parametrize("check", list(map(str, checks("metrics", "frechet"))))
@pytest.mark.parametrize("name", METRICS)
def test_metrics(name, check):
    {str(one): one for one in checks("metrics", name)}[check]()


@pytest.mark.parametrize("check", list(map(str, checks("text_encoders", "minilm"))))
def test_minilm(check):
    {str(one): one for one in checks("text_encoders", "minilm")}[check]()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for number in range(3):
        soundfile.write(folder / f"{number}.flac", music(12.0, seed=number), 24000)
    with open(folder / "table.csv", "w", newline="") as f:
        csv.writer(f).writerows([("file", "license"), *((f"{n}.flac", "CC0-1.0") for n in range(3))])
    return folder


@pytest.mark.parametrize("check", list(map(str, checks("sources", "local"))))
def test_the_source_of_a_folder(folder, check):
    settings = {"folder": str(folder), "table": str(folder / "table.csv")}
    {str(one): one for one in checks("sources", "local", settings)}[check]()
