"""Are records that were tampered with refused? Makes 50 of a true one, and prints how many were, each with its reason.

Every edited file is sealed again, but for one: what refuses it has to be what was computed anew. Needs the runs of a
design with three seeds or more, those of a worse one, which the record beats, and their data set.

    python benchmarks/tampered.py results/runs/prefix-simba-base-flops-{1,2,3} --data results/data/laptop-5 \
      --before results/runs/prefix-transformer-base-flops-{1,2,3}
"""

import argparse
import contextlib
import copy
import functools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file, write_json
from ssmttm.records import checking, making
from ssmttm.records.data import read_data
from ssmttm.records.entry import earlier, hash_of, read_record, sealed
from ssmttm.records.tracks import default_study

Tamper = Callable[[dict[str, Any], Path], None]
"""Changes an entry, or its runs' folders, which are in a folder of its own."""

ABSENT = "0123456789abcdef" * 2 + "01234567"


def put(*path: Any, to: Any) -> Tamper:
    """Sets the entry's value at `path`; a function of the old one if `to` is one."""

    def change(entry: dict[str, Any], runs: Path) -> None:
        at: Any = entry
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = to(at[path[-1]]) if callable(to) else to

    return change


def losses(change: Callable[[dict[str, float]], Any], first: bool = False) -> Tamper:
    """Changes the losses by clip of all runs, or of the first one, and what follows from them."""

    def tamper(entry: dict[str, Any], runs: Path) -> None:
        for run in entry["runs"][: 1 if first else None]:
            change(run["losses"])

    return tamper


def lower(by: float) -> Tamper:
    """All losses, and their mean and interval with them."""

    def tamper(entry: dict[str, Any], runs: Path) -> None:
        for run in entry["runs"]:
            run["losses"] = {clip: loss - by for clip, loss in run["losses"].items()}
        for key in ("loss", "low", "high"):
            entry[key] -= by

    return tamper


def one_clip(by: float) -> Tamper:
    def change(of_run: dict[str, float]) -> None:
        of_run[min(of_run)] -= by

    return losses(change, first=True)


def renamed(of_run: dict[str, float]) -> None:
    of_run["another"] = of_run.pop(min(of_run))


def swapped(entry: dict[str, Any], runs: Path) -> None:
    a, b = entry["runs"][:2]
    a["losses"], b["losses"] = b["losses"], a["losses"]


def spec(*path: str, to: Any) -> Tamper:
    """Changes the spec, and its hash with it."""

    def tamper(entry: dict[str, Any], runs: Path) -> None:
        put(*path, to=to)(entry["spec"], runs)
        entry["spec_sha256"] = hash_of(entry["spec"])

    return tamper


def model(change: Callable[[Path], Any], hashed: bool = False) -> Tamper:
    """Changes the first run's model; with `hashed` its hash in the entry, too."""

    def tamper(entry: dict[str, Any], runs: Path) -> None:
        path = runs / entry["runs"][0]["run"] / "model.safetensors"
        change(path)
        if hashed:
            entry["runs"][0]["model_sha256"] = sha256_file(path)

    return tamper


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def weaker(path: Path) -> None:
    """The weights a little smaller, in a file that is otherwise the same."""
    _rewritten(path, 0.9)


def other_spec(path: Path) -> None:
    """The metadata say that it was trained with another seed."""
    _rewritten(path, 1.0, lambda origin: origin["spec"].update(seed=77))


def no_spec(path: Path) -> None:
    _rewritten(path, 1.0, lambda origin: origin.update(spec={}))


def _rewritten(path: Path, factor: float, change: Callable[[dict[str, Any]], Any] = lambda _: None) -> None:
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    origin = json.loads(header["__metadata__"]["ssmttm"])
    change(origin)
    tensors = {name: tensor * factor for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"ssmttm": json.dumps(origin)})


def of_another_seed(entry: dict[str, Any], runs: Path) -> None:
    a, b = (runs / run["run"] / "model.safetensors" for run in entry["runs"][:2])
    shutil.copyfile(b, a)


def copies(entry: dict[str, Any], runs: Path, named: bool = False) -> None:
    """The best run three times, under the others' names and seeds; with `named` its files say their seeds, too."""
    best = min(entry["runs"], key=lambda run: sum(run["losses"].values()))
    content = (runs / best["run"] / "model.safetensors").read_bytes()
    for run in entry["runs"]:
        path, seed = runs / run["run"] / "model.safetensors", run["seed"]
        path.write_bytes(content)
        if named:
            _rewritten(path, 1.0, lambda origin, seed=seed: origin["spec"].update(seed=seed))
        run |= {"losses": dict(best["losses"]), "model_sha256": sha256_file(path)}


def without_the_last(entry: dict[str, Any], runs: Path) -> None:
    entry["runs"] = entry["runs"][:2]


def reordered(entry: dict[str, Any], runs: Path) -> None:
    entry["runs"].reverse()


def manifests(**changes: Any) -> Tamper:
    """Changes every run's manifest, and the entry alike."""

    def tamper(entry: dict[str, Any], runs: Path) -> None:
        for run in entry["runs"]:
            path = runs / run["run"] / "manifest.json"
            write_json(path, read_json(path) | changes)
            run |= changes

    return tamper


def halved_steps(entry: dict[str, Any], runs: Path) -> None:
    for run in entry["runs"]:
        path = runs / run["run"] / "manifest.json"
        manifest = read_json(path)
        run["flops"] = run["flops"] / run["steps"] * (run["steps"] // 2)
        run["steps"] = manifest["steps"] = run["steps"] // 2
        write_json(path, manifest)


def commits() -> dict[str, Tamper]:
    command = ["git", "-C", str(ROOT), "rev-list", "--max-parents=0", "HEAD"]
    root = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    return {
        "another one of the repository": put("runs", 0, "commit", to=root),
        "one that there is not": put("runs", 0, "commit", to=ABSENT),
        "one that there is not, in the manifests, too": manifests(commit=ABSENT),
        "not a full hash, in the manifests, too": manifests(commit=root[:12]),
        "with changes, in the manifests, too": manifests(commit=f"{root}+changes"),
    }


def cases() -> dict[str, dict[str, Tamper]]:
    """Fifty of them, by kind and name."""
    return {
        "losses": {
            "one clip 0.5 nats lower": one_clip(0.5),
            "one clip 0.0011 nats lower": one_clip(0.0011),
            "all clips 0.05 nats lower": lower(0.05),
            "all clips 0.0011 nats lower": lower(0.0011),
            "a clip left out": losses(lambda of_run: of_run.pop(min(of_run))),
            "a clip renamed": losses(renamed),
            "two seeds' losses exchanged": swapped,
            "no number": losses(lambda of_run: of_run.update({min(of_run): float("nan")})),
            "a text": losses(lambda of_run: of_run.update({min(of_run): "0"})),
            "the mean 0.01 nats lower": put("loss", to=lambda loss: loss - 0.01),
            "a narrower interval": put("high", to=lambda high: high - 0.01),
        },
        "FLOPs and parameters": {
            "half of the FLOPs": put("runs", 0, "flops", to=lambda flops: flops / 2),
            "fewer steps": put("runs", 0, "steps", to=lambda steps: steps - 1),
            "half of the steps, in the manifests, too": halved_steps,
            "fewer parameters": put("parameters", to=lambda count: count - 1),
            "fewer core parameters": put("core_parameters", to=lambda count: count // 4),
            "core minutes of another run": put("runs", 0, "core_minutes", to=0.01),
        },
        "data set": {
            "another version": put("data", "version", to="laptop-4"),
            "another dataset.json": put("data", "release", to=lambda sha256: sha256[::-1]),
            "other content": put("data", "content", to=lambda sha256: sha256[::-1]),
            "another version in the spec": spec("data", "version", to="laptop-4"),
            "longer clips in the spec": spec("data", "seconds", to=20.0),
            "shorter captions in the spec": spec("data", "text", "max_tokens", to=8),
        },
        "model bytes": {
            "one bit": model(flipped),
            "truncated": model(lambda path: path.write_bytes(path.read_bytes()[:-1000])),
            "truncated, and its hash": model(lambda path: path.write_bytes(path.read_bytes()[:-1000]), hashed=True),
            "empty, and its hash": model(lambda path: path.write_bytes(b""), hashed=True),
            "a pickle, and its hash": model(lambda path: torch.save({}, path), hashed=True),
            "missing": model(Path.unlink),
            "another seed's": of_another_seed,
            "other weights, and their hash": model(weaker, hashed=True),
            "another seed in its metadata, and its hash": model(other_spec, hashed=True),
            "no spec in its metadata, and its hash": model(no_spec, hashed=True),
        },
        "seeds": {
            "one twice": put("runs", 1, "seed", to=1),
            "a gap": put("runs", 2, "seed", to=7),
            "two alone": without_the_last,
            "in another order": reordered,
            "the best run three times": copies,
            "the best run three times, with seeds in its files": functools.partial(copies, named=True),
        },
        "commit": commits(),
        "rules": {
            "another learning rate": spec("training", "learning_rate", to=0.001),
            "a larger budget": spec("budget", to={"flops": 1e13}),
            "another spec's hash": put("spec_sha256", to=lambda sha256: sha256[::-1]),
            "another version of the metric": put("metric", to=2),
            "a track for smaller models": put("track", to="quarter"),
        },
        "form": {"edited and not sealed": put("loss", to=1.0)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of the record's runs")
    parser.add_argument("--before", type=Path, nargs="+", required=True, help="folders of those of a worse design")
    parser.add_argument("--data", type=Path, required=True, help="their data set")
    options = parser.parse_args()
    torch.set_num_threads(1)
    config = default_study()
    data = read_data(options.data, config)

    def check(path: Path, folders: dict[str, Path]) -> str:
        before = earlier(path, path.parent)
        return checking.check(read_record(path), data, folders, before, config, torch.device("cpu"))

    with tempfile.TemporaryDirectory(prefix="ssmttm-") as scratch:
        root = Path(scratch)
        first, path = (root / "records" / f"laptop-{number:04d}-true.json" for number in (1, 2))
        for file, runs in ((first, options.before), (path, options.runs)):
            folders, today = making.folders_of(runs), date.today().isoformat()
            write_json(file, making.make(folders, data, file.stem, "laptop", today, config, str(file)))
            print(check(file, folders).replace(f"{root}/", ""))
        true = read_json(path)
        outcomes = []
        for kind, tampers in cases().items():
            for name, tamper in tampers.items():
                copies_of_runs = {folder.name: copied(folder, root / "runs" / folder.name) for folder in options.runs}
                entry = copy.deepcopy(true)
                tamper(entry, root / "runs")
                file = written(entry, path, seal=kind != "form")
                try:
                    check(file, copies_of_runs)
                    reason = None
                except UserError as error:
                    reason = str(error).replace(f"{root}/", "").replace("\n", " ")
                file.unlink()
                outcomes.append((kind, name, reason))
    refused = [kind for kind, _, reason in outcomes if reason is not None]
    print(f"\n{len(refused)} of {len(outcomes)} refused\n")
    print("| what was tampered with | records | refused |\n| --- | --- | --- |")
    for kind, tampers in cases().items():
        print(f"| {kind} | {len(tampers)} | {refused.count(kind)} |")
    print()
    for kind, name, reason in outcomes:
        print(f"{kind}: {name}: {reason or 'NOT REFUSED'}")


def copied(folder: Path, target: Path) -> Path:
    """What a check needs of a run's folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in ("model.safetensors", "manifest.json"):
        shutil.copyfile(folder / file, target / file)
    return target


def written(entry: dict[str, Any], path: Path, seal: bool) -> Path:
    """The entry's file, in the place of the true one, or the first of another track; sealed if that can be."""
    if seal:
        with contextlib.suppress(ValueError):  # of what is no number
            entry = dict(sealed(entry))
    path = path if entry["track"] == "laptop" else path.with_name(f"{entry['track']}-0001-true.json")
    path.write_text(json.dumps(entry), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
