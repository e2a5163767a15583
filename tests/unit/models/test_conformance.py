"""Against other implementations of Mamba-2, and the checks of mamba's own tests, at their widths and shapes.

The checks of state-spaces/mamba that have a counterpart here: one-step state updates, final
states of packed sequences, the minimal chunked scan, the gated norm, generation, determinism.
"""

import pytest
import torch
import torch.nn.functional as F
from ssd_forms import ssd_recurrent, ssd_step
from transformers import DynamicCache, Mamba2Config
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

from ssmttm.models.config import ModelConfig
from ssmttm.models.inference.decode import settle_, ssd_step_
from ssmttm.models.kernels.ssd import ssd_chunked
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixer import build_mixer
from ssmttm.models.patterns import delay, shift

CPU = torch.device("cpu")


def config(**changes):
    sizes = {"layers": 1, "d_model": 64, "d_state": 16, "d_conv": 4, "expand": 2, "head_dim": 16, "chunk": 32}
    sizes |= {"attention_heads": 4, "feedforward_factor": 2, "dropout": 0.0, "final_norm": True}
    sizes |= {"codebooks": 2, "codebook_size": 32, "text_width": 24}
    design = {"mixer": "mamba2", "feedforward": "gelu", "conditioning": "prefix"}
    return ModelConfig(**(design | sizes | changes))


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def scan_inputs(batch, length, heads, channels, size, dtype=torch.float32):
    dt = F.softplus(drawn(batch, length, heads, seed=1) - 4)
    a = -torch.linspace(1, 16, heads)
    b, c = (drawn(batch, length, size, seed=s) / size**0.5 for s in (2, 3))
    return [t.to(dtype) for t in (drawn(batch, length, heads, channels), dt, a, b, c)]


def assert_near(got, truth, tolerance):
    assert (got - truth).abs().max() <= tolerance * truth.abs().max()


SHAPES = {
    "small": ({"d_model": 64, "d_state": 16, "head_dim": 16, "chunk": 16}, 37),
    "paper": ({"d_model": 1024, "d_state": 512, "head_dim": 64, "chunk": 32}, 70),
}


@pytest.fixture(scope="module", params=SHAPES)
def peers(request):
    """transformers' mixer with weights away from their initial values, ours with the same ones, and inputs."""
    sizes, length = SHAPES[request.param]
    torch.manual_seed(0)
    ours = build_mixer(config(**sizes), 1).eval()
    width, heads = sizes["d_model"], ours.heads
    theirs_config = Mamba2Config(
        hidden_size=width,
        num_heads=heads,
        head_dim=sizes["head_dim"],
        state_size=sizes["d_state"],
        n_groups=1,
        chunk_size=sizes["chunk"],
        num_hidden_layers=1,
    )
    theirs = Mamba2Mixer(theirs_config, 0).eval()
    assert theirs.time_step_limit == (0.0, float("inf"))  # or it would clamp the step sizes
    with torch.no_grad():
        for parameter in (theirs.D, theirs.norm.weight):
            parameter.uniform_(0.5, 1.5)
        theirs.A_log.copy_(torch.linspace(1, 16, heads).log())
        for mine, its in {
            ours.in_proj.weight: theirs.in_proj.weight,
            ours.conv_weight: theirs.conv1d.weight[:, 0].T,
            ours.conv_bias: theirs.conv1d.bias,
            ours.dt_bias: theirs.dt_bias,
            ours.a_log: theirs.A_log,
            ours.d: theirs.D,
            ours.norm.weight: theirs.norm.weight,
            ours.out_proj.weight: theirs.out_proj.weight,
        }.items():
            mine.copy_(its)
    return ours, theirs, theirs_config, drawn(2, length, width)


def test_a_mixer_is_transformers_with_its_weights(peers):
    ours, theirs, _, x = peers
    mine, its = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, expected = ours(mine)[0], theirs(its)
    torch.testing.assert_close(y, expected, atol=1e-4, rtol=1e-4)
    y.square().sum().backward()
    expected.square().sum().backward()
    assert_near(mine.grad, its.grad, 1e-4)
    assert_near(ours.in_proj.weight.grad, theirs.in_proj.weight.grad, 1e-4)
    assert_near(ours.a_log.grad, theirs.A_log.grad, 1e-4)


@torch.no_grad()
def test_its_steps_after_a_sequence_are_transformers(peers):
    ours, theirs, theirs_config, x = peers
    cache = DynamicCache(config=theirs_config)
    cut = x.shape[1] - 6
    y, state = ours(x[:, :cut], ours.init_state(2, CPU, torch.float32))
    torch.testing.assert_close(y, theirs(x[:, :cut], cache_params=cache), atol=1e-4, rtol=1e-4)
    for t in range(cut, x.shape[1]):
        y, state = ours.step(x[:, t], state)
        torch.testing.assert_close(y, theirs(x[:, t : t + 1], cache_params=cache)[:, 0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("inner", [2048, 4096])
def test_one_step_updates_every_channel_by_the_formula(inner, size):
    x, dt, a, b, c = scan_inputs(2, 1, inner // 64, 64, size)
    x, dt, b, c = (t[:, 0] for t in (x, dt, b, c))
    state = drawn(2, inner // 64, 64, size, seed=4)
    h = state.double().flatten(1, 2)  # [batch, channels, N]: each channel with the dt and A of its head
    step = dt.double().repeat_interleave(64, 1)[..., None]
    h = h * torch.exp(step * a.double().repeat_interleave(64)[:, None])
    h = h + step * b.double()[:, None] * x.double().flatten(1)[..., None]
    y = (h * c.double()[:, None]).sum(-1)
    got, end = ssd_step(x, dt, a, b, c, state)
    kept = {"ssm": state}
    in_place = ssd_step_(x, dt, a, b, c, kept)
    for got_y, got_state in ((got, end), (in_place, settle_(kept))):
        assert_near(got_y.double().flatten(1), y, 1e-5)
        assert_near(got_state.double().flatten(1, 2), h, 1e-6)


@pytest.mark.parametrize("chunk", [64, 128])
def test_final_states_of_sequences_padded_on_the_left_are_their_own(chunk):
    lengths = [1, 17, 64, 130, 199]
    x, dt, a, b, c = scan_inputs(len(lengths), 199, 64, 64, 32)
    valid = torch.arange(199) >= 199 - torch.tensor(lengths)[:, None]
    y, states = ssd_chunked(x, dt * valid[..., None], a, b, c, chunk)
    for i, n in enumerate(lengths):
        own, own_state = ssd_chunked(
            *(t[i : i + 1, -n:] for t in (x, dt)), a, *(t[i : i + 1, -n:] for t in (b, c)), chunk
        )
        assert_near(states[i : i + 1], own_state, 1e-5)
        assert_near(y[i : i + 1, -n:], own, 1e-5)


def test_the_chunked_scan_of_2048_frames_of_2048_channels_is_the_recurrence():
    arguments = scan_inputs(1, 2048, 32, 64, 64)
    truth, end = ssd_recurrent(*arguments, torch.zeros(1, 32, 64, 64))
    got, got_end = ssd_chunked(*arguments, 64)
    assert_near(got, truth, 2e-5)  # both are rounded
    assert_near(got_end, end, 2e-5)


def test_the_gate_comes_before_the_norm_forward_and_backward():
    """With B = C = 0 and a convolution that does nothing, a mixer is its gated norm, here 2,048 wide."""
    torch.manual_seed(0)
    mixer = build_mixer(config(d_model=1024, d_state=2, head_dim=64), 1)
    inner = mixer.inner
    with torch.no_grad():
        mixer.in_proj.weight[2 * inner : 2 * inner + 4] = 0  # B and C
        mixer.conv_bias.zero_()
        mixer.conv_weight.zero_()[-1] = 1
        mixer.norm.weight.uniform_(0.5, 1.5)
    x = drawn(4, 64, 1024).requires_grad_()
    y, _ = mixer(x)
    y.backward(drawn(*y.shape, seed=1))

    again = x.detach().double().requires_grad_()
    weight = mixer.norm.weight.detach().double().requires_grad_()
    z, u = (again @ mixer.in_proj.weight[: 2 * inner].detach().double().T).split(inner, -1)
    gated = F.silu(u) * F.silu(z)  # D = 1
    normed = gated / (gated.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight
    expected = normed @ mixer.out_proj.weight.detach().double().T
    expected.backward(drawn(*y.shape, seed=1).double())
    assert_near(y.double(), expected, 1e-5)
    assert_near(x.grad.double(), again.grad, 1e-5)
    assert_near(mixer.norm.weight.grad.double(), weight.grad, 1e-5)


@torch.no_grad()
@pytest.mark.parametrize("design", [{"mixer": "mamba2"}, {"mixer": "attention", "conditioning": "cross"}])
def test_logits_of_generation_are_those_of_one_forward_pass(design):
    torch.manual_seed(0)
    model = MusicLM(config(d_model=1024, layers=4, d_state=128, head_dim=64, attention_heads=16, **design)).eval()
    codes = torch.randint(0, 32, (3, 2, 19), generator=torch.Generator().manual_seed(0))
    inputs = shift(delay(codes, model.special), model.special)
    text, mask = drawn(3, 6, 24), torch.arange(6) < torch.tensor([[6], [2], [4]])
    stream = model.start(text, mask)
    got = torch.stack([model.step(inputs[..., t], stream) for t in range(20)], 1)
    torch.testing.assert_close(got, model(inputs, text, mask), atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_prompts_of_unequal_length_continue_together_as_alone():
    torch.manual_seed(0)
    mixer = build_mixer(config(d_model=256, d_state=64, head_dim=64), 1).eval()
    lengths, longest, more = [170, 65, 100], 170, 20
    x, following = drawn(3, longest, 256), drawn(3, more, 256, seed=1)
    mask = torch.arange(longest) >= longest - torch.tensor(lengths)[:, None]
    y, state = mixer(x, mixer.init_state(3, CPU, torch.float32), mask)
    steps = []
    for t in range(more):
        out, state = mixer.step(following[:, t], state)
        steps.append(out)
    together = torch.cat([y, torch.stack(steps, 1)], 1)
    for i, n in enumerate(lengths):
        alone, _ = mixer(torch.cat([x[i : i + 1, -n:], following[i : i + 1]], 1))
        torch.testing.assert_close(together[i : i + 1, -n - more :], alone, atol=1e-5, rtol=1e-4)


def test_a_mixers_gradients_repeat_bitwise():
    torch.manual_seed(0)
    mixer = build_mixer(config(d_model=256, d_state=64, head_dim=64, chunk=64), 1)
    assert mixer.heads == 8
    x = drawn(2, 2048, 256)

    def gradients():
        mixer.zero_grad()
        own = x.clone().requires_grad_()
        y, _ = mixer(own)
        y.square().sum().backward()
        return [y, own.grad, *(p.grad.clone() for p in mixer.parameters())]

    first, second = gradients(), gradients()
    assert len(first) == 10
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
