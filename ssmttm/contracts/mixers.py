"""The contract of a mixer (`ssmttm.models.mixer`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.testing import assert_close

from ssmttm.contracts.holding import hold
from ssmttm.models.config import ModelConfig
from ssmttm.models.flop_counter import kernel_counter
from ssmttm.models.mixer import SequenceMixer, State, build_mixer

LENGTH, CUT, WIDTH = 23, 12, 16
CACHES = ("key", "value")
"""Parts of a state that have room for more frames, along their third axis, than there are."""


@dataclass(frozen=True)
class Subject:
    """A mixer in double precision, and an input for it, `[2, 23, 16]`."""

    build: Callable[[], SequenceMixer]
    mixer: SequenceMixer
    x: Tensor = field(
        default_factory=lambda: torch.randn(
            2, LENGTH, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
        )
    )

    def state(self) -> State:
        """One before the first frame."""
        return self.mixer.init_state(2, torch.device("cpu"), torch.float64)


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The mixer `name` at a tiny size; `settings` may change `ModelConfig`'s."""
    config = {
        "mixer": name, "feedforward": "none", "conditioning": "prefix", "layers": 2, "d_model": WIDTH, "d_state": 4,
        "d_conv": 4, "expand": 2, "head_dim": 8, "chunk": 5, "attention_heads": 2, "feedforward_factor": 2,
        "dropout": 0.1, "final_norm": True, "codebooks": 3, "codebook_size": 7, "text_width": 6,
    }  # fmt: skip

    def build() -> SequenceMixer:
        torch.manual_seed(0)
        return build_mixer(ModelConfig(**{**config, **settings}), 1)

    return Subject(build, build().double().eval())


def _close(found: Tensor, expected: Tensor, what: str) -> None:
    assert_close(found, expected, atol=1e-10, rtol=1e-10, msg=lambda found: f"{what}: {found}")


def test_outputs_are_like_inputs(subject: Subject) -> None:
    """Outputs have the shape and the type of the inputs, with a state in hand or without."""
    alone, none = subject.mixer(subject.x)
    stated, state = subject.mixer(subject.x, subject.state())
    for y in (alone, stated):
        hold((y.shape, y.dtype) == (subject.x.shape, subject.x.dtype), f"{y.dtype} {tuple(y.shape)} came out")
    hold(none is None, "a state came back although none was given")
    hold(state is not None, "no state came back although one was given")
    _close(stated, alone, "outputs with a state and without")


def test_outputs_depend_on_no_later_input(subject: Subject) -> None:
    """Causality: what is later than a frame changes nothing in it, and what is earlier does."""
    changed = subject.x.clone()
    changed[:, CUT:] += 1
    before, after = subject.mixer(subject.x)[0], subject.mixer(changed)[0]
    assert_close(
        after[:, :CUT],
        before[:, :CUT],
        atol=0,
        rtol=0,
        msg=lambda found: f"frames before {CUT} saw later ones: {found}",
    )
    hold(not torch.allclose(after[:, CUT:], before[:, CUT:]), "outputs don't depend on the inputs")
    early = subject.x.clone()
    early[:, 0] += 1
    late = subject.mixer(early)[0][:, -1]
    hold(not torch.equal(late, before[:, -1]), f"the first of {LENGTH} frames changes nothing in the last")


def test_step_by_step_equals_forward(subject: Subject) -> None:
    """`step` over frames one by one gives what `forward` gives over all."""
    state, steps = subject.state(), []
    for t in range(LENGTH):
        y, state = subject.mixer.step(subject.x[:, t], state)
        steps.append(y)
    _close(torch.stack(steps, 1), subject.mixer(subject.x)[0], "step by step, and at once")


def test_steps_that_can_be_recorded_change_the_state_in_place(subject: Subject) -> None:
    """A mixer that says that a GPU may replay its step keeps each tensor of the state where and as long as it is."""
    if not subject.mixer.recordable:
        return
    state = subject.state()
    first = {name: (t.data_ptr(), t.shape) for name, t in state.items()}
    for t in range(3):
        _, state = subject.mixer.step(subject.x[:, t], state)
        hold({name: (t.data_ptr(), t.shape) for name, t in state.items()} == first, "the state has moved or grown")


def test_in_two_pieces_equals_in_one(subject: Subject) -> None:
    """A state that is continued: a long input may come in pieces."""
    for cut in (1, 8, LENGTH - 1):
        first, state = subject.mixer(subject.x[:, :cut], subject.state())
        second, _ = subject.mixer(subject.x[:, cut:], state)
        _close(torch.cat([first, second], 1), subject.mixer(subject.x)[0], f"cut at {cut}, and in one")


def test_padding_on_the_left_changes_nothing(subject: Subject) -> None:
    """Masked frames on the left change neither later outputs nor the state."""
    padded = torch.cat([torch.full_like(subject.x[:, :6], 3.0), subject.x], 1)
    mask = torch.ones(padded.shape[:2], dtype=torch.bool)
    mask[:, :6] = False
    whole = subject.mixer(subject.x)[0]
    _close(subject.mixer(padded, None, mask)[0][:, 6:], whole, "padded, and not, without a state")
    y, state = subject.mixer(padded, subject.state(), mask)
    _close(y[:, 6:], whole, "padded, and not")
    after, _ = subject.mixer.step(subject.x[:, 0], state)
    expected, _ = subject.mixer.step(subject.x[:, 0], subject.mixer(subject.x, subject.state())[1])
    _close(after, expected, "the frame after padded ones, and after others")


def test_sequences_of_a_batch_are_apart(subject: Subject) -> None:
    """A sequence alone is the sequence in a batch."""
    together = subject.mixer(subject.x)[0]
    for i in range(2):
        _close(subject.mixer(subject.x[i : i + 1])[0], together[i : i + 1], "alone, and in a batch")


def test_counted_products_are_those_that_run(subject: Subject) -> None:
    """`flops` counts the products that torch is seen to compute; elementwise work stands beside them."""
    with kernel_counter() as counter:
        subject.mixer(subject.x[:1])
    ran, counted = counter.get_total_flops(), subject.mixer.flops(LENGTH).matmul
    hold(abs(ran - counted) <= 1e-9 * max(ran, 1), f"{counted:g} FLOPs are counted, and {ran:g} run")


def test_state_bytes_are_those_of_the_state(subject: Subject) -> None:
    """`state_bytes` is what the state's numbers take after so many frames."""
    state = subject.mixer(subject.x, subject.state())[1]
    used = 0
    for name, tensor in (state or {}).items():
        if tensor.is_floating_point():
            filled = tensor[:, :, :LENGTH] if name in CACHES else tensor
            used += filled.numel() * filled.element_size()
    stated = 2 * subject.mixer.state_bytes(LENGTH, element_size=8)
    hold(used == stated, f"{stated} bytes are stated for two sequences, and {used} used")


def test_a_seed_makes_one_mixer(subject: Subject) -> None:
    """The same seed makes the same weights, and the same input the same output."""
    first, second = subject.build(), subject.build()
    for (name, a), (_, b) in zip(first.named_parameters(), second.named_parameters(), strict=True):
        hold(torch.equal(a, b), f"{name} differs under one seed")
    once, again = subject.mixer(subject.x)[0], subject.mixer(subject.x)[0]
    hold(torch.equal(once, again), "two outputs of one input differ")


def test_every_parameter_learns(subject: Subject) -> None:
    """Each parameter has a finite gradient, in single precision, and not zero throughout."""
    mixer = subject.build().train()
    mixer(subject.x.float())[0].square().sum().backward()
    for name, parameter in mixer.named_parameters():
        gradient = parameter.grad
        hold(gradient is not None and bool(gradient.isfinite().all()), f"{name} has no finite gradient")
        hold(gradient is not None and bool(gradient.any()), f"{name} has a gradient of zeros")
