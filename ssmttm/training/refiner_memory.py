"""How many crops fit into memory when a refiner is trained, known before it starts."""

from functools import cache

import torch
from torch import Tensor

from ssmttm.errors import UserError
from ssmttm.models.dropout import clip_seeds
from ssmttm.models.outline import Outline
from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.refiner import Clips, build_refiner
from ssmttm.settings import TrainingSettings
from ssmttm.training.memory import USABLE
from ssmttm.training.task import Fit

_TEMPORARY = 1.25
"""The peak of a backward pass over what the forward pass keeps for it."""


@cache
def _kept_bytes(config: RefinerConfig, clips: int, frames: int, tokens: int, bf16: bool, device: str) -> int:
    """Bytes that the loss of `clips` crops keeps for its backward pass, measured on tensors without contents."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    kept: dict[int, int] = {}

    def add(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept.setdefault(storage._cdata, storage.nbytes())
        held.append(tensor)  # or its storage's name would be given to another
        return tensor

    held: list[Tensor] = []
    with FakeTensorMode(), torch.device(device), torch.random.fork_rng(devices=[]):
        refiner = build_refiner(config).train()
        rows = [refiner.draw(frames, torch.Generator(), 0.5) for _ in range(clips)]
        draws = {key: torch.stack([row[key] for row in rows]).to(device) for key in rows[0]}
        examples = Clips(
            torch.zeros(clips, frames, config.given),
            torch.zeros(clips, frames, config.refined),
            torch.zeros(clips, config.levels - 1, frames, dtype=torch.int64),
            torch.zeros(clips, tokens, config.text_width),
            torch.ones(clips, tokens, dtype=torch.bool),
        )
        with (
            torch.autograd.graph.saved_tensors_hooks(add, lambda tensor: tensor),
            clip_seeds(range(clips)),
            torch.autocast(device, torch.bfloat16, enabled=bf16),
        ):
            loss = refiner(examples, draws)
        assert loss.requires_grad
        own = {p.untyped_storage()._cdata for p in refiner.parameters()}
        return sum(size for key, size in kept.items() if key not in own)


def training_bytes(
    config: RefinerConfig, settings: TrainingSettings, clips: int, frames: int, tokens: int, device: str
) -> int:
    """Bytes at the peak of an optimizer step of `clips` crops at once: weights, gradients, optimizer and the rest."""
    bf16 = settings["precision"] == "bf16"
    one, two = (_kept_bytes(config, n, frames, tokens, bf16, device) for n in (1, 2))
    with Outline():
        weights = sum(p.numel() * p.element_size() for p in build_refiner(config).parameters())
    copies = 5 if settings["ema_decay"] > 0 else 4
    return copies * weights + round(_TEMPORARY * (one + (clips - 1) * (two - one)))


def fit_crops(
    config: RefinerConfig, settings: TrainingSettings, frames: int, tokens: int, available: int, device: str
) -> Fit:
    """The largest micro-batch that fits in `available` bytes, or the configured one if it does.

    Raises UserError if nothing fits, saying how much is needed and what to change.
    """
    share, asked = settings["batch_size"] // settings["processes"], settings["micro_batch"]
    sizes = [n for n in range(share, 0, -1) if share % n == 0] if asked == "auto" else [asked]
    for size in sizes:
        need = training_bytes(config, settings, size, frames, tokens, device)
        if need <= USABLE * available:
            return Fit(size, False)
    raise UserError(
        f"too little memory: training a refiner with {sizes[-1]} crops per forward pass needs {need / 1e9:.2f} GB; "
        f"{available / 1e9:.2f} GB are free here, of which {USABLE:.0%} may be used. Choose a smaller d_model or "
        "window, or set training.micro_batch: auto"
    )
