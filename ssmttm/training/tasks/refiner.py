"""Training a refiner: crops of clips, whose levels above the first it learns to make."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ssmttm.errors import UserError
from ssmttm.models.refiner.checkpoint import RefinerOrigin, save_refiner
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Clips, Draws, Refiner, build_refiner
from ssmttm.models.refiner.tables import Tables
from ssmttm.seeds import stable_int
from ssmttm.settings import RefinerSpec, TrainingSettings
from ssmttm.training.batches import kept_words
from ssmttm.training.data import DataSet, TokenSet
from ssmttm.training.memory import available_bytes
from ssmttm.training.refiner_memory import fit_crops
from ssmttm.training.task import Fit, Forward, Rows, Task

_STRATA = 4
"""How often each held-out clip is looked at, with more and more hidden."""

_MOST_CLIPS = 4096
"""Of the training split, that the normalization is from."""


class RefinerTask(Task):
    """The loss is one number: the error of latents, or nats per masked code."""

    model: Refiner
    train: TokenSet
    validation: TokenSet
    test: TokenSet

    def __init__(
        self, config: RefinerConfig, settings: TrainingSettings, sets: DataSet, tables: Tables, origin: RefinerOrigin
    ) -> None:
        """`tables` are the codec's, of the refiner's levels; `origin` is kept in the refiner's file."""
        if settings["activation_checkpointing"] is True:
            raise UserError("training.activation_checkpointing is on, which refiners can't do: set it to auto or false")
        self.config, self.settings, self.origin = config, settings, origin
        self.train, self.validation, self.test = sets.train, sets.validation, sets.test
        self.parts = ("codes",) if config.objective == "masked" else ("latents",)
        self.frames = min(config.window, sets.train.frames)
        self._tables = tables

    @classmethod
    def from_spec(cls, spec: RefinerSpec, sets: DataSet, first: np.ndarray, rest: np.ndarray) -> "RefinerTask":
        """The task of a refiner with `spec`, on its data set.

        `first [size, C1]` and `rest [K - 1, size, C2]` are what the codec's codes stand for. Raises UserError for
        settings that don't fit each other.
        """
        levels = spec["refiner"]["levels"]
        if levels > len(rest) + 1:
            raise UserError(f"refiner.levels is {levels}, but the codec {sets.codec} has {len(rest) + 1}: lower it")
        try:
            config = RefinerConfig.from_spec(spec, sets.train.text_width, first.shape[1], rest.shape[2])
        except ValueError as error:
            raise UserError(f"the refiner's settings: {error}") from error
        origin: RefinerOrigin = {"spec": spec, "codec": sets.codec, "text_encoder": sets.encoder}
        tables = Tables(torch.from_numpy(first), torch.from_numpy(rest[: levels - 1]))
        return cls(config, spec["training"], sets, tables, origin)

    def fit(self, settings: TrainingSettings, device: torch.device) -> Fit:
        """See `Task`: what fits in the device's free memory."""
        sharing = settings["processes"] if device.type == "cpu" else 1
        free = available_bytes(device, sharing)
        return fit_crops(self.config, settings, self.frames, self.train.text_tokens, free, device.type)

    def build(self, device: torch.device, fit: Fit) -> None:
        """See `Task`; normalization is by training clips, evenly chosen if there are many."""
        self.model = build_refiner(self.config)
        every = -(-len(self.train) // _MOST_CLIPS)
        self.model.set_statistics(*self._tables.moments(torch.from_numpy(self.train.codes[::every])))
        normalized = self._tables.normalized(self.model)
        self._lookup = Tables(normalized.first.to(device), normalized.rest.to(device))
        self.model.to(device)

    def losses(self, forward: Forward, rows: Rows, device: torch.device) -> Tensor:
        """See `Task`; with dropped captions and words."""
        settings, (first, last) = self.settings, (rows.positions.start, rows.positions.stop)
        dropout = settings["caption_dropout"], settings["word_dropout"]
        kept = kept_words(rows.count, self.train.text_tokens, *dropout, rows.seed, rows.step)[first:last]
        generators = [_generator("refine", rows.seed, rows.step, position) for position in rows.positions]
        places = [float(torch.rand((), generator=g)) for g in generators]
        return self._losses(forward, self.train, rows.indices, generators, places, device, kept.to(device))

    def expect(self, indices: np.ndarray) -> None:
        """See `Task`."""
        self.train.expect(indices)

    def held_out(self, clips: TokenSet, indices: np.ndarray, device: torch.device) -> Tensor:  # type: ignore[override]
        """See `Task`; with whole captions, on the same crop of each clip with more and more hidden."""
        repeated = np.repeat(indices, _STRATA)
        generators = [_generator("held out", clips.clip_ids[i]) for i in repeated]
        places = [(n % _STRATA + float(torch.rand((), generator=g))) / _STRATA for n, g in enumerate(generators)]
        return self._losses(self.model, clips, repeated, generators, places, device)

    def _losses(
        self,
        forward: Forward,
        clips: TokenSet,
        indices: np.ndarray,
        generators: list[torch.Generator],
        places: list[float],
        device: torch.device,
        kept: Tensor | None = None,
    ) -> Tensor:
        batch = clips.batch(indices, device)
        last = clips.frames - self.frames
        starts = [int(torch.randint(last + 1, (), generator=g)) for g in generators]
        pairs = zip(batch.codes, starts, strict=True)
        codes = torch.stack([row[:, start : start + self.frames] for row, start in pairs])
        mask = batch.text_mask if kept is None else batch.text_mask & kept
        tables = self._lookup
        drawn = [self.model.draw(self.frames, g, p) for g, p in zip(generators, places, strict=True)]
        draws: Draws = {key: torch.stack([row[key] for row in drawn]).to(device) for key in drawn[0]}
        examples = Clips(tables.first[codes[:, 0]], tables.sums(codes[:, 1:]), codes[:, 1:], batch.text, mask)
        return forward(examples, draws)

    @property
    def clip_flops(self) -> float:
        """See `Task`: of one crop; every caption is padded."""
        cost = self.model.flops(self.frames, self.train.text_tokens) + self.model.loss_flops(self.frames)
        return cost.total

    @property
    def clip_tokens(self) -> int:
        """See `Task`: codes of levels 2 to K of one crop."""
        return (self.config.levels - 1) * self.frames

    def save(self, path: Path, more: Mapping[str, object]) -> None:
        """See `Task`."""
        save_refiner(path, self.model, {**self.origin, **more})

    def blocks(self) -> Iterable[nn.Module]:
        """See `Task`."""
        return (self.model.backbone,)

    def record(self) -> dict[str, object]:
        """See `Task`."""
        return {
            "parameters_by_group": self.model.parameters_by_group(),
            "codec": self.origin["codec"],
            "text_encoder": self.origin["text_encoder"],
        }


def _generator(*parts: object) -> torch.Generator:
    return torch.Generator().manual_seed(stable_int(*parts))
