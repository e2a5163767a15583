"""From captions to audio with a trained run: text encoder, language model, codec."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.audio import limit_peak
from ssmttm.codecs.base import Codec, load_codec
from ssmttm.errors import UserError
from ssmttm.generation.sampler import Sampling, generate_codes
from ssmttm.models.checkpoint import load_model
from ssmttm.models.lm import MusicLM
from ssmttm.models.patterns import steps_for
from ssmttm.progress import Progress
from ssmttm.text.base import TextEncoder, load_encoder

MAX_PROMPT = 2000
"""Characters; longer prompts are refused rather than silently cut to the encoder's window."""


def check_prompt(prompt: str) -> str:
    """The prompt without surrounding space; raises UserError if it is empty or far too long."""
    prompt = prompt.strip()
    if not prompt:
        raise UserError("the prompt is empty; say what the music should be like, e.g. --prompt 'calm piano'")
    if len(prompt) > MAX_PROMPT:
        raise UserError(f"the prompt has {len(prompt)} characters; at most {MAX_PROMPT} are accepted")
    return prompt


@dataclass
class Pipeline:
    """A trained run with what it needs to make audio from captions."""

    model: MusicLM
    codec: Codec
    encoder: TextEncoder
    spec: dict[str, Any]
    device: torch.device

    @classmethod
    def load(cls, folder: Path, codec: Path | None, device: torch.device) -> "Pipeline":
        """From results/runs/{run}; `codec` None is the one of the run's data set beside it."""
        path = folder / "model.safetensors"
        if not path.is_file():
            raise UserError(f"{path}: no trained model; train it first: snakemake --cores all {folder.name}")
        model, facts = load_model(path)
        spec = facts["spec"]
        codec = codec or folder.parent.parent / "data" / spec["data"]["version"] / "codec.safetensors"
        loaded = load_codec(codec)
        if loaded.identity != facts["codec"]:
            raise UserError(f"{codec}: is {loaded.identity}, but the run was trained on tokens of {facts['codec']}")
        encoder = load_encoder(spec["data"]["text"]["encoder"])
        if encoder.identity != facts["text_encoder"]:
            raise UserError(
                f"the text encoder is {encoder.identity}, but the run was trained with {facts['text_encoder']}"
            )
        return cls(model.to(device), loaded, encoder, spec, device)

    def generate(
        self,
        captions: list[str],
        sampling: Sampling,
        seeds: list[int],
        seconds: float,
        progress: Progress | None = None,
    ) -> list[np.ndarray]:
        """Audio `[samples]` (float32, at the codec's rate) of `seconds` seconds for each caption."""
        tokens = self.spec["data"]["text"]["max_tokens"]
        embedded = self.encoder.encode([check_prompt(c) for c in captions], tokens)
        text = torch.zeros(len(captions), tokens, self.encoder.width)
        mask = torch.zeros(len(captions), tokens, dtype=torch.bool)
        for row, embedding in enumerate(embedded):
            # as the cache of training embeddings stores them
            text[row, : len(embedding)] = torch.from_numpy(embedding.astype(np.float16).astype(np.float32))
            mask[row, : len(embedding)] = True
        codes = generate_codes(
            self.model, text.to(self.device), mask.to(self.device), self.frames_for(seconds), sampling, seeds, progress
        )
        length = round(seconds * self.codec.sample_rate)
        return [limit_peak(self.codec.decode(c)[:length]) for c in codes.cpu().numpy()]

    @property
    def seconds(self) -> float:
        """Length of the clips that the run was trained on."""
        return float(self.spec["data"]["seconds"])

    def steps(self, seconds: float) -> int:
        """Model steps that `generate` takes."""
        return steps_for(self.frames_for(seconds), self.model.config.codebooks)

    def frames_for(self, seconds: float) -> int:
        """Codec frames that hold `seconds`."""
        return max(1, int(np.ceil(seconds * self.codec.frame_rate)))
