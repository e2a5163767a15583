"""What `training.compile` compiles of Mamba-2 on a GPU: whole blocks, forward and backward, as one graph.

On a CPU, by the backend `aot_eager`, which traces as every backend does and then runs the traced operations as they
are: a part that can't be traced is an error (`fullgraph`), and results are the same numbers.
"""

import pytest
import torch
from language_models import VARIANTS, tiny_config
from mixer_insides import arguments, assert_near, left_padding, results

from ssmttm.models.blocks import Block
from ssmttm.models.kernels import mamba2_plain, ssd
from ssmttm.training.step import compile_blocks

WITHOUT_ATTENTION_MIXERS = ["prefix-mamba", "prefix-simba", "cross-simba", "prefix-mamba1"]


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch):
    """The inside of a mixer isn't left out, as it is on a CPU."""
    monkeypatch.setattr(mamba2_plain, "_apart", mamba2_plain._inner)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def traced(function):
    return torch.compile(function, fullgraph=True, dynamic=False, backend="aot_eager")


CASES = [
    # batch, length, heads, channels, states; chunk, padded, from a state
    ((2, 23, 4, 8, 4), 5, True, False),
    ((2, 50, 2, 16, 32), 16, True, True),
    ((1, 64, 2, 16, 16), 32, False, False),
    ((1, 7, 2, 8, 16), 16, False, True),
]


@pytest.mark.parametrize(("shape", "chunk", "padded", "from_state"), CASES)
def test_the_inside_of_a_mixer_is_one_graph(shape, chunk, padded, from_state):
    mask = left_padding(*shape[:2]) if padded else None
    given = arguments(*shape, from_state=from_state, dtype=torch.float32)

    def inside(*tensors):
        return mamba2_plain.mamba2_inner(mamba2_plain.Inputs(*tensors, mask, chunk, 1e-5))

    compiled = traced(inside)
    expected = results(lambda inputs: inside(*inputs[:9]), given, mask, chunk)
    assert_near(results(lambda inputs: compiled(*inputs[:9]), given, mask, chunk), expected, 1e-5)


def outcome(block, forward, precision):
    """Loss and gradients of a block in front of padded captions."""
    g = torch.Generator().manual_seed(0)
    x, text = torch.randn(2, 23, 16, generator=g), torch.randn(2, 5, 16, generator=g)
    words = torch.ones(2, 5, dtype=torch.bool)
    words[0, 2:] = False
    block.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        context = block.keys_values(text, words)
        y, _ = forward(x, context, None, left_padding(2, 23) if context is None else None)
        loss = (y.float() * torch.linspace(0, 1, 16)).square().mean()
    loss.backward()
    return {
        "loss": loss.detach(),
        **{name: p.grad.clone() for name, p in block.named_parameters() if p.grad is not None},
    }


@pytest.mark.parametrize(
    ("variant", "precision", "tolerance"),
    [*((variant, "fp32", 1e-5) for variant in WITHOUT_ATTENTION_MIXERS), ("prefix-simba", "bf16", 1e-2)],
)
def test_a_block_is_one_graph(variant, precision, tolerance):
    """In bfloat16, gradients are added up in another order."""
    torch.manual_seed(0)
    block = Block(tiny_config(variant, dropout=0.0), 1)
    expected = outcome(block, block, precision)
    assert_near(outcome(block, traced(block), precision), expected, tolerance)


def test_a_break_would_be_noticed(monkeypatch):
    """So the tests above can fail."""
    monkeypatch.setattr(ssd, "_carried", ssd._Carried.apply)
    block = Block(tiny_config("prefix-mamba", dropout=0.0), 1)
    with pytest.raises(torch._dynamo.exc.TorchDynamoException):
        outcome(block, traced(block), "fp32")


def test_blocks_are_compiled_for_each_shape_by_itself(monkeypatch):
    """Chunks are counted in Python: a length that torch.compile takes for a symbol would be one for each chunk."""
    asked = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: asked.append(how))
    compile_blocks([Block(tiny_config(variant), 1) for variant in VARIANTS])
    assert asked == [{"dynamic": False}] * len(VARIANTS)


@pytest.mark.parametrize("from_state", [False, True])
def test_operators_of_the_recurrence_keep_what_they_say(from_state):
    g = torch.Generator().manual_seed(0)
    kept, added = torch.rand(2, 3, 2, generator=g), torch.randn(2, 3, 2, 4, 5, generator=g)
    state = torch.randn(2, 2, 4, 5, generator=g).requires_grad_() if from_state else None
    torch.library.opcheck(ssd._carried, (kept.requires_grad_(), added.requires_grad_(), state))
