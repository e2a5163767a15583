"""The rules hold declarations and one command each; targets, presets and profiles plan what they say."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ssmttm.config import load_config
from ssmttm.run_table import read_runs
from ssmttm.spec import RESERVED

from .conftest import ROOT, jobs

RULES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
PRESETS = sorted(p.parent.name for p in (ROOT / "workflow" / "presets").glob("*/config.yaml"))


def rules() -> dict[str, str]:
    """The text of every rule that has a command."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
    text = re.sub(
        r"^for .*EVALUATIONS.*:\n\n    rule:\n        name:\n            name\n", "rule evaluate:\n", text, flags=re.M
    )
    parts = re.split(r"^rule (\w+):\n", text, flags=re.MULTILINE)[1:]
    bodies = [re.split(r"^\S", body, maxsplit=1, flags=re.MULTILINE)[0] for body in parts[1::2]]
    return {name: body for name, body in zip(parts[::2], bodies) if "shell:" in body}


def test_no_rule_holds_logic():
    for path in RULES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(run|script|notebook|wrapper|checkpoint|if|else|elif)\b.*:$", text, re.MULTILINE), (
            path
        )
        if path.name != "common.smk":
            assert not re.search(r"^(def|import|from)\b", text, re.MULTILINE), path


@pytest.mark.parametrize("name", ["train", "refiner", "vocoder"])
def test_where_a_curve_is_watched_is_no_parameter_that_would_retrain(name):
    parameters = rules()[name].partition("params:")[2].partition("shell:")[0]
    assert "logger" in rules()[name] and "logger" not in parameters
    assert "{resources.logger}" in rules()[name]


def test_the_snakefile_only_names_parts():
    text = (ROOT / "Snakefile").read_text(encoding="utf-8")
    assert re.findall(r"^\w+", text, re.MULTILINE).count("rule") == 1
    assert not re.search(r"\b(def|if|for|lambda)\b", text)


@pytest.mark.parametrize("name", sorted(rules()))
def test_a_rule_is_one_command_with_log_settings_and_resources(name):
    body = rules()[name]
    embed = r"\{params\.program\} embed"
    command = {"embed": embed, "embed_training": embed, "page": "ssmttm report"}
    command |= {"vocoder": "ssmttm vocoder train", "vocoder_splits": "ssmttm splits", "vocoder_codec": "ssmttm codec"}
    command |= {"tune_trial": "ssmttm tune trial", "rates": "ssmttm tune rates"}
    command = command.get(name, f"ssmttm {name}")
    assert re.search(rf'shell:\n\s+"{command} ', body), "the command is the stage of the same name"
    assert "{log:q} 2>&1" in body or "2>&1 | tee {log:q}" in body
    for directive in ("log:", "params:", "mem_mb=", "runtime="):
        assert directive in body
    assert "spec=" in body or name in ("statistics", "environment"), "whatever a stage takes from the config is tracked"
    assert not re.search(
        r"\{(?!threads|wildcards|params\.shards|params\.program|resources\.(?:logger|gpu|nodes))[\w.]+\}",
        body.split("shell:")[1],
    ), "paths are quoted"


def test_rule_names_are_reserved():
    assert set(rules()) <= RESERVED


def test_stages_after_the_data_set_carry_a_fingerprint_and_data_stages_none():
    data = set(
        re.findall(r"^rule (\w+):", (ROOT / "workflow/rules/data.smk").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert {name for name, body in rules().items() if "code=" not in body} == data


def test_lint_and_format_are_clean(fresh):
    done = fresh.snakemake("--lint")
    assert done.returncode == 0, done.stdout
    formatted = subprocess.run(
        [shutil.which("snakefmt", path=str(Path(sys.executable).parent)), "--check", "Snakefile", "workflow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert formatted.returncode == 0, formatted.stderr


def test_a_runs_name_builds_only_that_run(fresh):
    run = "prefix-simba-base-flops-1"
    plan = fresh.plan(run)
    assert {job for job in plan if job.startswith(("train", "evaluate"))} == {f"train {run}", f"evaluate {run}"}
    assert "baselines" in plan, "which it is scored against"
    assert not {"report laptop", "page", "compare laptop"} & plan


def test_a_studys_name_builds_its_comparison_and_its_page(fresh):
    plan = fresh.plan("laptop")
    assert {"compare laptop", "report laptop"} <= plan
    assert "page" not in plan
    assert {job.split()[1] for job in plan if job.startswith("train")} == set(
        read_runs(load_config(ROOT / "config.yaml"), ROOT)
    )


def test_planning_needs_no_torch(fresh, tmp_path):
    (tmp_path / "torch.py").write_text('raise ImportError("torch was imported while planning")\n', encoding="utf-8")
    done = fresh.snakemake("--dry-run", path=str(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_plan_their_own_runs(fresh, preset):
    overlay = f"workflow/presets/{preset}/config.yaml"
    config = load_config(ROOT / "config.yaml", ROOT / overlay)
    plan = fresh.plan("--configfile", overlay)
    assert {job.split()[1] for job in plan if job.startswith(("train", "borrow"))} == set(read_runs(config, ROOT))
    assert f"index {config['data']['version']}" in plan


def test_a_dry_run_is_a_summary_unless_it_is_asked_for_every_job(clone):
    preset = ("--configfile", "workflow/presets/paper/config.yaml")
    done = clone.snakemake("--dry-run", *preset)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) < 70
    assert re.search(r"^train +31$", done.stdout, re.MULTILINE)
    assert "-n -p shows every job" in done.stdout
    assert len(clone.plan(*preset)) > 1000


def test_another_working_folder_takes_the_results(fresh, tmp_path):
    done = fresh.snakemake("--dry-run", "--configfile", "config.yaml", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert not (fresh.folder / "results").exists()


EVERYTHING = """
evaluation:
  prompts: {set: table, captions: captions.csv, audio: references}
  systems: {other: {folder: audio}}
  musicgen: {model: weights}
  embedders: [musicnn, vggish]
  models: {vggish: vggish.safetensors}
  packages: [frechet_audio_distance]
"""
"""Settings that bring every rule but those of the vocoder into the plan."""
VOCODER = "workflow/presets/vocoder/config.yaml"
ON_GPUS = ("train", "refiner", "tune_trial", "musicgen", "evaluate", "embed", "codec_quality")
ON_GPUS += ("baselines", "code_models")
"""Rules to which the profile for SLURM gives a GPU, and how the names of their kin begin; and `vocoder` itself."""
SHARING_GPUS = ("tokens", "text")
"""Those several of whose jobs share one."""


def test_prompts_of_another_set_wait_for_its_references_and_other_systems_are_scored(clone):
    (clone.folder / "over.yaml").write_text(EVERYTHING, encoding="utf-8")
    (clone.folder / "captions.csv").write_text("id,caption\na,slow piano\n", encoding="utf-8")
    plan = clone.plan("--configfile", "over.yaml")
    version = load_config(ROOT / "config.yaml")["data"]["version"]
    assert {"reference_clips table", "prompts", f"external {version} other", f"musicgen {version}"} <= plan
    scored = {job.split()[1] for job in plan if job.startswith("score")}
    assert {f"baselines/{version}/{name}" for name in ("other", "musicgen")} == scored
    assert not {"reference_clips table", f"musicgen {version}"} & clone.plan("--configfile", "config.yaml")


def test_a_changed_file_of_another_system_takes_only_that_system_over_again(project):
    (project.folder / "audio").mkdir()
    (project.folder / "audio" / "a.wav").write_text("audio", encoding="utf-8")
    (project.folder / "over.yaml").write_text("evaluation:\n  systems: {other: {folder: audio}}\n", encoding="utf-8")
    plan = project.plan("--configfile", "over.yaml")
    assert {job.split()[0] for job in plan} >= {"external", "embed", "score", "compare"}
    assert not any(job.startswith(("train", "evaluate", "baselines", "code_models", "prompts")) for job in plan)


def test_the_slurm_profile_asks_for_gpus_memory_and_time_and_names_no_partition(clone):
    (clone.folder / "over.yaml").write_text(EVERYTHING, encoding="utf-8")
    (clone.folder / "captions.csv").write_text("id,caption\na,slow piano\n", encoding="utf-8")
    profile = ("--workflow-profile", "workflow/profiles/slurm")
    blocks = []
    over = ("--configfile", "over.yaml")
    for targets in (("all", "study-stages", *over), ("tune", *over), ("vocoder", "--configfile", VOCODER)):
        done = clone.snakemake("--dry-run", "--printshellcmds", *profile, *targets)
        assert done.returncode == 0, done.stdout
        blocks += re.split(r"^ *rule ", done.stdout, flags=re.MULTILINE)[1:]
    seen = set()
    for block in blocks:
        if not re.search(r"^ *log: ", block, re.MULTILINE):
            continue  # a target that only collects, which isn't submitted
        name = block.split(":", 1)[0]
        resources = dict(re.findall(r"(\w+)=([^,\s]+)", re.search(r"^ *resources: (.*)$", block, re.MULTILINE)[1]))
        assert int(resources["mem_mb"]) >= 500, "SLURM refuses less"
        assert int(resources["runtime"]) > 0
        assert "slurm_partition" not in resources
        gpus = resources.get("gpu", "0"), resources.get("gres", "")
        if name in SHARING_GPUS:
            assert gpus == ("0", "gpu:1"), name
        else:
            assert gpus == ("1" if name == "vocoder" or name.startswith(ON_GPUS) else "0", ""), name
        seen.add(name)
    assert set(rules()) <= seen


def test_the_slurm_profile_leaves_the_users_own_defaults_alone(clone):
    """A profile's default-resources would hide those of the user's own, where accounts and partitions stand."""
    own = clone.folder / "own"
    own.mkdir()
    (own / "config.yaml").write_text(
        "default-resources: {slurm_account: ours, slurm_partition: short}\n", encoding="utf-8"
    )
    profiles = ("--profile", "own", "--workflow-profile", "workflow/profiles/slurm")
    done = clone.snakemake("--dry-run", "--printshellcmds", *profiles, "results/claims.json")
    assert done.returncode == 0, done.stdout
    assert re.search(r"resources: .*slurm_account=ours, slurm_partition=short", done.stdout), done.stdout


def test_every_line_of_the_profiles_settings_is_explained():
    text = (ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.match(r"^[a-z-]+: \S", line):
            assert "#" in line, line


def test_hundreds_of_shards_are_planned_in_seconds(clone):
    """55,000 tracks are 400 shards, not 55,000 jobs."""
    clone.set("shards", 400)
    started = time.monotonic()
    plan = clone.plan()
    assert time.monotonic() - started < 60
    assert sum(job.startswith("clips") for job in plan) == 400
    assert len(plan) > 2000


def test_a_failing_job_shows_its_message(project):
    done = project.snakemake("--force", "results/studies/laptop/comparison.parquet")
    assert done.returncode != 0
    assert re.search(r"^\s*ssmttm: results/\S+: ", done.stdout, re.MULTILINE), done.stdout
    assert "Traceback" not in done.stdout
    assert "rule compare" in done.stdout
    assert jobs(done.stdout) == {"compare laptop"}
