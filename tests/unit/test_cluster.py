"""What SLURM is asked before the first job, and what is said where it hasn't what jobs need."""

import time
from types import SimpleNamespace

import pytest
import torch

from ssmttm import cluster
from ssmttm.errors import UserError

TABLE = "long|gpu:a100:4(S:0-1),lscratch:900\nshort*|(null)\nlong|(null)\nvis|craygpu:1\n"
"""As `sinfo --format='%P|%G'` prints it: a line for each kind of node."""
PARTITIONS = {"short": False, "long": True, "vis": False}


def job(rule, **resources):
    return SimpleNamespace(rule=SimpleNamespace(name=rule), resources=resources, threads=1, name=rule, is_local=False)


def settings(**given):
    return SimpleNamespace(**{"partition_config": None, "status_command": "sacct"} | given)


def test_partitions_have_gpus_if_one_kind_of_their_nodes_has_and_the_default_is_first():
    assert cluster.read_partitions(TABLE) == PARTITIONS
    assert next(iter(cluster.read_partitions(TABLE))) == "short"
    assert cluster.read_partitions("only|gpu:2\n") == {"only": True}
    assert cluster.read_partitions("\n") == {}


def test_a_database_of_jobs_is_known_by_its_plugin():
    line = "AccountingStorageTRES   = cpu,mem\nAccountingStorageType   = {}\nAccountingStorageUser   = N/A\n"
    assert cluster.accounts(line.format("accounting_storage/slurmdbd"))
    assert not cluster.accounts(line.format("accounting_storage/none"))
    assert not cluster.accounts(line.format("(null)"))


def test_jobs_go_where_the_executor_sends_them(tmp_path, monkeypatch):
    monkeypatch.delenv("SNAKEMAKE_SLURM_PARTITIONS", raising=False)
    jobs = [job("train", gpu=1, runtime=60), job("claims", gpu=0, runtime=60), job("named", slurm_partition="vis")]
    jobs += [job("elsewhere", slurm_cluster="other", gpu=1), job("by_gres", gres="gpu:a100:1")]
    assert list(cluster.wanted(jobs, settings(), PARTITIONS)) == [
        ("train", "short", True), ("claims", "short", False), ("named", "vis", False), ("by_gres", "short", True),
    ]  # fmt: skip
    file = tmp_path / "partitions.yaml"
    file.write_text(
        "partitions:\n  short: {max_runtime: 100}\n  long: {max_gpu: 4, max_runtime: 200}\n", encoding="utf-8"
    )
    chosen = [("train", "long", True), ("claims", "short", False)]
    assert list(cluster.wanted(jobs[:2], settings(partition_config=file), PARTITIONS)) == chosen
    monkeypatch.setenv("SNAKEMAKE_SLURM_PARTITIONS", str(file))
    assert list(cluster.wanted(jobs[:2], settings(), PARTITIONS)) == chosen


def test_what_fits_is_not_objected_to():
    cluster.check_partitions(
        [("train", "long", True), ("claims", "short", False), ("either", "short,long", True)], PARTITIONS
    )


def test_several_nodes_need_a_task_on_each_and_gpus_for_all():
    told = {"nodes": 2, "tasks": 2, "tasks_per_gpu": 0, "mpi": "srun"}
    cluster.check_nodes(
        [job("claims"), job("train", gpu=4, nodes=1), job("train", gpu=8, **told), job("train", **told)]
    )
    for missing in ({"mpi": None}, {"tasks": None}, {"tasks_per_gpu": None}, {"tasks": 4}):
        with pytest.raises(UserError, match="for train: nodes: 2, tasks: 2, tasks_per_gpu: 0, mpi: srun"):
            cluster.check_nodes([job("train", gpu=8, **told | missing)])
    with pytest.raises(UserError, match="gpu is 3, but GPUs are taken from 2 nodes evenly"):
        cluster.check_nodes([job("train", gpu=3, **told)])


def test_a_partition_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(
        UserError, match=r"claims: .* partition cpu, which this cluster hasn't; it has short, long, vis"
    ):
        cluster.check_partitions([("claims", "cpu", False)], PARTITIONS)


def test_a_partition_without_gpus_is_named_with_those_that_have_some():
    with pytest.raises(UserError, match=r"train: asks for a GPU.* partition short .*GPUs: long\. .*gpu: 0 for train"):
        cluster.check_partitions([("train", "short", True)], PARTITIONS)
    with pytest.raises(UserError, match="no partition has any"):
        cluster.check_partitions([("train", "short", True)], {"short": False})


def test_a_machine_without_slurm_is_told_where_to_start(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"sbatch, sinfo, .* can't be found .* login node"):
        cluster.check_programs()
    for name in ("sbatch", "sinfo", "scontrol", "squeue", "scancel"):
        (tmp_path / name).touch(mode=0o755)
    cluster.check_programs()


def program(folder, name, text):
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def workflow(jobs, name="slurm", remote=False, **given):
    dag = SimpleNamespace(needrun_jobs=lambda: iter(jobs))
    plugin = SimpleNamespace(name=name)
    return SimpleNamespace(remote_exec=remote, executor_plugin=plugin, executor_settings=settings(**given), dag=dag)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A SLURM without a database, of shell scripts."""
    monkeypatch.delenv("SNAKEMAKE_SLURM_PARTITIONS", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name in ("sbatch", "squeue", "scancel"):
        program(tmp_path, name, "exit 1")
    program(tmp_path, "sinfo", "printf 'short*|(null)\\nlong|gpu:2\\n'")
    program(tmp_path, "scontrol", "printf 'AccountingStorageType = accounting_storage/none\\nMinJobAge = 300 sec\\n'")
    return tmp_path


def test_the_queue_is_asked_where_it_remembers_jobs_for_longer_than_snakemake_looks_away(slurm):
    said, flow = [], workflow([job("claims")])
    cluster.check_cluster(flow, said.append)
    assert flow.executor_settings.status_command == "squeue"
    assert len(said) == 1 and "by squeue" in said[0]


def test_what_the_command_line_chooses_is_left(slurm, monkeypatch):
    monkeypatch.setattr("sys.argv", ["snakemake", "--slurm-status-command", "sacct"])
    said, flow = [], workflow([job("claims")])
    cluster.check_cluster(flow, said.append)
    assert (flow.executor_settings.status_command, said) == ("sacct", [])


@pytest.mark.parametrize(
    ("age", "storage", "command", "why"),
    [
        ("300 sec", "slurmdbd", "squeue", "cancelled"),
        ("300 sec", "none", "squeue", "cancelled"),
        ("60 sec", "slurmdbd", "sacct", "after scancel, end Snakemake and start it again"),
        ("60 sec", "none", "squeue", "forgets them after 60 s"),
    ],
)
def test_states_are_asked_by_what_knows_them(age, storage, command, why):
    config = f"AccountingStorageType   = accounting_storage/{storage}\nMinJobAge               = {age}\n"
    chosen, said = cluster.status_command(config)
    assert chosen == command and why in said


def test_a_controller_that_does_not_answer_is_reported_in_its_words(slurm):
    program(slurm, "sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match=r"sinfo .*Unable to contact slurm controller; ask"):
        cluster.check_cluster(workflow([job("claims")]), print)


def test_jobs_are_checked_unless_they_run_here_or_this_is_one_of_them(slurm):
    bad = job("train", gpu=1)
    with pytest.raises(UserError, match="asks for a GPU"):
        cluster.check_cluster(workflow([bad]), print)
    bad.is_local = True
    cluster.check_cluster(workflow([bad]), print)
    bad.is_local = False
    cluster.check_cluster(workflow([bad], name="local"), print)
    cluster.check_cluster(workflow([bad], remote=True), print)


def test_a_granted_gpu_that_torch_does_not_see_is_told_and_no_other(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert cluster.unseen_gpu({}) is None
    assert cluster.unseen_gpu({"SLURM_JOB_ID": "7"}) is None
    granted = {"SLURM_STEP_GPUS": "1", "SLURMD_NODENAME": "n17"}
    assert "granted this job GPU 1 of n17, but torch" in cluster.unseen_gpu(granted)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert cluster.unseen_gpu(granted) is None


def test_a_clock_that_is_off_is_noticed_by_the_time_of_a_new_file(tmp_path, monkeypatch):
    cluster.check_clock(tmp_path)
    now = time.time()
    for wrong, word in ((now - 3600, "behind"), (now + 3600, "ahead of")):
        monkeypatch.setattr(cluster.time, "time", lambda wrong=wrong: wrong)
        with pytest.raises(UserError, match=rf"the clock of \S+ is 60 minutes {word}.*; see docs/slurm.md"):
            cluster.check_clock(tmp_path)
    assert not list(tmp_path.iterdir())
