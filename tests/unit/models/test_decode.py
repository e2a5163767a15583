import pytest
import torch
from language_models import VARIANTS, tiny_model
from ssd_forms import ssd_step

from ssmttm.models.inference import decode
from ssmttm.models.inference.precision import ReducedLinear, set_precision

HEADS, CHANNELS, SIZE = 3, 4, 5


def frame(batch, seed):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    state = draw(batch, HEADS, CHANNELS, SIZE)
    return draw(batch, HEADS, CHANNELS), draw(batch, HEADS).exp(), draw(batch, SIZE), draw(batch, SIZE), state


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_steps_in_place_are_the_steps_as_written(large, monkeypatch):
    monkeypatch.setattr(decode, "LARGE_BYTES", 0 if large else 1 << 40)
    expected_state = frame(2, 0)[-1]
    state = {"ssm": expected_state.clone()}
    place = state["ssm"].data_ptr()
    a = -torch.rand(HEADS, dtype=torch.float64) * 16
    for number in range(2 * decode.RECENT + 3):
        x, dt, b, c, _ = frame(2, number)
        expected, expected_state = ssd_step(x, dt, a, b, c, expected_state)
        torch.testing.assert_close(decode.ssd_step_(x, dt, a, b, c, state), expected, atol=1e-12, rtol=1e-12)
    assert ("recent" in state) == large
    torch.testing.assert_close(decode.settle_(state), expected_state, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(decode.settle_(state), expected_state, atol=1e-12, rtol=1e-12)
    assert state["ssm"].data_ptr() == place


@pytest.mark.parametrize("steps", [3, 16, 21])
@torch.inference_mode()
def test_a_sequence_goes_on_from_updates_that_were_put_off(steps, monkeypatch):
    monkeypatch.setattr(decode, "LARGE_BYTES", 0)
    model = tiny_model("prefix-simba").double()
    codes = torch.randint(0, 7, (2, 3, steps + 9), generator=torch.Generator().manual_seed(1))
    text, mask = torch.randn(2, 5, 6, dtype=torch.float64), torch.ones(2, 5, dtype=torch.bool)
    expected = model(codes, text, mask)[:, -1]
    stream = model.start(text, mask)
    for step in range(steps):
        model.step(codes[..., step], stream)
    model.prefill(codes[..., steps:-1], stream)
    torch.testing.assert_close(model.step(codes[..., -1], stream), expected, atol=1e-10, rtol=1e-10)


def run(model, steps=20):
    g = torch.Generator().manual_seed(1)
    codes = torch.randint(0, 8, (steps, 2, 3), generator=g)
    mask = torch.ones(2, 5, dtype=torch.bool)
    mask[0, 2:] = False
    with torch.inference_mode():
        stream = model.start(torch.randn(2, 5, 6, generator=g), mask)
        model.prefill(codes[: steps // 2].permute(1, 2, 0), stream)
        return torch.stack([model.step(c, stream) for c in codes[steps // 2 :]]), stream


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_of_half_the_bytes_give_nearly_the_same_logits(variant):
    exact, _ = run(tiny_model(variant))
    model = set_precision(tiny_model(variant), "bf16")
    reduced, stream = run(model)
    assert reduced.dtype == torch.float32
    error = (reduced - exact).square().mean() / exact.square().mean()
    assert 0 < error < 4e-4
    assert any(isinstance(m, ReducedLinear) for m in model.modules())
    for state in stream.layers:
        for name in ("ssm", "conv"):
            assert name not in state or state[name].dtype == torch.float32


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="fp16"):
        set_precision(tiny_model("prefix-simba"), "fp16")


@pytest.mark.parametrize("variant", ["prefix-mamba", "cross-simba", "prefix-mamba1"])
@pytest.mark.parametrize("large", [0, 1 << 40])
def test_the_state_of_a_state_space_model_stays_as_large_as_it_is(variant, large, monkeypatch):
    monkeypatch.setattr(decode, "LARGE_BYTES", large)
    model = tiny_model(variant)
    with torch.inference_mode():
        stream = model.start(torch.randn(1, 5, 6), torch.ones(1, 5, dtype=torch.bool))
        sizes = []
        for _ in range(70):
            model.step(torch.zeros(1, 3, dtype=torch.int64), stream)
            sizes.append(sum(t.untyped_storage().nbytes() for state in stream.layers for t in state.values()))
    assert len(set(sizes[2:])) == 1
