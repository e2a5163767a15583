"""Every reason for which an entry doesn't count: what it says is computed anew, and held against its track's rules."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch

from ssmttm.config import ROOT
from ssmttm.errors import UserError
from ssmttm.records.comparison import Losses, lead_of, loss_of
from ssmttm.records.data import Data
from ssmttm.records.entry import Entry, Record, RunEntry, hash_of
from ssmttm.records.runs import (
    MODEL,
    Counted,
    check_origin,
    check_spec,
    count,
    losses_of,
    model_sha256,
    read_manifest,
    stated,
)
from ssmttm.records.tracks import LEAST_SEEDS, LEVEL, METRIC, TOLERANCE, TRACKS, Track, track_of
from ssmttm.settings import Config, RunSpec
from ssmttm.spec import canonical_json, differences, run_spec
from ssmttm.statistics.clustered import Estimate
from ssmttm.wording import counted

_AGAIN = "make the record from the runs again"
ALIKE = ("variant", "model", "budget")
"""What a row of the run table says of a spec, beside settings of training, which its learning rate is among."""


def check(
    record: Record,
    data: Data,
    folders: Mapping[str, Path],
    before: Sequence[Record],
    config: Config,
    device: torch.device,
    checkout: Path = ROOT,
) -> str:
    """What is right about a record, in a sentence or two; UserError with the first reason for which it doesn't count.

    `folders` are those of its runs by their names, `before` the records of its track that came before it, `config` is
    the default study's, and `checkout` the folder in whose git repository the commit is looked for, if it is in one.
    """
    entry, where = record.entry, str(record.path)
    track = _check_rules(entry, where, config)
    _check_data(entry, where, data)
    _check_seeds(entry, where)
    specs = _check_spec(entry, where, data, config)
    found = [_folder(folders, run["run"], where) for run in entry["runs"]]
    for run, spec, folder in zip(entry["runs"], specs, found, strict=True):
        _check_run(run, spec, folder, entry, where, data)
    _check_code(entry, where, checkout)
    _check_counts(entry, where, count(specs[0], data, where))
    _check_budget(entry, where, track)
    losses = _recomputed(entry, where, specs, found, data, device)
    whole = _check_loss(entry, where, data)
    return f"{where}: counts: {_words(whole)}{_lead(record, losses, before, data)}"


def _check_rules(entry: Entry, where: str, config: Config) -> Track:
    if entry["metric"] != METRIC:
        raise UserError(
            f"{where}: metric: its losses are of version {entry['metric']}, and records here of version {METRIC}, "
            f"which mean something else; {_AGAIN}"
        )
    track = track_of(entry["track"], config)
    if track is None:
        raise UserError(f"{where}: no track {entry['track']!r}; there are {', '.join(TRACKS)}")
    return track


def _check_data(entry: Entry, where: str, data: Data) -> None:
    stated = entry["data"]
    if stated["version"] != data.version or stated["content"] != data.content:
        key = "version" if stated["version"] != data.version else "content"
        theirs, ours = stated[key][:12], (data.version if key == "version" else data.content)[:12]  # type: ignore[literal-required]
        raise UserError(
            f"{where}: data.{key}: it is of data set {theirs}, and {data.folder}, the default study's, is {ours}; "
            "losses on other music, splits, captions or codes can't be compared: train on the default study's data set"
        )


def _check_seeds(entry: Entry, where: str) -> None:
    seeds = [run["seed"] for run in entry["runs"]]
    if len(seeds) < LEAST_SEEDS:
        raise UserError(f"{where}: of {len(seeds)} seeds, and {LEAST_SEEDS} are needed; train the others, too")
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise UserError(f"{where}: seed {twice} is there twice; every run of an entry has a seed of its own")
    if seeds != list(range(1, len(seeds) + 1)):
        raise UserError(
            f"{where}: seeds {', '.join(map(str, seeds))}: they go from 1 on, in their order and without gaps, so that "
            f"none are picked by their results; train seeds 1 to {len(seeds)}"
        )
    if len({run["run"] for run in entry["runs"]}) < len(seeds):
        raise UserError(f"{where}: two of its runs have one name; each is a training of its own")


def _check_spec(entry: Entry, where: str, data: Data, config: Config) -> list[RunSpec]:
    """The specs of the runs, seed by seed."""
    if (found := hash_of(entry["spec"])) != entry["spec_sha256"]:
        raise UserError(
            f"{where}: spec_sha256 says {entry['spec_sha256'][:12]}, but the spec has {found[:12]}; {_AGAIN}"
        )
    specs = [check_spec(entry["spec"], run["seed"], data, where) for run in entry["runs"]]
    row = entry["row"]
    if row is not None:
        named = run_spec(config, {**row, "seed": specs[0]["seed"]}, f"{where}: row")
        theirs, ours = ({key: spec[key] for key in ALIKE} for spec in (named, specs[0]))  # type: ignore[literal-required]
        if differing := differences(theirs, ours):
            raise UserError(
                f"{where}: row: by config.yaml it has another {', '.join(differing[:4])} than the spec; {_AGAIN}"
            )
    return specs


def _folder(folders: Mapping[str, Path], run: str, where: str) -> Path:
    if run not in folders:
        raise UserError(f"{where}: runs: none of the folders has run {run}; name the folder of all its runs (--runs)")
    return folders[run]


def _check_run(run: RunEntry, spec: RunSpec, folder: Path, entry: Entry, where: str, data: Data) -> None:
    """Check what an entry says of one run against the run's model and manifest."""
    at = f"{where}: run {run['run']}"
    manifest = read_manifest(folder)
    if (found := model_sha256(folder)) != run["model_sha256"]:
        raise UserError(
            f"{at}: model_sha256 says {run['model_sha256'][:12]}, but {folder / MODEL} has {found[:12]}: it is another "
            "model, or was changed; put back the one that the record is of"
        )
    check_origin(folder, spec, data, at)
    for key, value in stated(manifest).items():
        if run[key] != value:  # type: ignore[literal-required]
            raise UserError(
                f"{at}: {key} is {_short(run[key])}, but {folder / 'manifest.json'} says {_short(value)}; {_AGAIN}"  # type: ignore[literal-required]
            )
    if differing := differences(manifest["spec"], dict(spec)):
        raise UserError(
            f"{at}: spec: another {', '.join(differing[:4])} than in {folder / 'manifest.json'}; put back the run's own"
        )
    if manifest["dataset"]["sha256"] != entry["data"]["release"]:
        raise UserError(
            f"{at}: data.release says {entry['data']['release'][:12]}, but it was trained on the data set whose "
            f"dataset.json has {manifest['dataset']['sha256'][:12]}; {_AGAIN}"
        )


def _check_code(entry: Entry, where: str, checkout: Path) -> None:
    if len({run["fingerprint"] for run in entry["runs"]}) > 1:
        raise UserError(f"{where}: its runs were trained by different code (fingerprint); train them by the same")
    for commit in dict.fromkeys(run["commit"] for run in entry["runs"]):
        if not re.fullmatch(r"[0-9a-f]{40}", commit or ""):
            raise UserError(
                f"{where}: commit {commit!r} is not the full hash of one: the code that trained it can't be found "
                "again; commit what is changed, and train from there"
            )
        if not _has_commit(checkout, commit):
            raise UserError(
                f"{where}: commit {commit[:12]} is not in the repository of {checkout}; fetch it (git fetch), or train "
                "from a commit that is there"
            )


def _has_commit(checkout: Path, commit: str) -> bool:
    """Whether the git repository of `checkout` has it; True where that is in none, or there is no git."""

    def git(*words: str) -> bool | None:
        try:
            command = ["git", "-C", str(checkout), *words]
            return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return None

    return git("rev-parse", "--git-dir") is not True or git("cat-file", "-e", f"{commit}^{{commit}}") is not False


def _check_counts(entry: Entry, where: str, found: Counted) -> None:
    for key in ("parameters", "core_parameters"):
        stated, right = entry[key], getattr(found, key)
        if stated != right:
            raise UserError(f"{where}: {key} says {stated:,}, but its spec makes a model of {right:,}; {_AGAIN}")
    for run in entry["runs"]:
        at, steps = f"{where}: run {run['run']}", found.steps or run["steps"]
        if run["steps"] != steps:
            raise UserError(f"{at}: took {run['steps']:,} steps, but its spec's budget is {steps:,}; {_AGAIN}")
        flops = steps * found.flops_per_step
        if abs(run["flops"] - flops) > 1e-9 * flops:
            raise UserError(
                f"{at}: flops says {run['flops']:.6g}, but {steps:,} steps of {found.flops_per_step:.6g} are "
                f"{flops:.6g}; {_AGAIN}"
            )


def _check_budget(entry: Entry, where: str, track: Track) -> None:
    called = f"more than track {track.name} allows"
    if track.core_parameters is not None and entry["core_parameters"] > track.core_parameters:
        raise UserError(
            f"{where}: {entry['core_parameters']:,} parameters outside embeddings, captions and heads, {called}, "
            f"{track.core_parameters:,}; make a smaller model, or enter another track"
        )
    for run in entry["runs"]:
        at = f"{where}: run {run['run']}"
        if track.flops is not None and run["flops"] > track.flops:
            raise UserError(
                f"{at}: {run['flops']:.6g} FLOPs, {called}, {track.flops:g}; train under a smaller budget, or enter "
                "another track"
            )
        if track.core_minutes is not None and run["device"] != "cpu":
            raise UserError(f"{at}: trained on {run['device']}: track {track.name} is for CPUs; train on one")
        if track.core_minutes is not None and run["core_minutes"] > track.core_minutes:
            raise UserError(
                f"{at}: {run['core_minutes']:.1f} core minutes of training, {called}, {track.core_minutes:g}; train "
                "for a shorter time"
            )


def _recomputed(
    entry: Entry, where: str, specs: Sequence[RunSpec], folders: Sequence[Path], data: Data, device: torch.device
) -> list[dict[str, float]]:
    """The losses by clip as the models have them, checked against those that are stated."""
    clips = data.clips(specs[0]["model"]["codebooks"])
    found: list[dict[str, float]] = []
    for run, spec, folder in zip(entry["runs"], specs, folders, strict=True):
        at, given = f"{where}: run {run['run']}", run["losses"]
        if other := sorted(set(given) ^ set(data.test)):
            missing = "lacks" if other[0] in data.test else "has"
            raise UserError(
                f"{at}: losses: {missing} clip {other[0]}; {counted(len(other), 'clip')} not as in the split "
                f"test; {_AGAIN}"
            )
        losses = losses_of(folder, spec, clips, device)
        worst = max(losses, key=lambda clip: abs(losses[clip] - given[clip]))
        if abs(losses[worst] - given[worst]) > TOLERANCE:
            raise UserError(
                f"{at}: losses: clip {worst} has {losses[worst]:.6f} nats per code by its model, and the record says "
                f"{given[worst]:.6f}; another processor changes less than {TOLERANCE:g}; {_AGAIN}"
            )
        if losses in found:
            twin = entry["runs"][found.index(losses)]["run"]
            raise UserError(f"{at}: its model has the losses of run {twin} on every clip: it is no training of its own")
        found.append(losses)
    return found


def _check_loss(entry: Entry, where: str, data: Data) -> Estimate:
    """Check the loss and its interval against the losses by clip."""
    whole = loss_of([run["losses"] for run in entry["runs"]], data)
    for key, value in (("loss", whole.mean), ("low", whole.low), ("high", whole.high)):
        if value is None:
            raise UserError(f"{where}: the split test has one artist and track, so a loss has no interval")
        if abs(entry[key] - value) > 1e-5:  # type: ignore[literal-required]
            raise UserError(
                f"{where}: {key} says {entry[key]:.6f}, but the losses by clip make {value:.6f}; {_AGAIN}"  # type: ignore[literal-required]
            )
    return whole


def _lead(record: Record, losses: Losses, before: Sequence[Record], data: Data) -> str:
    """What it beats, in words; UserError if it doesn't beat the last record that is of the same losses."""
    alike = [one for one in before if one.entry["metric"] == METRIC and one.entry["data"]["content"] == data.content]
    if not alike:
        return ", the first of its track"
    last = alike[-1]
    held = [run["losses"] for run in last.entry["runs"]]
    if any(set(of_seed) != set(data.test) for of_seed in held):
        raise UserError(f"{last.path}: has losses of other clips than the split test; put back the record as it was")
    lead = lead_of(losses, held, data)
    p_value = cast(float, lead.p_value)
    if lead.mean <= TOLERANCE or p_value >= LEVEL:
        raise UserError(
            f"{record.path}: doesn't beat {last.path.name}: its loss is {abs(lead.mean):.4f} nats "
            f"{'lower' if lead.mean > 0 else 'higher'}, p = {p_value:.2g}; it counts if it is lower by more than "
            f"{TOLERANCE:g}, which rounding stays below, with p below {LEVEL:g}, by clip over artists and "
            f"{lead.seeds} seeds"
        )
    return f", {lead.mean:.4f} nats below {last.path.name} (p = {p_value:.2g})"


def _words(found: Estimate) -> str:
    return f"loss {found.mean:.4f} [{found.low:.4f}, {found.high:.4f}] over {found.seeds} seeds"


def _short(value: Any) -> str:
    """A value in a message."""
    text = value if isinstance(value, str) else canonical_json(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
