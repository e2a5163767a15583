"""MusicGen (Copet et al. 2023, arXiv 2306.05284) as transformers runs it: sampled with one generator per caption.

`MusicgenForConditionalGeneration.generate` draws a whole batch from one global generator; here a
caption's draws follow from its own seed. The rest is the same: delay pattern, guidance against an
empty caption, top-k.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import (
    DynamicCache,
    EncoderDecoderCache,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import BaseModelOutput

from ssmttm.errors import UserError
from ssmttm.pretrained.hub import load_pretrained, load_tokenizer
from ssmttm.tensors import content_hash

LONGEST_S = 30.0
"""What it was trained on."""


@dataclass(frozen=True)
class MusicGenSampling:
    """How codes are drawn."""

    guidance: float = 3.0
    """null + scale * (conditional - null); 1 is off."""
    top_k: int = 250
    temperature: float = 1.0


class MusicGen:
    """A loaded MusicGen."""

    def __init__(
        self, model: MusicgenForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, identity: str
    ) -> None:
        """From a mono model in evaluation mode and the tokenizer of its text encoder."""
        self.model, self.identity = model, identity
        self._tokenizer = tokenizer
        config: Any = model.config
        self.sample_rate: int = config.audio_encoder.sampling_rate
        self.frame_rate: float = config.audio_encoder.frame_rate
        self.codebooks: int = model.decoder.num_codebooks
        self._start: int = model.generation_config.decoder_start_token_id or config.decoder.bos_token_id

    def steps(self, seconds: float) -> int:
        """Decoder steps for so much audio: its frames and the delay of the last codebook."""
        return round(seconds * self.frame_rate) + self.codebooks - 1

    @torch.inference_mode()
    def generate(
        self,
        captions: Sequence[str],
        seeds: Sequence[int],
        seconds: float,
        sampling: MusicGenSampling,
        stepped: Callable[[], None] = lambda: None,
    ) -> list[np.ndarray]:
        """Audio, float32 [n] per caption, at `sample_rate`.

        On the CPU the same captions, seeds and settings give the same samples. `stepped` is called at
        each step of the decoder. Raises ValueError for more than 30 s and for an empty caption.
        """
        if not 0 < seconds <= LONGEST_S:
            raise ValueError(f"MusicGen makes up to {LONGEST_S:g} s, not {seconds:g} s")
        if not all(caption.strip() for caption in captions):
            raise ValueError("a caption is empty")
        codes = self._codes(captions, seeds, round(seconds * self.frame_rate), sampling, stepped)
        codec: Any = self.model.audio_encoder
        audio = codec.decode(codes[None], audio_scales=[None] * len(codes)).audio_values
        return list(audio.mean(dim=1).float().cpu().numpy())

    def _codes(
        self,
        captions: Sequence[str],
        seeds: Sequence[int],
        frames: int,
        sampling: MusicGenSampling,
        stepped: Callable[[], None],
    ) -> torch.Tensor:
        """Codes [batch, codebooks, frames]."""
        device, batch, books = self.model.device, len(captions), self.codebooks
        hidden, mask = self._encode(captions)
        copies = 1
        if sampling.guidance > 1:
            copies = 2
            hidden, mask = torch.cat([hidden, torch.zeros_like(hidden)]), torch.cat([mask, torch.zeros_like(mask)])
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        steps = frames + books - 1
        delay = torch.arange(books)
        drawn = torch.full((batch, books, steps + 1), self._start, dtype=torch.int64)
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        for step in range(steps):
            inputs = drawn[:, :, step].reshape(batch * books, 1).repeat(copies, 1).to(device)
            logits = self.model(
                encoder_outputs=BaseModelOutput(last_hidden_state=hidden),
                attention_mask=mask,
                decoder_input_ids=inputs,
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
            logits = logits.float().cpu().reshape(copies, batch, books, -1)
            guided = logits[0] if copies == 1 else logits[1] + sampling.guidance * (logits[0] - logits[1])
            # Codebook k runs k steps late and ends k steps later.
            running = (delay <= step) & (step < delay + frames)
            for row, generator in enumerate(generators):
                chosen = _draw(guided[row], sampling, generator)
                drawn[row, running, step + 1] = chosen[running]
            stepped()
        index = delay[:, None] + torch.arange(frames) + 1
        return drawn.gather(2, index.expand(batch, -1, -1)).to(device)

    def _encode(self, captions: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden states of the text encoder and their mask; padding makes no difference to either."""
        tokens = self._tokenizer(list(captions), padding=True, return_tensors="pt").to(self.model.device)
        states = self.model.text_encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        return states.last_hidden_state, tokens.attention_mask


def _draw(logits: torch.Tensor, sampling: MusicGenSampling, generator: torch.Generator) -> torch.Tensor:
    """One code per codebook from logits [codebooks, codes], among the `top_k` likeliest."""
    values, codes = (logits / sampling.temperature).topk(min(sampling.top_k, logits.shape[-1]))
    place = torch.multinomial(values.softmax(dim=-1), 1, generator=generator)
    return codes.gather(1, place)[:, 0]


def load_musicgen(name: str, key: str) -> MusicGen:
    """The model of a folder, or of a hub id in the local cache.

    Raises UserError, which names the config key `key`, when it is missing, damaged, pickled or stereo,
    and when the tokenizer lacks the vocabulary.
    """
    model = load_pretrained(MusicgenForConditionalGeneration, name, key)
    config: Any = model.config
    if config.decoder.audio_channels != 1:
        raise UserError(f"{key}: {name} makes stereo; take the mono model, such as facebook/musicgen-small")
    tokenizer = load_tokenizer(name, key, config.text_encoder.vocab_size)
    return MusicGen(model, tokenizer, f"musicgen:{content_hash(model.state_dict())[:12]}")
