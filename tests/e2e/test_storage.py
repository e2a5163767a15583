"""A study with its results in S3, begun on one machine and finished on another: two folders, and moto's server."""

import json
import os
import subprocess
import sys

import boto3
import pytest
from made_up_music import write_music
from moto.server import ThreadedMotoServer

from .conftest import ROOT

PAGE = "results/report.html"
MODEL = "results/runs/small/model.safetensors"
KEYS = {"SNAKEMAKE_STORAGE_S3_ACCESS_KEY": "any", "SNAKEMAKE_STORAGE_S3_SECRET_KEY": "any"}


class Bucket:
    """Results in S3."""

    def __init__(self, address: str) -> None:
        key, secret = KEYS.values()
        self.address = address
        self.client = boto3.client(
            "s3", endpoint_url=address, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
        )
        self.client.create_bucket(Bucket="bucket")

    def there(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="bucket")
        return {found["Key"].removeprefix("study/") for page in pages for found in page.get("Contents", ())}

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket="bucket", Key=f"study/{name}")["Body"].read()


@pytest.fixture(scope="module")
def bucket():
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Bucket(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="module")
def machine(tmp_path_factory, bucket):
    """A folder that has the project and the music, and nothing of any other one; a function that makes it."""

    def new(name, *targets, stored=True, over=""):
        folder = tmp_path_factory.getbasetemp() / name
        if not folder.exists():
            write_music(folder)
            for part in ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml"):
                (folder / part).symlink_to(ROOT / part)
            (folder / "study").symlink_to(ROOT / "tests" / "slurm" / "study")
        (folder / "over.yaml").write_text(over or "{}\n", encoding="utf-8")
        storage = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://bucket/study"]
        storage += ["--storage-s3-endpoint-url", bucket.address]
        configs = ["--configfile", "workflow/presets/smoke/config.yaml", "study/config.yaml", "over.yaml"]
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *configs, *(storage if stored else ())]
        return subprocess.run(
            [*command, *(t for t in targets if t[0] == "-"), "--", *(t for t in targets if t[0] != "-")],
            cwd=folder,
            env=os.environ | KEYS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

    return new


@pytest.fixture(scope="module")
def finished(machine, bucket):
    """What the second machine says, which makes the page of what the first one trained."""
    first = machine("first", MODEL)
    assert first.returncode == 0, first.stdout[-6000:]
    assert MODEL in bucket.there()
    second = machine("second", PAGE)
    assert second.returncode == 0, second.stdout[-6000:]
    return second.stdout


def test_the_second_machine_goes_on_where_the_first_one_ended(finished, bucket):
    assert {PAGE, "results/studies/slurm/comparison.csv"} <= bucket.there()
    assert b'<meta name="study" content="slurm">' in bucket.read(PAGE)
    assert "rule evaluate:" in finished
    for rule in ("index", "clips", "tokens", "release", "train"):
        assert f"rule {rule}:" not in finished


def test_a_third_machine_finds_nothing_to_do(finished, machine):
    third = machine("third", PAGE, "--dry-run")
    assert third.returncode == 0, third.stdout
    assert "Nothing to be done" in third.stdout


def test_numbers_are_those_of_results_on_a_disk(finished, machine, bucket, tmp_path_factory):
    local = machine("local", MODEL, stored=False)
    assert local.returncode == 0, local.stdout[-6000:]
    manifest = tmp_path_factory.getbasetemp() / "local" / "results/runs/small/manifest.json"
    stored = json.loads(bucket.read("results/runs/small/manifest.json"))
    assert stored["test_part_losses"] == json.loads(manifest.read_bytes())["test_part_losses"]


def test_a_data_set_in_the_storage_isn_t_used_with_other_settings(finished, machine):
    other = machine("other", PAGE, "--dry-run", over="data: {seed: 2}\n")
    assert other.returncode != 0
    assert "was built with other settings: data.seed" in other.stdout
