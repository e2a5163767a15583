"""CLAP (Wu et al. 2023) through transformers: 512-d, of audio and of text, 48 kHz mono, 10 s windows.

Takes a folder that transformers wrote (laion/clap-htsat-unfused, …) or one
of LAION's checkpoints (music_audioset_epoch_15_esc_90.14.pt, …) with `tokenizer`, a folder with the
tokenizer of roberta-base. Which checkpoint it is changes scores by a factor of two: compare only
what has one identity. Embeddings are projected and of unit length. Audio goes through 16-bit
integers and back, as in laion-clap; its level is not normalized otherwise.

laion-clap and transformers take one random 10 s crop of a longer clip, and the checkpoints with
fusion three; so their numbers change from run to run. Here a longer clip gives successive windows,
the last of which ends with the clip. Each is at most 10 s, so fusion never has parts to fuse, and it
is off: laion-clap does the same for such audio, but transformers' extractor marks one clip of each
batch, at random, as longer. A shorter clip is repeated as often as it fits, then filled with zeros.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerBase

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Inputs, Settings, TextEmbedder, Weights, prepare
from ssmttm.pretrained.clap import SAMPLE_RATE, WINDOW, extractor, load_clap, tokenizer
from ssmttm.pretrained.identity import weights_hash

SETTINGS = ("weights", "tokenizer")
REMEDY = (
    "put the folder of a transformers CLAP model there (hf download laion/clap-htsat-unfused), or a checkpoint of "
    "lukewys/laion_clap (music_audioset_epoch_15_esc_90.14.pt) with `tokenizer`, a folder with roberta-base's"
)
_MAX_TOKENS = 77  # as laion-clap cuts captions


class ClapEmbedder(TextEmbedder):
    """CLAP, as `ssmttm.evaluation.embedder` says."""

    name = "clap"
    sample_rate = SAMPLE_RATE
    window_s = hop_s = 10.0
    batch = 8

    def __init__(
        self,
        model: ClapModel,
        features: ClapFeatureExtractor,
        words: PreTrainedTokenizerBase | None,
        identity: str,
    ) -> None:
        self.identity = identity
        config: Any = model.config
        self.dim = config.projection_dim
        self._model, self._features, self._words = model, features, words
        self._fused = config.audio_config.enable_fusion

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        features = self._features(
            windows(prepare(wave, sample_rate, SAMPLE_RATE)[0]),
            truncation="fusion" if self._fused else "rand_trunc",
            padding="repeatpad",
            sampling_rate=SAMPLE_RATE,
        )
        return torch.from_numpy(np.asarray(features["input_features"], np.float32))

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        longer = torch.zeros(len(batch), 1, dtype=torch.bool, device=batch.device)
        return (self._model.get_audio_features(input_features=batch, is_longer=longer).pooler_output,)

    def _embed_texts(self, texts: list[str]) -> np.ndarray:
        """Texts are cut after 77 tokens. Raises UserError when no tokenizer was given."""
        if self._words is None:
            raise UserError(f"evaluation.models.clap: texts need `tokenizer`, a folder with roberta-base's; {REMEDY}")
        tokens = self._words(texts, padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt")
        ids, mask = (tokens[key].to(self._device) for key in ("input_ids", "attention_mask"))
        return self._model.get_text_features(ids, attention_mask=mask).pooler_output.cpu().numpy()


def windows(wave: np.ndarray) -> list[np.ndarray]:
    """Successive 10 s of mono samples at 48 kHz, the last of which ends with the clip; through 16 bits."""
    whole = (np.clip(wave, -1.0, 1.0) * np.float32(32767)).astype(np.int16)
    wave = (whole / np.float32(32767)).astype(np.float32)
    starts = range(0, max(len(wave) - WINDOW, 0) + 1, WINDOW)
    cut = [wave[start : start + WINDOW] for start in starts]
    return [*cut, wave[-WINDOW:]] if len(wave) > WINDOW and len(wave) % WINDOW else cut


def load(settings: Settings) -> ClapEmbedder:
    """The embedder with `weights` and, for a file, `tokenizer`; UserError when they are missing or damaged."""
    weights = Weights.of(settings, "clap", REMEDY)
    path, key = weights.path, weights.key
    model = load_clap(path, key, REMEDY)
    own = [Path(settings["tokenizer"]).expanduser()] if settings.get("tokenizer") else []
    folders = own or ([path] if path.is_dir() else [])
    config: Any = model.config
    words = tokenizer(folders[0], config.text_config.vocab_size, key) if folders else None
    return ClapEmbedder(model, extractor(model, path, key), words, f"clap:{weights_hash(path, *own)}")
