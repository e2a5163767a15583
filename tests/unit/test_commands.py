"""Every command, given what isn't there or isn't what it should be, ends with a message: never with a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from ssmttm import __version__, threads
from ssmttm.cli import app
from ssmttm.config import load_config
from ssmttm.spec import stage_spec

ROOT = Path(__file__).resolve().parents[2]
WORDS = {  # options that take one of some names, or that are needed though typer can't know it
    ("baseline", "name"): "codec",
    ("trivial", "name"): "bigram",
    ("embed", "embedder"): "musicnn",
    ("score", "embedder"): "musicnn",
    ("environment", "package"): "laion_clap",
    ("packages", "package"): "laion_clap",
    ("audio", "shard"): "0",
    ("audio", "shards"): "1",
    ("train", "run"): "prefix-simba-base-flops-1",
    ("borrow", "run"): "prefix-simba-base-flops-1",
    ("refiner train", "name"): "refine-unet-1",
    ("tune trial", "name"): "prefix-simba-base-flops-1",
    ("archive keep", "hours"): "0.5",
    ("record make", "track"): "laptop",
}
CLIPS = load_config(ROOT / "config.yaml")["data"]["clips"]
DESIGN = dict.fromkeys(("variant", "size", "budget", "overrides", "data", "settings"), "x")
SPECS = {  # of what the default study doesn't have
    "external": {"system": {"folder": "audio"}, "clips": CLIPS},
    "musicgen": {"musicgen": {"model": "models/musicgen-small"}, "seed": 1, "clips": CLIPS},
    "tune rates": {
        "designs": [{**DESIGN, "trials": [{"learning_rate": 0.1, "seed": 1, "file": "x"}]}],
        "command": "snakemake tune",
    },
    "reference_clips": stage_spec(load_config(ROOT / "config.yaml"), "reference_clips")
    | {"set": {"set": "table", "captions": "captions.csv", "audio": "audio"}},
}
ELSEWHERE = {"reference_clips": "captions.csv"}  # what else is named where many things are missing
ASKED = {  # one of several ways to ask
    "embed": ["generated"],
    "likelihood": ["model"],
    "generate": ["prompt"],
    "license": ["index", "licensed", "rejected", "attribution"],
    "license explain": ["index", "track"],
}
WRITTEN = {"out", "rejected", "licensed", "attribution", "fingerprints", "facts", "cache", "key", "answers", "record"}
READ = {"duplicates": {"fingerprints", "licensed"}, "splits": {"licensed"}, "captions": {"licensed"}}
READ |= {"audio": {"licensed"}, "reference_clips": {"fingerprints"}, "listen score": {"answers", "key"}}


def commands(group=None, prefix=""):
    """Every command that runs something, by its name."""
    group = group or typer.main.get_command(app)
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{prefix}{name} ")
        if not hasattr(command, "commands") or name == "license":
            found[f"{prefix}{name}"] = command
    return found


COMMANDS = commands()


def is_path(parameter) -> bool:
    return parameter.type_descriptor.is_path or "Path" in str(parameter.type_descriptor.annotation)


def writes(name: str, parameter) -> bool:
    return parameter.name in WRITTEN and parameter.name not in READ.get(name, ())


def words_of(name: str, read: Path, folder: Path) -> list[str]:
    """A command line with all that `name` needs, where each file to read is `read`, and those to write are new."""
    words = name.split()
    for parameter in COMMANDS[name].params:
        if not (parameter.required or parameter.name in ASKED.get(name, ())):
            continue
        if is_path(parameter):
            value = folder / f"{parameter.name}.wav" if writes(name, parameter) else read
            if writes(name, parameter) and name == "generate":
                value = folder / "out.wav"
        elif parameter.name == "reference":
            words += ["--reference", f"originals={read}"]
            value = f"codec={read}"
        else:
            value = WORDS.get((name, parameter.name), "x")
        words += [str(value)] if parameter.param_type_name == "argument" else [parameter.opts[0], str(value)]
    return words + (["--spec", json.dumps(SPECS[name])] if name in SPECS else [])


def takes_files(name: str) -> bool:
    return any(
        is_path(p) and not writes(name, p) and (p.required or p.name in ASKED.get(name, ()))
        for p in COMMANDS[name].params
    )


@pytest.fixture
def refused(ssmttm, monkeypatch, tmp_path):
    """Runs a command line that must fail with one message; returns it. Nothing is written to the folder `new`."""
    monkeypatch.chdir(ROOT)

    def run(*words: str) -> str:
        status, _, message = ssmttm(*words)
        assert status != 0, words
        assert message.strip(), words
        assert "Traceback" not in message
        assert not [p for p in (tmp_path / "new").rglob("*") if p.is_file()]
        return message

    return run


@pytest.fixture(params=["missing", "a folder", "text", "an empty file"])
def bad(request, tmp_path):
    path = tmp_path / "given"
    if request.param == "a folder":
        path.mkdir()
    elif request.param != "missing":
        path.write_text("not what it should be\n" if request.param == "text" else "")
    return path


@pytest.mark.parametrize("name", [name for name in COMMANDS if takes_files(name)])
def test_what_is_not_there_or_something_else_is_one_message(refused, bad, tmp_path, name):
    folder = tmp_path / "new"
    message = refused(*words_of(name, bad, folder))
    assert "given" in message or ELSEWHERE.get(name, "given") in message


@pytest.mark.parametrize("text", ["{}", '{"other": 1}', "[]", "{", '{"hours": NaN}', "no/such.json", "pyproject.toml"])
@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if any(p.name == "spec" for p in c.params)])
def test_settings_that_are_none_are_one_message(refused, tmp_path, name, text):
    if name == "claims" and text == "{}":
        return  # nothing replaces the paper's
    words = [w for w in words_of(name, tmp_path / "given", tmp_path / "new") if not w.startswith("{")]
    message = refused(*[w for w in words if w != "--spec"], "--spec", text)
    assert "--spec" in message or "claims: no setting" in message


@pytest.mark.parametrize("settings", [{"hours": "many"}, {"hours": -1}, {"variants": "prefix-simba"}, {"size": 3}])
def test_claims_of_other_settings_need_the_right_kind(refused, settings):
    message = refused("claims", "--spec", json.dumps(settings))
    assert f"claims: --spec: {next(iter(settings))}" in message


OUTPUTS = [
    (name, parameter.opts[0])
    for name, command in COMMANDS.items()
    for parameter in command.params
    if is_path(parameter) and writes(name, parameter) and parameter.name != "cache"
    if parameter.param_type_name == "option"
]


@pytest.mark.parametrize(("name", "option"), OUTPUTS)
def test_a_place_that_can_not_be_written_is_found_first(refused, tmp_path, name, option):
    (tmp_path / "file").write_text("")
    words = words_of(name, tmp_path / "given", tmp_path / "new")
    if option in words:
        place = words.index(option)
        del words[place : place + 2]
    message = refused(*words, option, str(tmp_path / "file" / "x.wav"))
    assert message == f"ssmttm: {option} {tmp_path}/file/x.wav: can't be written: {tmp_path}/file: Not a directory\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("generate --prompt a --out x.wav --model results/runs/prefix-simba-base-flop-1",
         ["no trained model", "did you mean prefix-simba-base-flops-1"]),
        ("generate --prompt a --out x.wav --model results/runs/prefix-simba-base-flops-1",
         ["train it first: snakemake --cores all prefix-simba-base-flops-1"]),
        ("dataset export --data laptop-3 --out x", ["no released data set", "in results/data there is none"]),
        ("train --run prefix-simba-base-flops-1 --data none --out x", ["--data none: no released data set"]),
        ("train --run prefix-simba-base-flop-1 --data none --out x", ["did you mean prefix-simba-base-flops-1"]),
        ("spec prefix-simba-base-flop-1", ["neither a run, a refiner nor", "did you mean prefix-simba-base-flops-1"]),
        ("spec tokenz", ["neither a run, a refiner nor a stage", "did you mean tokens"]),
        ("spec paper-prefix-simba-base-iters", ["ssmttm spec paper-prefix-simba-base-iters --preset paper"]),
        ("spec tokens --preset papers", ["--preset papers: no such preset"]),
    ],
)  # fmt: skip
def test_what_there_is_instead_is_told(ssmttm, monkeypatch, tmp_path, words, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").symlink_to(ROOT / "config.yaml")
    status, _, message = ssmttm(*words.split())
    assert status == 2
    assert all(part in message for part in expected), message
    assert message.count("\n") == 1


def test_data_sets_and_runs_with_like_names_are_named(ssmttm, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for path in ("results/data/laptop-2/dataset.json", "results/runs/mine-1/model.safetensors"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("{}")
    assert "did you mean laptop-2?" in ssmttm("dataset", "export", "--data", "laptop-3", "--out", "x")[2]
    settings = json.dumps(load_config(ROOT / "config.yaml")["generation"])
    words = ["generate", "--prompt", "a", "--out", "x.wav", "--spec", settings, "--model", "results/runs/mine"]
    assert "did you mean mine-1?" in ssmttm(*words)[2]


def test_the_spec_of_a_presets_run_is_printed(ssmttm, monkeypatch):
    monkeypatch.chdir(ROOT)
    status, output, _ = ssmttm("spec", "paper-prefix-simba-base-iters", "--preset", "paper")
    assert status == 0
    assert json.loads(output)["data"]["codec"]["name"] == "dac"


@pytest.mark.parametrize("module", ["ssmttm", "ssmttm.cli"])
def test_the_program_starts_without_what_only_stages_need(module):
    words = [sys.executable, "-X", "importtime", "-m", module, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    assert "Usage: " in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"numpy", "pandas", "pyarrow", "torch"}


def test_the_version_is_told(ssmttm):
    assert ssmttm("--version")[:2] == (0, f"ssmttm {__version__}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_look_like_flags(ssmttm, name):
    status, output, _ = ssmttm(*name.split(), "--help")
    assert status == 0
    assert "bool" not in output
    assert "--help  " in output


def test_threads_sleep_while_they_wait_when_torch_is_loaded():
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    told = subprocess.run(
        [sys.executable, "-m", "ssmttm", "describe", "prefix-simba"],
        cwd=ROOT,
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stderr
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in told
    assert "GOMP_SPINCOUNT = '0'" in told


def test_the_environment_has_the_last_word_on_waiting(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    threads.wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize("name", ["train", "compare", "report", "dataset export", "listen build", "listen score"])
def test_json_of_something_else_is_one_message(refused, tmp_path, name):
    given = tmp_path / "given"
    given.mkdir()
    for file in ("dataset.json", "manifest.json", "summary.json"):
        (given / file).write_text("{}")
    read = given / "manifest.json" if name == "listen score" else given
    assert "given/" in refused(*words_of(name, read, tmp_path / "new"))
