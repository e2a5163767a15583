"""CLAP (Wu et al. 2023) through the package laion-clap: 512-d, of audio and of text, 48 kHz mono, 10 s windows.

For a check of `clap`, whose windows and settings it shares: on one checkpoint both agree to rounding.
The package can't be installed beside the workflow (workflow/envs/reference-metrics.yaml has an
environment for it), and needs three things of `tokenizer`, a folder with roberta-base: tokenizer,
configuration and model, the last of which the checkpoint then overwrites.

The package's own loader unpickles; the checkpoint is read as data here instead. It takes a random
crop of audio longer than 10 s; here it only ever gets whole windows.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import Inputs, Settings, TextEmbedder, Weights, prepare
from ssmttm.evaluation.embedders.clap import windows
from ssmttm.pretrained.clap import SAMPLE_RATE, WINDOW, tokenizer
from ssmttm.pretrained.identity import weights_hash

SETTINGS = ("weights", "tokenizer")
REMEDY = (
    "put a checkpoint of lukewys/laion_clap there (hf download lukewys/laion_clap), "
    "with `tokenizer`, a folder with roberta-base (hf download roberta-base)"
)
_ARCHITECTURES = {96: "HTSAT-tiny", 128: "HTSAT-base", 256: "HTSAT-large"}
_LAYERS = ("audio_branch.patch_embed.proj.weight", "text_branch.embeddings.word_embeddings.weight")


class LaionClapEmbedder(TextEmbedder):
    """CLAP of LAION's package, as `ssmttm.evaluation.embedder` says."""

    name = "clap_laion"
    sample_rate = SAMPLE_RATE
    window_s = hop_s = 10.0
    batch = 8

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


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """A working folder in which `roberta-base` is `folder`: the package asks for models by such names, offline."""
    offline = os.environ.get("HF_HUB_OFFLINE")
    with tempfile.TemporaryDirectory() as place, chdir(place):
        for name in ("roberta-base", "bert-base-uncased", "facebook/bart-base"):
            link = Path(place, name)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(folder.resolve())
        os.environ["HF_HUB_OFFLINE"] = "1"
        try:
            yield
        finally:
            if offline is None:
                del os.environ["HF_HUB_OFFLINE"]
            else:
                os.environ["HF_HUB_OFFLINE"] = offline


def load(settings: Settings) -> LaionClapEmbedder:
    """The embedder with `weights` and `tokenizer`; UserError when the package or one of them is missing or damaged."""
    weights = Weights.of(settings, "clap_laion", REMEDY)
    path, key = weights.path, weights.key
    if not settings.get("tokenizer"):
        raise UserError(f"{key}: names no tokenizer; {REMEDY}")
    folder = Path(settings["tokenizer"]).expanduser()
    state = weights.read(_LAYERS)
    tokenizer(folder, len(state[_LAYERS[1]]), key)
    width, arguments = len(state[_LAYERS[0]]), sys.argv
    if width not in _ARCHITECTURES:
        raise UserError(f"{path}: an audio encoder of width {width} is none of {', '.join(_ARCHITECTURES.values())}")
    try:
        with _beside(folder):
            sys.argv = arguments[:1]  # the package reads the command line at import
            package = importlib.import_module("laion_clap")
            module = package.CLAP_Module(
                enable_fusion="audio_branch.patch_embed.mel_conv2d.weight" in state,
                amodel=_ARCHITECTURES[width],
                device="cpu",
            )
    except ImportError as error:
        raise UserError(
            f"{key}: needs the Python package laion-clap ({error}); use the environment "
            "workflow/envs/reference-metrics.yaml, or `clap`, which needs none"
        ) from error
    finally:
        sys.argv = arguments
    state = {name: tensor for name, tensor in state.items() if not name.endswith("embeddings.position_ids")}
    buffers = {n: t for n, t in module.model.state_dict().items() if n.endswith(("position_ids", "token_type_ids"))}
    weights.fill(module.model, buffers | state)
    return LaionClapEmbedder(module, f"clap_laion:{weights_hash(path, folder)}")
