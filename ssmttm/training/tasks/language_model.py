"""Training a language model of codec tokens: cross-entropy of the next codes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ssmttm.models.checkpoint import Origin, save_model
from ssmttm.models.config import ModelConfig
from ssmttm.models.lm import MusicLM
from ssmttm.settings import RunSpec, TrainingSettings
from ssmttm.training.batches import kept_words
from ssmttm.training.data import DataSet, TokenSet
from ssmttm.training.memory import available_bytes, fit_memory
from ssmttm.training.objective import codebook_losses
from ssmttm.training.task import Fit, Forward, Rows, Task


class LanguageModelTask(Task):
    """Parts of the loss are codebooks, each in nats per code."""

    model: MusicLM
    train: TokenSet
    validation: TokenSet
    test: TokenSet

    def __init__(self, config: ModelConfig, settings: TrainingSettings, sets: DataSet, origin: Origin) -> None:
        """`origin` is kept in the model's file."""
        self.config, self.settings, self.origin = config, settings, origin
        self.train, self.validation, self.test = sets.train, sets.validation, sets.test
        self.parts = tuple(f"codebook {k}" for k in range(1, config.codebooks + 1))

    @classmethod
    def from_spec(cls, spec: RunSpec, sets: DataSet) -> "LanguageModelTask":
        """The task of a run with `spec`, on its data set."""
        width = sets.train.text_width
        origin: Origin = {"spec": spec, "codec": sets.codec, "text_encoder": sets.encoder, "text_width": width}
        return cls(ModelConfig.from_spec(spec, width), spec["training"], sets, origin)

    def fit(self, settings: TrainingSettings, device: torch.device) -> Fit:
        """See `Task`: what fits in the device's free memory."""
        sharing = settings["processes"] if device.type == "cpu" else 1
        free = available_bytes(device, sharing)
        return fit_memory(self.config, settings, self.train.frames, self.train.text_tokens, free, device.type)

    def build(self, device: torch.device, fit: Fit) -> None:
        """See `Task`."""
        self.model = MusicLM(self.config).to(device)
        self.model.checkpointing = fit.checkpointing

    def losses(self, forward: Forward, rows: Rows, device: torch.device) -> Tensor:
        """See `Task`; with dropped captions and words."""
        settings, (first, last) = self.settings, (rows.positions.start, rows.positions.stop)
        dropout = settings["caption_dropout"], settings["word_dropout"]
        kept = kept_words(rows.count, self.train.text_tokens, *dropout, rows.seed, rows.step)[first:last]
        batch = self.train.batch(rows.indices, device)
        return codebook_losses(forward, batch, batch.text_mask & kept.to(device), settings["label_smoothing"])

    def expect(self, indices: np.ndarray) -> None:
        """See `Task`."""
        self.train.expect(indices)

    def held_out(self, clips: TokenSet, indices: np.ndarray, device: torch.device) -> Tensor:  # type: ignore[override]
        """See `Task`; with whole captions and without smoothing."""
        batch = clips.batch(indices, device)
        return codebook_losses(self.model, batch, batch.text_mask)

    @property
    def clip_flops(self) -> float:
        """See `Task`; every clip costs the same, for captions are padded."""
        return self.model.flops(self.train.frames, self.train.text_tokens).total

    @property
    def clip_tokens(self) -> int:
        """See `Task`: codes."""
        return self.config.codebooks * self.train.frames

    def save(self, path: Path, more: Mapping[str, object]) -> None:
        """See `Task`."""
        save_model(path, self.model, {**self.origin, **more})

    def blocks(self) -> Iterable[nn.Module]:
        """See `Task`."""
        return self.model.blocks

    def record(self) -> dict[str, object]:
        """See `Task`."""
        return {
            "parameters_by_group": self.model.parameters_by_group(),
            "codec": self.origin["codec"],
            "text_encoder": self.origin["text_encoder"],
        }
