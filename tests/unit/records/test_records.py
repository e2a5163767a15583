"""Records: what counts is what can be computed anew, within its track's rules, and better than the last one."""

import json
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
import torch
from tiny_records import (
    ARTISTS,
    COMMIT,
    MACHINE,
    SPEC,
    WORSE,
    change_release,
    check,
    edit,
    make,
    opened,
    release_anew,
    tiny_config,
    write_captions,
    write_code,
    write_data,
    write_runs,
)

from ssmttm.config import ROOT, load_config
from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file, write_json
from ssmttm.models.checkpoint import load_model, save_model
from ssmttm.records import tracks
from ssmttm.records.data import read_data
from ssmttm.records.entry import earlier, hash_of, read_record, read_records, sealed
from ssmttm.records.table import NONE, shown_on, table, write_into
from ssmttm.stages import record
from ssmttm.tables import read_table, write_table


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set, runs of two designs on it, and a record of each, of which the second is better."""
    root = tmp_path_factory.mktemp("records")
    folder, config = write_data(root / "data"), tiny_config()
    contents = content_of(folder, config)
    data = opened(folder, config, contents)
    worse = write_runs(root / "runs", folder, "worse", WORSE)
    better = write_runs(root / "runs", folder, "better")
    first = make(root / "records" / "laptop-0001-worse.json", worse, data, config)
    second = make(root / "records" / "laptop-0002-better.json", better, data, config)
    return SimpleNamespace(**locals())


def content_of(folder, config):
    """What the data set holds, as the message on an unknown one says."""
    with pytest.raises(UserError, match="add that it holds") as refused:
        opened(folder, config, {})
    return {"tiny-1": str(refused.value).split()[-1]}


@pytest.fixture
def copied(made, tmp_path):
    """The second record and its runs in a folder of their own, to tamper with."""
    shutil.copytree(made.root / "records", tmp_path / "records")
    runs = [shutil.copytree(run, tmp_path / "runs" / run.name) for run in made.better]
    return SimpleNamespace(path=tmp_path / "records" / made.second.name, runs=runs)


def refusal(made, copied, pattern, data=None, config=None, checkout=None):
    with pytest.raises(UserError, match=pattern) as refused:
        check(copied.path, copied.runs, data or made.data, config or made.config, checkout)
    return str(refused.value)


def test_an_entry_says_what_its_runs_files_say(made):
    entry = read_record(made.second).entry
    assert [run["seed"] for run in entry["runs"]] == [1, 2, 3]
    for run, folder in zip(entry["runs"], made.better, strict=True):
        rows = read_table(folder / "likelihoods.parquet", "likelihoods").to_pylist()
        assert run["losses"] == pytest.approx({row["clip_id"]: row["first"] for row in rows}, abs=1e-6)
        assert run["model_sha256"] == sha256_file(folder / "model.safetensors")
        assert (run["commit"], run["machine"], run["core_minutes"]) == (COMMIT, MACHINE, 0.2)
    mean = sum(sum(run["losses"].values()) for run in entry["runs"]) / (3 * ARTISTS)
    assert entry["loss"] == pytest.approx(mean, abs=1e-5) and entry["low"] < mean < entry["high"]
    assert entry["spec_sha256"] == hash_of(entry["spec"]) and "seed" not in entry["spec"]


def test_the_first_counts_and_the_next_one_if_it_is_better(made):
    assert "the first of its track" in check(made.first, made.worse, made.data, made.config)
    said = check(made.second, made.better, made.data, made.config)
    assert float(re.search(r"([\d.]+) nats below laptop-0001-worse.json", said)[1]) > 0
    assert float(re.search(r"p = ([\d.e-]+)", said)[1]) < tracks.LEVEL


@pytest.mark.parametrize(("runs", "why"), [("worse", "higher"), ("better", "0.0000 nats")])
def test_what_is_worse_or_the_same_does_not_count(made, copied, runs, why):
    copied.runs = getattr(made, runs)
    copied.path = make(copied.path.with_name("laptop-0003-again.json"), copied.runs, made.data, made.config)
    assert why in refusal(made, copied, "doesn't beat laptop-0002-better.json")


def put(*path, to):
    def change(entry):
        at = entry
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to

    return change


def all_lower(entry):
    for run in entry["runs"]:
        run["losses"] = {clip: loss - 0.002 for clip, loss in run["losses"].items()}
    for key in ("loss", "low", "high"):
        entry[key] -= 0.002


def spec(change):
    def tamper(entry):
        change(entry["spec"])
        entry["spec_sha256"] = hash_of(entry["spec"])

    return tamper


RUN = ("runs", 0)
TAMPERED = {
    "all losses lower": (all_lower, r"run better-1: losses: clip test\d\d has .* by its model"),
    "a clip left out": (put(*RUN, "losses", to=lambda losses: dict(list(losses.items())[1:])), "lacks clip test00"),
    "a clip more": (put(*RUN, "losses", "other", to=1.0), "has clip other"),
    "the mean": (put("loss", to=1.0), "loss says 1.000000, but the losses by clip make"),
    "the interval": (put("low", to=0.5), "low says 0.500000"),
    "FLOPs": (put(*RUN, "flops", to=lambda flops: flops / 2), "better-1: flops says .* but 7 steps of"),
    "steps": (put(*RUN, "steps", to=6), r"better-1: steps is 6, but .*manifest.json says 7"),
    "parameters": (put("parameters", to=7), "parameters says 7, but its spec makes a model of"),
    "core parameters": (put("core_parameters", to=7), "core_parameters says 7"),
    "core minutes": (put(*RUN, "core_minutes", to=0.1), "core_minutes is 0.1"),
    "the machine": (put(*RUN, "machine", "cpu", to="another"), "machine is .*another.* but"),
    "data version": (put("data", "version", to="other-1"), "data.version: it is of data set other-1"),
    "data content": (put("data", "content", to="0" * 64), "data.content: it is of data set 000000000000"),
    "dataset.json": (put("data", "release", to="0" * 64), "data.release says 000000000000"),
    "metric": (put("metric", to=2), "metric: its losses are of version 2"),
    "format": (put("format", to=2), "format 2 is not that of a record here"),
    "model hash": (put(*RUN, "model_sha256", to="0" * 64), "model_sha256 says 000000000000"),
    "one seed twice": (put("runs", 1, "seed", to=1), "seed 1 is there twice"),
    "a gap": (put("runs", 2, "seed", to=4), "seeds 1, 2, 4: they go from 1 on"),
    "two seeds": (put("runs", to=lambda runs: runs[:2]), "of 2 seeds, and 3 are needed"),
    "one name twice": (put("runs", 1, "run", to="better-1"), "two of its runs have one name"),
    "another run": (put(*RUN, "run", to="absent"), "none of the folders has run absent"),
    "commit": (put(*RUN, "commit", to="0" * 40), r"commit is 0{40}, but .*manifest.json says 1234"),
    "fingerprint": (put(*RUN, "fingerprint", to="0"), "fingerprint is 0, but"),
    "spec hash": (put("spec_sha256", to="0" * 64), "spec_sha256 says 000000000000"),
    "spec": (spec(put("training", "learning_rate", to=0.5)), "spec: its training.learning_rate isn't what .*model"),
    "a spec without a model": (spec(put("model", to={})), "spec: model: 'd_model' is a required property"),
    "a spec of no model": (spec(put("variant", "mixer", to="none")), "isn't what .*model.safetensors says"),
    "a spec of other data": (spec(put("data", "seconds", to=2.0)), "spec.data.seconds: not as in"),
    "budget": (spec(put("budget", to={"flops": 1e30})), "spec: its budget.*isn't what"),
    "row": (
        put("row", to={"variant": "prefix-simba", "size": "base", "budget": "flops", "overrides": ""}),
        "row: by config.yaml it has another budget",
    ),
    "another track's name": (put("track", to="free"), "track is 'free', but the file's name says 'laptop'"),
    "name": (put("name", to="<b> |"), "name '<b> |': letters, digits"),
    "date": (put("date", to="2026-13-01"), "date '2026-13-01' is none"),
    "a key more": (put("more", to=1), "'more' was unexpected"),
    "a text for a loss": (put(*RUN, "losses", "test00", to="1"), "'1' is not of type 'number'"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_tampered_with_is_refused_with_its_reason(made, copied, what):
    change, pattern = TAMPERED[what]
    edit(copied.path, change)
    message = refusal(made, copied, pattern)
    assert copied.path.name in message and "\n" not in message.replace("\na record is made by", "")


def test_an_edited_file_is_told_by_its_seal_and_by_numbers_that_are_none(made, copied):
    whole = copied.path.read_text()
    copied.path.write_text(whole.replace('"name": "laptop-0002-better"', '"name": "laptop"'))
    refusal(made, copied, "was edited: sha256 says")
    copied.path.write_text(re.sub(r'"loss": [\d.]+', '"loss": NaN', whole))
    refusal(made, copied, "numbers that are not finite")
    copied.path.write_text(whole[:-100])
    refusal(made, copied, "not valid JSON")


def other_weights(path):
    shutil.copyfile(path.parents[1] / "better-2" / path.name, path)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-10]), "truncated or damaged"),
        (lambda path: path.write_bytes(b""), "truncated or damaged"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)), "not safetensors; pickled"),
        (other_weights, "spec: its seed isn't what"),
    ],
)
def test_a_model_that_is_another_one_is_refused_also_with_its_own_hash(made, copied, change, pattern):
    path = copied.runs[0] / "model.safetensors"
    change(path)
    refusal(made, copied, "run better-1: model_sha256 says")
    edit(copied.path, put(*RUN, "model_sha256", to=sha256_file(path)))
    refusal(made, copied, pattern)


def test_one_model_under_several_seeds_is_refused(made, copied):
    """Also where its file, the manifest and the record say another seed each."""
    model, origin = load_model(copied.runs[0] / "model.safetensors")
    for seed, folder in enumerate(copied.runs, start=1):
        save_model(folder / "model.safetensors", model, origin | {"spec": origin["spec"] | {"seed": seed}})
        (folder / "likelihoods.parquet").write_bytes((copied.runs[0] / "likelihoods.parquet").read_bytes())
    remade(made, copied)
    refusal(made, copied, "better-2: its model has the losses of run better-1 on every clip")


def test_losses_that_are_no_numbers_are_refused(made, copied):
    path = copied.runs[0] / "model.safetensors"
    model, origin = load_model(path)
    with torch.no_grad():
        model.heads[0].weight.fill_(3e38)
    save_model(path, model, origin)
    edit(copied.path, put(*RUN, "model_sha256", to=sha256_file(path)))
    refusal(made, copied, "better-1/model.safetensors: its losses are not finite")
    manifest = (copied.runs[0] / "manifest.json").read_text()
    (copied.runs[0] / "manifest.json").write_text(manifest.replace('"seconds": 12.0', '"seconds": NaN'))
    refusal(made, copied, "better-1/manifest.json: seconds or device_hours that are not finite")


def test_a_run_without_model_or_manifest_is_refused(made, copied):
    (copied.runs[0] / "manifest.json").write_text("{}")
    refusal(made, copied, "better-1/manifest.json: .*'run' is a required property")
    (copied.runs[0] / "model.safetensors").unlink()
    refusal(made, copied, "better-1: no trained run")


def of_all(copied, **changes):
    """Changes manifests, and the record with them."""
    for folder in copied.runs:
        write_json(folder / "manifest.json", read_json(folder / "manifest.json") | changes)


def remade(made, copied):
    copied.path = make(copied.path, copied.runs, made.data, made.config)


@pytest.mark.parametrize("commit", ["1234567", COMMIT + "+changes", "x" * 40])
def test_a_commit_has_to_be_a_full_hash(made, copied, commit):
    of_all(copied, commit=commit)
    remade(made, copied)
    refusal(made, copied, f"commit '{re.escape(commit)}' is not the full hash")


def test_a_commit_has_to_be_in_the_repository_if_there_is_one(made, copied, tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Start"], check=True)
    refusal(made, copied, "commit 123456789012 is not in the repository", checkout=tmp_path)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    of_all(copied, commit=head)
    remade(made, copied)
    assert "counts" in check(copied.path, copied.runs, made.data, made.config, tmp_path)


def test_the_numbers_of_the_tracks_are_the_default_studys():
    config = load_config(ROOT / "config.yaml")
    found = {name: tracks.track_of(name, config) for name in tracks.TRACKS}
    assert found["laptop"].flops == found["quarter"].flops == config["budgets"]["flops"]["flops"]
    assert found["laptop"].core_parameters is None and found["free"].flops is None
    assert 20_000 < found["quarter"].core_parameters < 60_000
    assert found["free"].core_minutes == 30
    assert tracks.track_of("other", config) is None
    assert config["data"]["version"] in tracks.CONTENT


def test_what_takes_more_than_its_track_allows_is_refused(made, copied, monkeypatch):
    config = made.config | {"budgets": made.config["budgets"] | {"flops": {"flops": 1e5}}}
    refusal(made, copied, r"FLOPs, more than track laptop allows, 100000", config=config)
    for track, changes, pattern in (
        ("free", {"device_hours": 16 / 60, "threads": 2}, "32.0 core minutes of training, more than track free"),
        ("free", {"device": "NVIDIA"}, "trained on NVIDIA: track free is for CPUs"),
        ("quarter", {}, "parameters outside embeddings, captions and heads, more than track quarter"),
    ):
        of_all(copied, **changes)
        copied.path = make(copied.path.with_name(f"{track}-0001-x.json"), copied.runs, made.data, made.config)
        monkeypatch.setattr(tracks, "_largest_quarter", lambda _: 1000)
        refusal(made, copied, pattern)


def test_runs_that_differ_in_more_than_the_seed_make_no_entry(made, copied):
    other = write_runs(copied.path.parent / "runs", made.folder, "other", training={**SPEC["training"], "threads": 2})
    with pytest.raises(UserError, match=r"other-3: differs from .*better-1 in training.threads"):
        make(copied.path, [*copied.runs[:2], other[2]], made.data, made.config)
    with pytest.raises(UserError, match="is named twice"):
        make(copied.path, [copied.runs[0]] * 3, made.data, made.config)
    of_all(copied, commit=None)
    with pytest.raises(UserError, match="trained outside of a git checkout"):
        make(copied.path, copied.runs, made.data, made.config)


def test_a_data_set_is_known_by_its_content_whatever_processor_made_it(made, copied, tmp_path):
    folder = shutil.copytree(made.folder, tmp_path / "elsewhere")
    write_code(folder, level=4)  # another codec's last level
    change_release(folder, ml_reserved=0)
    data = opened(folder, made.config, made.contents)
    assert data.sha256 != made.data.sha256
    assert "counts" in check(copied.path, copied.runs, data, made.config)


@pytest.mark.parametrize("what", ["code", "caption", "artist", "version", "file"])
def test_another_data_set_is_refused(made, tmp_path, what):
    folder, pattern = shutil.copytree(made.folder, tmp_path / "other"), "holds other music, splits, captions or codes"
    if what == "code":
        write_code(folder, level=1)
    elif what == "caption":
        rows = read_table(folder / "captions" / "0.parquet", "captions").to_pylist()
        write_captions(folder, {row["clip_id"]: row["caption"].replace("test00", "x") for row in rows})
    elif what == "artist":
        rows = read_table(folder / "splits.parquet", "splits").to_pylist()
        rows[-1]["artist"] = "another"
        write_table(folder / "splits.parquet", "splits", rows)
        release_anew(folder, "splits.parquet")
    elif what == "version":
        settings = json.loads((folder / "dataset.json").read_text())["settings"] | {"version": "tiny-2"}
        change_release(folder, settings=settings)
        pattern = "data set tiny-2, but records are of the default study's, tiny-1"
    else:
        (folder / "splits.parquet").write_bytes(b"")
        pattern = "not the file that was released"
    with pytest.raises(UserError, match=pattern):
        opened(folder, made.config, made.contents)


def test_numbers_of_records_go_from_one_on_and_each_is_one_records(made, copied):
    for name, pattern in (
        ("laptop-0002-other.json", r"number 0002 of track laptop is taken by .*; the next one is laptop-0003"),
        ("laptop-0004-other.json", "has 2 records of track laptop before it"),
        ("laptop-0000-other.json", "no name of a record"),
        ("other.json", "no name of a record"),
    ):
        with pytest.raises(UserError, match=pattern):
            earlier(copied.path.with_name(name), copied.path.parent)
    assert [one.number for one in earlier(copied.path, copied.path.parent)] == [1]
    assert not earlier(copied.path.with_name("free-0001-a.json"), copied.path.parent)


def test_records_of_other_data_are_not_compared_with(made, copied):
    edit(copied.path.with_name(made.first.name), put("data", "content", to="0" * 64))
    assert "the first of its track" in check(copied.path, copied.runs, made.data, made.config)


def test_the_table_has_the_best_of_each_track_first(made, copied):
    entry = json.loads(copied.path.read_text())
    write_json(copied.path.with_name("free-0001-other.json"), sealed(entry | {"track": "free", "name": "other"}))
    lines = table(read_records(copied.path.parent)).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[:3] for row in cells] == [
        ["laptop", "1", "laptop-0002-better"],
        ["laptop", "2", "laptop-0001-worse"],
        ["free", "1", "other"],
    ]
    assert cells[0][3] == f"{entry['loss']:.4f} [{entry['low']:.4f}, {entry['high']:.4f}]"
    assert cells[0][6:] == ["0.2", "Any &#124; CPU, 2 cores", "2026-11-29"]
    assert len({len(row) for row in cells}) == 1


def test_the_readme_has_the_table_of_the_records_that_there_are():
    assert shown_on((ROOT / "README.md").read_text(encoding="utf-8")) == table(read_records(ROOT / "records")), (
        "run ssmttm record table --into README.md"
    )
    assert table([]) == NONE


def test_a_page_gets_the_table_between_its_marks_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- records -->\nold\n<!-- /records -->\nb\n")
    write_into(page, "new")
    assert page.read_text() == "a\n<!-- records -->\nnew\n<!-- /records -->\nb\n"
    page.write_text("a\n")
    with pytest.raises(UserError, match="has no place for the table"):
        write_into(page, "new")


def test_the_commands_make_check_and_show_a_record(made, tmp_path, monkeypatch, ssmttm):
    monkeypatch.setattr(record, "default_study", lambda: made.config)
    monkeypatch.setitem(tracks.CONTENT, "tiny-1", made.contents["tiny-1"])
    monkeypatch.setattr(record.checking, "_has_commit", lambda *_: True)
    out = tmp_path / "records" / "laptop-0001-a.json"
    common = ["--data", str(made.folder), "--records", str(out.parent), "--device", "cpu"]
    words = ["record", "make", *map(str, reversed(made.better)), "--name", "a", "--track", "laptop"]
    status, said, _ = ssmttm(*words, "--out", str(out), *common)
    assert status == 0 and "the first of its track" in said
    checked = ["record", "check", str(out), "--runs", str(made.root / "runs"), *common]
    assert ssmttm(*checked)[:2] == (0, said)
    assert "| laptop | 1 | a |" in ssmttm("record", "table", "--records", str(out.parent))[1]
    status, _, message = ssmttm(*words, "--out", str(out.with_name("laptop-0002-b.json")), *common)
    assert status == 2 and "doesn't beat laptop-0001-a.json" in message and len(list(out.parent.iterdir())) == 1
    assert ssmttm(*words, "--out", str(out.with_name("free-0001-b.json")), *common)[0] == 2
    out.write_text("{}")
    status, _, message = ssmttm(*checked)
    assert status == 2 and message.startswith(f"ssmttm: {out}: format None")


def test_the_default_data_set_is_read_by_the_hash_that_stands_in_the_rules(made, monkeypatch):
    monkeypatch.setitem(tracks.CONTENT, "tiny-1", made.contents["tiny-1"])
    assert read_data(made.folder, made.config).content == made.contents["tiny-1"]
