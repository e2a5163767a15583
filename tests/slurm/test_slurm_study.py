"""A study from its music to its page by sbatch: the same numbers as without, and jobs that got what they asked for."""

import json
import re
from collections import defaultdict

import pytest

from ssmttm.planning import study_of_page
from ssmttm.tables import read_table

from .conftest import GROUPED, GROUPS, Study, slurm_says, until

PAGE = "results/report.html"
TIMED = ("seconds", "wall_seconds")
FIELDS = "JobIDRaw,State,Partition,ReqMem,TimelimitRaw,AllocCPUS,AllocTRES,WorkDir"


@pytest.fixture(scope="module")
def finished(accounting, reference, tmp_path_factory) -> Study:
    """The study, made by SLURM."""
    made = Study(tmp_path_factory.mktemp("by-slurm"))
    for path in reference.folder.iterdir():
        if path.is_symlink() or path.name in ("music", "tracks.csv"):
            (made.folder / path.name).symlink_to(path)
    with made.running(made.submitting(PAGE, *GROUPS, "--slurm-status-command", "sacct")) as running:
        until(lambda: running.poll() is not None, "a page by SLURM", 900)
    assert running.returncode == 0, made.said()[-8000:]
    return made


def test_four_shards_share_a_gpu(accounting, study):
    (study.folder / "shards.yaml").write_text("data: {version: slurm-5, shards: 5}\n", encoding="utf-8")
    data = "results/data/slurm-5"
    clips = [f"{data}/clips/{shard}.parquet" for shard in range(5)]
    study.run([*study.command("--cores", "2", *clips, f"{data}/codec.safetensors"), "shards.yaml"])
    tokens = [f"{data}/tokens/{shard}.parquet" for shard in range(5)]
    with study.running([*study.submitting(*tokens), "shards.yaml"]) as running:
        until(lambda: running.poll() is not None, "tokens by SLURM")
    assert running.returncode == 0, study.said()[-8000:]
    jobs = re.findall(r"SLURM jobid (\d+) \(log: \S*/group_tokens_tokens/", study.said())
    fields = "--format=State,Partition,ReqMem,TimelimitRaw,AllocTRES"
    said = [slurm_says("sacct", "-X", "-n", "-P", f"--jobs={job}", fields).strip() for job in jobs]
    found = [line.split("|") for line in said]
    assert all("gres/gpu=1" in granted for *_, granted in found), said
    assert sorted(line[:4] for line in found) == [
        ["COMPLETED", "gpu", "16000M", "240"],
        ["COMPLETED", "gpu", "4000M", "240"],
    ]
    assert sum(read_table(study.folder / path, "tokens").num_rows for path in tokens) == 12


def curve(study: Study, run: str) -> list[dict[str, object]]:
    rows = read_table(study.folder / "results" / "runs" / run / "curve.parquet", "curve").to_pylist()
    return [{name: value for name, value in row.items() if name not in TIMED} for row in rows]


def test_it_ends_in_its_page(finished):
    assert study_of_page(finished.folder / PAGE) == "slurm"


def test_every_loss_is_that_of_a_run_without_slurm(finished, reference):
    assert len(curve(reference, "small")) == 20
    assert curve(finished, "small") == curve(reference, "small")
    manifests = [study.folder / "results/runs/small/manifest.json" for study in (finished, reference)]
    losses = [json.loads(path.read_text(encoding="utf-8"))["test_part_losses"] for path in manifests]
    assert losses[0] == losses[1]


def test_every_score_is_that_of_a_run_without_slurm(finished, reference):
    found = reference.folder.glob("results/*/**/scores/final/musicnn.json")
    scores = sorted(path.relative_to(reference.folder) for path in found if "evaluated" not in path.parts)
    assert len(scores) == 12
    for path in scores:
        assert json.loads((finished.folder / path).read_text()) == json.loads((reference.folder / path).read_text()), (
            path
        )


def test_the_data_set_is_that_of_a_run_without_slurm(finished, reference):
    released = [json.loads((s.folder / "results/data/slurm-1/dataset.json").read_text()) for s in (finished, reference)]
    assert released[0]["sha256"] == released[1]["sha256"]


def test_jobs_got_the_partition_the_gpu_the_memory_and_the_time_that_the_profile_asks_for(finished):
    said = finished.said()
    of_rule = dict(re.findall(r"SLURM jobid (\d+) \(log: \S*/(?:rule|group)_(\w+?)[/.]", said))
    run = re.search(r"SLURM run ID: (\S+)", said)[1]
    table = slurm_says("sacct", "-X", "--noheader", "--parsable2", f"--name={run}", f"--format={FIELDS}")
    jobs = defaultdict(list)
    for line in table.splitlines():
        number, state, partition, memory, minutes, cores, granted, _ = line.split("|")
        gpus = re.search(r"gres/gpu=(\d+)", granted)
        assert state == "COMPLETED"
        jobs[of_rule[number]].append((partition, int(gpus[1]) if gpus else 0, memory, int(minutes), int(cores)))
    assert jobs["train"] == [("gpu", 1, "32000M", 2880, 1)]
    assert jobs["evaluate"] == [("gpu", 1, "16000M", 480, 1)]
    assert jobs["baselines"] == jobs["code_models"] == [("gpu", 1, "8000M", 240, 1)]
    assert jobs["codec_quality"] == [("gpu", 1, "8000M", 120, 1)]
    assert jobs["prompts"] == jobs["claims"] == jobs["statistics"] == [("cpu", 0, "3000M", 30, 1)]
    groups = {name: found for name, found in jobs.items() if name.partition("_")[0] in GROUPED}
    assert {name.partition("_")[0]: len(found) for name, found in groups.items()} == dict.fromkeys(GROUPED, 1)
    shard = next(found for name, found in groups.items() if name.startswith("shard"))
    assert shard == [("cpu", 0, "4000M", 720, 1)], "one after the other: the larger memory, both times"
