"""The second stage of a run: its refiner, found, checked against the run, and put to work."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ssmttm.codecs.base import Codec
from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file
from ssmttm.generation.latent_samplers import Captions, LatentSampler, Refinement, build_sampler
from ssmttm.generation.refine import Refined, WindowRefiner
from ssmttm.models.checkpoint import Origin
from ssmttm.models.lm import MusicLM
from ssmttm.models.refiner.checkpoint import RefinerOrigin, load_refiner
from ssmttm.models.refiner.refiner import Refiner
from ssmttm.models.refiner.tables import Tables

REFINER, RECORD = "refiner.safetensors", "refiner.json"


def find_refiner(folder: Path) -> Path | None:
    """The refiner of the run in `folder`; None for a run of one stage.

    Raises UserError if the folder says that there is one, and it isn't there, or is another file.
    """
    path, record = folder / REFINER, folder / RECORD
    if not record.is_file():
        return path if path.is_file() else None
    known = read_json(record)
    wanted = known.get("sha256", {}).get("model.safetensors")
    name = f"{known.get('run', 'that the run was made with')}{f' with SHA-256 {wanted}' if wanted else ''}"
    remedy = "copy its model.safetensors to there, or name it with --refiner FILE"
    if not path.is_file():
        raise UserError(
            f"{path}: no such file, but {record} says that the run has a second stage, the refiner {name}: {remedy}"
        )
    if wanted and (found := sha256_file(path)) != wanted:
        raise UserError(f"{path}: has SHA-256 {found}, but {record} says that it is the refiner {name}: {remedy}")
    return path


@dataclass(frozen=True)
class FirstStage:
    """What makes the codes that a refiner goes on from: codec and text encoder by identity, and how many levels."""

    codec: str
    text_encoder: str
    codebooks: int


def load_tables(codec: Codec, levels: int, device: torch.device) -> Tables:
    """What the codec's codes of the first `levels` levels stand for."""
    first, rest = codec.tables()
    return Tables(torch.from_numpy(first).to(device), torch.from_numpy(rest[: levels - 1]).to(device))


def _check(path: Path, refiner: Refiner, made: RefinerOrigin, first: FirstStage, codec: Codec) -> None:
    """Raise UserError unless the refiner goes on from what the first stage writes."""
    if made["codec"] != first.codec:
        raise UserError(f"{path}: a refiner for the codec {made['codec']}, but the run is of {first.codec}")
    if made["text_encoder"] != first.text_encoder:
        raise UserError(
            f"{path}: a refiner for the text encoder {made['text_encoder']}, but the run is of {first.text_encoder}"
        )
    if first.codebooks != 1:
        raise UserError(
            f"{path}: a refiner goes on from codes of level 1, but the run's language model writes "
            f"{first.codebooks} codebooks; use a run with model.codebooks 1"
        )
    if refiner.config.levels > codec.codebooks:
        raise UserError(
            f"{path}: a refiner of {refiner.config.levels} levels, but the codec {codec.identity} has {codec.codebooks}"
        )


@dataclass
class SecondStage:
    """A refiner that completes the codes of level 1 of a run's language model."""

    refiner: Refiner
    sampler: LatentSampler
    snap: bool

    @classmethod
    def load(
        cls, path: Path, refinement: Refinement, model: MusicLM, run: Origin, codec: Codec, device: torch.device
    ) -> "SecondStage":
        """From the file of a refiner; UserError if it is none, or was trained for another codec or text encoder.

        `run` is what the language model `model` was trained by and on.
        """
        first = FirstStage(run["codec"], run["text_encoder"], model.config.codebooks)
        return cls.after(first, path, refinement, codec, device)

    @classmethod
    def after(
        cls, first: "FirstStage", path: Path, refinement: Refinement, codec: Codec, device: torch.device
    ) -> "SecondStage":
        """The same for codes of any first stage."""
        refiner, origin = load_refiner(path)
        _check(path, refiner, origin, first, codec)
        refiner = refiner.to(device)
        tables = load_tables(codec, refiner.config.levels, device)
        return cls(refiner, build_sampler(refiner, tables, refinement), refinement.snap)

    @property
    def levels(self) -> int:
        """K: of the codec, the language model's included."""
        return self.refiner.config.levels

    def begin(self, text: Tensor, mask: Tensor, seeds: list[int], past: Tensor) -> WindowRefiner:
        """Begin a generation that goes on from codes `past [batch, K, T]`, T perhaps 0; see `WindowRefiner`."""
        config = self.refiner.config
        return WindowRefiner(self.sampler, Captions(text, mask, seeds), config.window, config.overlap, past)

    def refine(self, text: Tensor, mask: Tensor, seeds: list[int], past: Tensor, codes: Tensor) -> Refined:
        """All frames at once, those of `past` included; `codes [batch, frames]` are of level 1."""
        refining = self.begin(text, mask, seeds, past)
        parts = [self.given(past), refining.push(codes), refining.finish()]
        return Refined(torch.cat([p.codes for p in parts], 1), torch.cat([p.latents for p in parts], 1))

    def given(self, past: Tensor) -> Refined:
        """Frames whose codes `[batch, K, T]` are known."""
        return Refined(past[:, 0], self.sampler.latents(self.sampler.state_of(past[:, 1:])))

    def features(self, codec: Codec, codes: np.ndarray, latents: np.ndarray) -> np.ndarray:
        """Features `[frames, D]` to be decoded, from codes of level 1 `[frames]` and latents `[frames, C2]`."""
        if self.snap:
            return codec.latents(codec.snap(codes, latents), self.levels)
        return codec.join(codes, latents)
