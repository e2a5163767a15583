"""CLAP (Wu et al. 2023) through the package laion-clap: 512-d, of audio and of text, 48 kHz mono, 10 s windows.

For a check of `clap`, whose windows and settings it shares: on one checkpoint both agree to rounding.
The package can't be installed beside the workflow, and has an environment of its own, in which
`ssmttm.evaluation.packages.driver` builds its module.

The package's own loader unpickles; the checkpoint is read as data here instead. It takes a random
crop of audio longer than 10 s; here it only ever gets whole windows.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Inputs, Settings, TextEmbedder, Weights, prepare
from ssmttm.evaluation.embedders.clap import windows
from ssmttm.evaluation.packages.driver import clap
from ssmttm.pretrained.clap import SAMPLE_RATE, WINDOW, tokenizer
from ssmttm.pretrained.identity import weights_hash

SETTINGS = ("weights", "tokenizer")
REMEDY = (
    "put a checkpoint of lukewys/laion_clap there (music_audioset_epoch_15_esc_90.14.pt), "
    "with `tokenizer`, a folder with roberta-base's"
)
_LAYERS = ("audio_branch.patch_embed.proj.weight", "text_branch.embeddings.word_embeddings.weight")


class LaionClapEmbedder(TextEmbedder):
    """CLAP of LAION's package, as `ssmttm.evaluation.embedder` says."""

    name = "clap_laion"
    sample_rate = SAMPLE_RATE
    window_s = hop_s = 10.0
    batch = 8
    takes_gpu = False  # the package's own functions say where they compute

    def __init__(self, module: Any, identity: str) -> None:
        self.identity = identity
        self.dim = module.model.joint_embed_shape
        self._module = module

    def _inputs(self, wave: np.ndarray, sample_rate: int) -> Inputs:
        return [_repeat(torch.from_numpy(w)) for w in windows(prepare(wave, sample_rate, SAMPLE_RATE)[0])]

    def _run(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self._module.get_audio_embedding_from_data(batch, use_tensor=True),)

    def _embed_texts(self, texts: list[str]) -> np.ndarray:
        embeddings: np.ndarray = self._module.get_text_embedding(texts)
        return embeddings


def _repeat(wave: torch.Tensor) -> torch.Tensor:
    """As often as `wave` fits into a window, then zeros: what the package does, done here so that clips stack."""
    wave = wave.repeat(WINDOW // len(wave))
    return torch.nn.functional.pad(wave, (0, WINDOW - len(wave)))


def load(settings: Settings) -> LaionClapEmbedder:
    """The embedder with `weights` and `tokenizer`; UserError when the package or one of them is missing or damaged."""
    weights = Weights.of(settings, "clap_laion", REMEDY)
    path, key = weights.path, weights.key
    if not settings.get("tokenizer"):
        raise UserError(f"{key}: names no tokenizer; {REMEDY}")
    folder = Path(settings["tokenizer"]).expanduser()
    state = weights.read(_LAYERS)
    tokenizer(folder, len(state[_LAYERS[1]]), key)
    try:
        module = clap(state, folder)
    except ImportError as error:
        raise UserError(
            f"{key}: needs the Python package laion-clap ({error}), which the workflow installs in an environment "
            "of its own: snakemake results/envs/laion_clap/environment.json; or use `clap`, which needs none"
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: {error}; {REMEDY}") from error
    return LaionClapEmbedder(module, f"clap_laion:{weights_hash(path, folder)}")
