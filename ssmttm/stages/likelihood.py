"""Stage `likelihood`: how likely held-out clips are to a trained run, or to a trivial system, clip by clip."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from ssmttm.choices import CODE_MODELS
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.likelihood import of_codes, of_model, read_places
from ssmttm.evaluation.ngrams import fit_code_model
from ssmttm.given import read_release, trained_runs
from ssmttm.models.checkpoint import load_model
from ssmttm.released import Release, check_released
from ssmttm.rows import LikelihoodRow
from ssmttm.settings import RunData, StageSpec
from ssmttm.tables import write_table
from ssmttm.threads import set_threads
from ssmttm.training.data import DataSet, TokenSet, load_splits


def run(
    spec: StageSpec,
    data: Path,
    out: Path,
    model: Path | None = None,
    system: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
) -> None:
    """Write a row for each clip of the splits `test` and `known` of the data set in `data`.

    `model` is a model's file; else `system` is one of `CODE_MODELS`, fitted here to level 1 of the training clips.
    Raises UserError for a model of another codec or text encoder than the data set's.
    """
    if (model is None) == (system is None):
        raise UserError("give either --model, a file of a trained run, or --system, a trivial system")
    release = read_release(data, "codec", "text_encoder")
    check_released(data, ("splits.parquet", "tokens", "text"))
    if model is not None:
        rows = list(_of_model(model, data, release, spec["seed"], device, threads))
    else:
        assert system is not None
        rows = list(_of_system(system, spec, data, release))
    write_table(out, "likelihoods", rows)


def _of_model(
    path: Path, data: Path, release: Release, seed: int, device: str, threads: int | None
) -> Iterator[LikelihoodRow]:
    if not path.is_file():
        raise UserError(f"{path}: no trained model; {trained_runs(path.parent)}")
    model, origin = load_model(path)
    for part in ("codec", "text_encoder"):
        if origin[part] != release[part]:
            raise UserError(
                f"{path}: trained on a data set of {part} {origin[part]}, but {data} is of {release[part]}; "
                f"name the data set {origin['spec']['data']['version']} that it was trained on"
            )
    with claim_device(device, threads) as place:
        torch.use_deterministic_algorithms(place.type == "cpu")
        model = model.to(place)
        sets = _sets(data, release, origin["spec"]["data"], model.config.codebooks)
        places = read_places(data / "splits.parquet")
        for split, clips in _reported(sets):
            yield from of_model(model, clips, places, split, seed, place)


def _of_system(name: str, spec: StageSpec, data: Path, release: Release) -> Iterator[LikelihoodRow]:
    if name not in CODE_MODELS:
        raise UserError(f"no trivial system {name!r} that has a likelihood; there are {', '.join(CODE_MODELS)}")
    set_threads(1)
    sets = _sets(data, release, {"codec": spec["codec"], "text": spec["text"]}, 1)  # type: ignore[typeddict-item]
    size = spec["codec"]["codebook_size"]
    fitted = fit_code_model(name, size, sets.train.codes[:, 0], sets.validation.codes[:, 0])
    places = read_places(data / "splits.parquet")
    for split, clips in _reported(sets):
        yield from of_codes([fitted], clips, places, split)


def _reported(sets: DataSet) -> Iterator[tuple[str, TokenSet]]:
    for split, clips in (("test", sets.test), ("known", sets.known)):
        if len(clips):
            yield split, clips


def _sets(data: Path, release: Release, settings: RunData, codebooks: int) -> DataSet:
    """The data set; the flat file of its captions is held open, and its name is gone at once."""
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as scratch:
        return load_splits(data, release, settings, codebooks, Path(scratch))
