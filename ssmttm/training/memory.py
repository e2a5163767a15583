"""How much memory training takes, known before it starts, and the micro-batch that fits.

Weights, gradients and optimizer state are counted; activations are measured by running the loss of
one or two layers of each kind on tensors that have shapes but no contents.
"""

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.config import ModelConfig
from ssmttm.models.dropout import clip_seeds
from ssmttm.models.lm import MusicLM
from ssmttm.models.outline import Outline
from ssmttm.settings import TrainingSettings
from ssmttm.training.data import Batch
from ssmttm.training.objective import codebook_losses
from ssmttm.training.task import Fit

USABLE = 0.8
"""The share of a device's free memory that a plan may fill; allocators and libraries need the rest."""

_GENEROUS = 300
"""Numbers for each number of a layer's input, which no design comes near to."""


@dataclass(frozen=True)
class Memory:
    """Bytes that one device holds at the peak of an optimizer step."""

    weights: int
    gradients: int
    optimizer: int  # two moments
    average: int
    activations: int  # with the largest temporaries of the backward pass

    @property
    def total(self) -> int:
        """All of them."""
        return self.weights + self.gradients + self.optimizer + self.average + self.activations


@dataclass(frozen=True)
class Activations:
    """Bytes that a forward pass keeps for its backward pass, by block and outside of blocks."""

    outside: int  # and the inputs of the blocks
    blocks: tuple[int, ...]
    logits: int

    def peak(self, checkpointing: bool) -> int:
        """Bytes at the peak of the backward pass.

        With checkpointing, the inputs of all blocks and the inside of one. On top of what is
        kept come temporaries: the gradients of the logits, in single precision and twice, or as
        much as the largest block keeps, whichever is more.
        """
        largest = max(self.blocks)
        kept = self.outside + (largest if checkpointing else sum(self.blocks))
        return kept + max(2 * self.logits, largest)


class _Saved:
    """Collects the storages that autograd saves, each counted once and where it is saved first."""

    def __init__(self, model: MusicLM) -> None:
        self.outside: dict[int, torch.UntypedStorage] = {}
        self.inside: list[dict[int, torch.UntypedStorage]] = [{} for _ in model.blocks]
        self.current: int | None = None
        self.parameters = {_key(p): p.untyped_storage() for p in model.parameters()}

    def add(self, tensor: Tensor) -> Tensor:
        storages = self.outside if self.current is None else self.inside[self.current]
        if not any(_key(tensor) in known for known in (self.parameters, self.outside, *self.inside)):
            storages[_key(tensor)] = tensor.untyped_storage()
        return tensor

    def enter(self, index: int, x: Tensor) -> None:
        self.current = None
        self.add(x)
        self.current = index

    def leave(self) -> None:
        self.current = None


def _key(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def measure_activations(model: MusicLM, batch: Batch, bf16: bool) -> Activations:
    """What the loss of `batch` keeps."""
    saved = _Saved(model)
    handles = []
    for i, block in enumerate(model.blocks):
        handles.append(block.register_forward_pre_hook(lambda _, args, i=i: saved.enter(i, args[0])))
        handles.append(block.register_forward_hook(lambda *_: saved.leave()))
    clips, codebooks, frames = batch.codes.shape
    model.train()
    with (
        torch.autograd.graph.saved_tensors_hooks(saved.add, lambda tensor: tensor),
        clip_seeds(range(clips)),
        torch.autocast(batch.codes.device.type, torch.bfloat16, enabled=bf16),
    ):
        codebook_losses(model, batch, batch.text_mask).mean()
    for handle in handles:
        handle.remove()
    logits = clips * (frames + codebooks - 1) * codebooks * model.special * 4
    return Activations(_bytes(saved.outside), tuple(map(_bytes, saved.inside)), logits)


def _bytes(storages: dict[int, torch.UntypedStorage]) -> int:
    return sum(storage.nbytes() for storage in storages.values())


@cache
def _activations(config: ModelConfig, clips: int, frames: int, tokens: int, bf16: bool, device: str) -> Activations:
    """Measured on at most two layers of each kind: more of them keep as much each as the second one."""
    layers = [config.mixer_of(layer) for layer in range(1, config.layers + 1)]
    kinds = list(dict.fromkeys(layers))
    if len(layers) <= 2 * len(kinds):
        return _measure(config, clips, frames, tokens, bf16, device)
    once, twice = (_measure(_with_layers(config, kinds * n), clips, frames, tokens, bf16, device) for n in (1, 2))
    per_layer = (twice.outside - once.outside) // len(kinds)
    blocks = [twice.blocks[len(kinds) + kinds.index(kind)] for kind in layers]
    for kind in kinds:
        blocks[layers.index(kind)] = twice.blocks[kinds.index(kind)]
    outside = twice.outside + (len(layers) - 2 * len(kinds)) * per_layer
    return Activations(outside, tuple(blocks), twice.logits)


def _with_layers(config: ModelConfig, mixers: list[str]) -> ModelConfig:
    attention = tuple(i for i, mixer in enumerate(mixers, start=1) if mixer != config.mixer)
    return replace(config, layers=len(mixers), attention_layers=attention)


def _measure(config: ModelConfig, clips: int, frames: int, tokens: int, bf16: bool, device: str) -> Activations:
    """On tensors that have shapes, and no contents."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), torch.device(device), torch.random.fork_rng(devices=[]):
        model = MusicLM(config)
        codes = torch.zeros(clips, config.codebooks, frames, dtype=torch.int64)
        text = torch.zeros(clips, tokens, config.text_width)
        return measure_activations(model, Batch(codes, text, torch.ones(clips, tokens, dtype=torch.bool), []), bf16)


@cache
def _parameter_bytes(config: ModelConfig) -> int:
    with Outline():
        return sum(p.numel() * p.element_size() for p in MusicLM(config).parameters())


def training_memory(
    config: ModelConfig, settings: TrainingSettings, fit: Fit, frames: int, tokens: int, device: str = "cpu"
) -> Memory:
    """Memory of training as `fit` says, for clips of `frames` frames and `tokens` caption tokens each.

    Of the settings, precision and ema_decay count; bf16 is mixed, with single-precision weights. Kernels differ between
    kinds of devices, and what they keep with them: `device` (cpu, cuda) says for which to measure.
    """
    bf16, clips = settings["precision"] == "bf16", fit.micro_batch

    def peak(clips: int) -> int:
        return _activations(config, clips, frames, tokens, bf16, device).peak(fit.checkpointing)

    weights = _parameter_bytes(config)
    return Memory(
        weights=weights,
        gradients=weights,
        optimizer=2 * weights,
        average=weights if settings["ema_decay"] > 0 else 0,
        # nearly every tensor grows with the clips or not at all
        activations=peak(clips) if clips <= 2 else peak(1) + (clips - 1) * (peak(2) - peak(1)),
    )


def bound(config: ModelConfig, fit: Fit, frames: int, tokens: int) -> int:
    """Bytes that training as `fit` says never needs, counted generously: far above what `training_memory` measures."""
    numbers = fit.micro_batch * (frames + config.codebooks + tokens) * max(config.d_model, config.text_width)
    return 5 * _parameter_bytes(config) + _GENEROUS * 4 * numbers * (config.layers + config.codebooks)


def available_bytes(device: torch.device, sharing: int = 1) -> int:
    """Free memory of a GPU, or of this machine (or its cgroup) divided by the processes that share it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = [os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")] or free
        limit, used = (Path(f"/sys/fs/cgroup/memory.{name}").read_text(encoding="ascii") for name in ("max", "current"))
        free.append(int(limit) - int(used))
    except (OSError, ValueError):  # no such files, or no limit
        pass
    return max(min(free), 0) // sharing


def fit_memory(
    config: ModelConfig,
    settings: TrainingSettings,
    frames: int,
    tokens: int,
    available: int,
    device: str = "cpu",
) -> Fit:
    """The largest micro-batch that fits in `available` bytes, or the configured one if it does.

    `activation_checkpointing: auto` computes blocks twice only if nothing fits without. Raises
    UserError if nothing fits, saying how much is needed and what to change.
    """
    share = settings["batch_size"] // settings["processes"]
    asked, checkpointing = settings["micro_batch"], settings["activation_checkpointing"]
    sizes = [n for n in range(share, 0, -1) if share % n == 0] if asked == "auto" else [asked]
    recomputing = [False, True] if checkpointing == "auto" else [checkpointing]

    def need(fit: Fit) -> int:
        return training_memory(config, settings, fit, frames, tokens, device).total

    fits = [Fit(size, twice) for twice in recomputing for size in sizes]
    if bound(config, fits[0], frames, tokens) <= USABLE * available:
        return fits[0]  # without measuring, which takes a second
    for fit in fits:
        if need(fit) <= USABLE * available:
            return fit
    least = fits[-1]
    raise UserError(
        f"too little memory: training with {least.micro_batch} clips per forward pass "
        f"{'and' if least.checkpointing else 'without'} activation checkpointing needs {need(least) / 1e9:.2f} GB; "
        f"{available / 1e9:.2f} GB are free here, of which {USABLE:.0%} may be used. {_remedies(least, settings)}"
    )


def _remedies(fit: Fit, settings: TrainingSettings) -> str:
    ways = ["choose a smaller size"]
    if settings["precision"] != "bf16":
        ways.append("set training.precision: bf16")
    if not fit.checkpointing:
        ways.append("set training.activation_checkpointing: auto")
    if fit.micro_batch > 1:
        ways.append("set training.micro_batch: auto")
    return "Use more memory, or " + ", or ".join(ways)
