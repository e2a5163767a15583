"""What a user gets from the whole workflow, on real CC music."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from safetensors.numpy import load_file

from ssmttm.audio.coded import decode_audio
from ssmttm.choices import BASELINES
from ssmttm.tables import read_table, read_tables

from .conftest import PRESET, ROOT, RUNS, SAID, snakemake, ssmttm

RUN = RUNS[0]
SCORES = "scores/final/musicnn.json"


def data(study):
    return study / "results" / "data" / "smoke-3"


def test_every_candidate_is_kept_with_a_license_or_rejected_with_a_reason(study):
    index = read_table(data(study) / "index.parquet", "index")
    licensed = read_table(data(study) / "licensed.parquet", "licensed").to_pylist()
    rejected = read_table(data(study) / "rejected.parquet", "rejected").to_pylist()
    ids = [r["track_id"] for r in licensed] + [r["track_id"] for r in rejected]
    assert sorted(ids) == sorted(index["track_id"].to_pylist())
    assert {r["license"] for r in licensed} == {"CC-BY-SA-3.0", "LicenseRef-public-domain"}
    attribution = (data(study) / "ATTRIBUTION.md").read_text()
    assert all(r["title"] in attribution for r in licensed)


def test_clips_are_level_mono_and_of_one_length(study):
    clips = read_tables(sorted((data(study) / "clips").glob("[0-9].parquet")), "clips").to_pylist()
    assert len(clips) > 8
    for clip in clips:
        wave, rate = decode_audio(clip["audio"]["bytes"])
        assert (len(wave), rate) == (6 * 24000, 24000)
        assert 0.01 < np.abs(wave).max() <= 1.0


def test_no_artist_is_in_two_splits(study):
    rows = read_table(data(study) / "splits.parquet", "splits").to_pylist()
    of_artist = {}
    for row in rows:
        of_artist.setdefault(row["artist"], set()).add(row["split"])
    assert all(len(s) == 1 for s in of_artist.values())
    assert {row["split"] for row in rows} == {"train", "validation", "test"}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_has_its_curve_and_its_manifest(study, run):
    folder = study / "results" / "runs" / run
    curve = read_table(folder / "curve.parquet", "curve").to_pylist()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(curve) == manifest["steps"] == 20
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert curve[-1]["flops"] == pytest.approx(manifest["flops_spent"])
    assert not (folder / "state").exists()


def systems(study):
    return [study / "results" / "runs" / r for r in RUNS] + [
        study / "results" / "baselines" / "smoke-3" / b for b in BASELINES
    ]


def test_every_system_answers_every_prompt_and_every_score_is_a_number(study):
    prompts = read_table(data(study) / "prompts.parquet", "captions")["clip_id"].to_pylist()
    for folder in systems(study):
        generated = read_table(folder / "generated" / "final.parquet", "generated").to_pylist()
        assert sorted(r["clip_id"] for r in generated) == sorted(prompts)
        metrics = json.loads((folder / SCORES).read_text())["metrics"]
        assert {"frechet", "frechet_infinity", "kernel", "kl", "text_audio", "diversity"} < set(metrics)
        for entry in (entry for score in metrics.values() for entry in score["entries"]):
            assert all(math.isfinite(entry[k]) for k in ("value", "low", "high"))
            assert entry["n"] == len(prompts)


@pytest.mark.parametrize("run", RUNS)
def test_a_checkpoint_is_scored_like_the_finished_model(study, run):
    folder = study / "results" / "runs" / run
    tables = [read_table(folder / "generated" / f"{name}.parquet", "generated") for name in ("0.5", "final")]
    early, final = (table.to_pylist() for table in tables)
    assert [r["clip_id"] for r in early] == [r["clip_id"] for r in final]
    assert [r["audio"]["bytes"] for r in early] != [r["audio"]["bytes"] for r in final]
    progress = pd.read_parquet(study / "results" / "studies" / "smoke" / "progress.parquet").query("run == @run")
    stages = 2 if (folder / "refiner.json").exists() else 1
    assert list(progress["steps"].unique()) == [10 * stages, 20 * stages]


def test_the_page_compares_one_stage_with_two(study):
    folder = study / "results" / "runs" / "smoke-two-stages"
    record = json.loads((folder / "generated" / "final.json").read_text())
    assert (record["stages"], record["clips"], record["audio_seconds"]) == (2, 4, pytest.approx(24))
    stages = pd.read_parquet(study / "results" / "studies" / "smoke" / "stages.parquet")
    two = stages.query("stages == 2 and checkpoint == 'final' and metric == 'frechet' and reference == 'codec'")
    assert list(two["against"]) == ["prefix-simba"] and two["difference"].notna().all()
    assert "One stage and two" in (study / "results" / "report.html").read_text()


def test_figures_stand_beside_the_tables(study):
    figures = study / "results" / "studies" / "smoke" / "figures"
    drawn = sorted(figures.glob("*.svg"))
    assert drawn and all(path.read_text(encoding="utf-8").startswith("<svg") for path in drawn)
    assert sorted(figures.glob("*.csv"))


def test_generated_audio_sounds(study):
    for run in RUNS:
        for row in read_table(
            study / "results" / "runs" / run / "generated" / "final.parquet", "generated"
        ).to_pylist():
            wave, rate = decode_audio(row["audio"]["bytes"])
            assert len(wave) / rate == pytest.approx(6.0, abs=0.05)
            assert 1e-3 < np.sqrt(np.mean(wave**2)) < 0.5
            assert np.mean(np.abs(wave) >= 0.999) < 0.01


def test_the_report_is_one_file_that_names_every_run_and_its_backends(study):
    own, page = ((study / "results" / name).read_text() for name in ("studies/smoke/report.html", "report.html"))
    assert all('<meta name="study" content="smoke">' in text for text in (own, page))
    assert all(run in page for run in RUNS)
    assert "musicnn" in page
    assert "<audio" in page


def test_the_run_ends_with_the_answers_and_where_the_page_is(study):
    said = (study / SAID).read_text(encoding="utf-8")
    assert said.count("- A state-space model learns more than a Transformer from the same computation: ") == 1
    assert said.rindex("The page: results/report.html") > said.index("- Two stages learn more than one")


def test_a_second_run_has_nothing_to_do(study):
    done = snakemake(study, "results/report.html")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stderr + done.stdout


def training_processes(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"train" in words and b"--run" in words and (process / "cwd").resolve() == folder.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def numbers(run: Path):
    curve = [
        {k: v for k, v in r.items() if k != "seconds"} for r in read_table(run / "curve.parquet", "curve").to_pylist()
    ]
    return curve, load_file(run / "model.safetensors")


def test_training_killed_midway_resumes_to_the_same_numbers(study):
    run = study / "results" / "runs" / RUN
    curve, weights = numbers(run)
    before = shutil.copytree(run, study / "uninterrupted")
    shutil.rmtree(run)
    model = f"results/runs/{RUN}/model.safetensors"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", model, "--configfile", PRESET]
    started = subprocess.Popen(command, cwd=study, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((run / "state").glob("*/state.safetensors")):
        assert started.poll() is None, "training ended before its first state"
        assert time.monotonic() < deadline, "no state after two minutes"
        time.sleep(0.002)
    victims = training_processes(study)
    assert victims, "no training process was found to kill"
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    assert started.wait(120) != 0
    assert not (run / "model.safetensors").exists()
    assert list((run / "state").glob("*/state.safetensors"))

    done = snakemake(study, RUN)
    assert done.returncode == 0, done.stderr[-3000:]
    resumed_curve, resumed_weights = numbers(run)
    assert resumed_curve == curve
    for name, weight in weights.items():
        np.testing.assert_array_equal(resumed_weights[name], weight)
    assert (before / SCORES).read_text() == (run / SCORES).read_text()


def test_a_prompt_by_hand_gives_music_of_the_asked_length(study):
    out = study / "x.wav"
    done = ssmttm(
        study,
        "generate",
        "--model",
        f"results/runs/{RUN}",
        "--prompt",
        "calm piano",
        "--seconds",
        "7.5",
        "--out",
        str(out),
    )
    assert done.returncode == 0, done.stderr
    wave, rate = soundfile.read(out)
    assert len(wave) / rate == pytest.approx(7.5, abs=1e-3)
    assert np.abs(wave).max() > 1e-3


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 10_000])
def test_a_bad_prompt_is_one_message_and_no_file(study, prompt):
    out = study / "bad.wav"
    done = ssmttm(study, "generate", "--model", f"results/runs/{RUN}", "--prompt", prompt, "--out", str(out))
    assert done.returncode == 2
    assert "prompt" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert not out.exists()


def test_a_run_that_was_not_trained_is_one_message(study):
    done = ssmttm(study, "generate", "--model", "results/runs/nothing", "--prompt", "piano", "--out", "x.wav")
    assert done.returncode == 2
    assert "no trained model" in done.stderr


def test_the_notebook_opens_the_study(study, monkeypatch):
    cells = json.loads((ROOT / "examples" / "study.ipynb").read_text(encoding="utf-8"))["cells"]
    shared = {"__name__": "notebook"}
    monkeypatch.chdir(study)
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            text = "".join(cell["source"]).replace('"laptop"', '"smoke"')
            exec(compile(text.replace("prefix-simba-base-flops-1", "smoke-two-stages"), "notebook", "exec"), shared)
    assert len(shared["curves"]) and set(RUNS) <= set(shared["losses"]["system"])
    assert np.isfinite(shared["own"]).all() and not np.array_equal(shared["own"], shared["null"])
    assert set(shared["clips"]) == {"smoke-two-stages", "codec"}
