"""The compiled loops give what the plain tensor operations give, forward and backward."""

import multiprocessing

import pytest
import torch
from mixer_insides import arguments, assert_near, left_padding, results
from torch.utils.flop_counter import FlopCounterMode

from ssmttm.models.kernels import mamba2_blocks, mamba2_cpu, mamba2_plain
from ssmttm.models.kernels.ssd import ssd_flops


@pytest.mark.parametrize("from_state", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("shape", "chunk"), [((3, 23, 2, 4, 5), 7), ((2, 8, 2, 4, 5), 1), ((2, 16, 1, 2, 3), 64), ((1, 2, 1, 2, 3), 4)]
)
def test_equals_the_plain_form_with_all_gradients(shape, chunk, padded, from_state):
    given = arguments(*shape, from_state=from_state)
    mask = left_padding(*shape[:2]) if padded else None
    expected = results(mamba2_plain.mamba2_inner, given, mask, chunk)
    assert_near(results(mamba2_cpu.mamba2_inner, given, mask, chunk), expected, 1e-12)


@pytest.mark.parametrize("from_state", [False, True])
def test_single_precision_is_near_double(from_state):
    shape = (2, 150, 4, 16, 32)
    expected = results(mamba2_plain.mamba2_inner, arguments(*shape, from_state=from_state), None, 64)
    got = results(mamba2_cpu.mamba2_inner, arguments(*shape, from_state=from_state, dtype=torch.float32), None, 64)
    assert_near(got, expected, 2e-5)


def test_bfloat16_is_near_double():
    shape = (2, 150, 4, 16, 32)
    expected = results(mamba2_plain.mamba2_inner, arguments(*shape), None, 64)
    given = arguments(*shape, dtype=torch.float32)
    assert_near(results(mamba2_cpu.mamba2_inner, given, None, 64, precision=torch.bfloat16), expected, 0.05)


def test_large_steps_keep_their_digits():
    """Sums of dt a in the thousands: their differences must not be taken in single precision."""
    shape = (1, 256, 2, 4, 8)
    given, exact = arguments(*shape, dtype=torch.float32), arguments(*shape)
    given[3], exact[3] = (t[3].detach().add(6).requires_grad_() for t in (given, exact))
    expected = results(mamba2_plain.mamba2_inner, exact, None, 256)
    got = results(mamba2_cpu.mamba2_inner, given, None, 256)
    assert_near({"out": got["out"]}, {"out": expected["out"]}, 5e-6)


def test_thread_and_block_counts_change_only_rounding(monkeypatch):
    given = arguments(5, 40, 2, 4, 5, dtype=torch.float32)
    threads = torch.get_num_threads()
    expected = results(mamba2_cpu.mamba2_inner, given, None, 16)
    monkeypatch.setattr(mamba2_blocks, "BLOCK", 500)
    torch.set_num_threads(1)
    try:
        assert_near(results(mamba2_cpu.mamba2_inner, given, None, 16), expected, 1e-5)
    finally:
        torch.set_num_threads(threads)


def test_the_same_bits_every_time():
    given = arguments(2, 300, 2, 8, 16, dtype=torch.float32)
    first, second = (results(mamba2_cpu.mamba2_inner, given, None, 64) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def threads_after_the_loops(asked):
    torch.set_num_threads(asked)
    results(mamba2_cpu.mamba2_inner, arguments(1, 8, 2, 4, 5, dtype=torch.float32), None, 4)
    return torch.get_num_threads()


@pytest.mark.parametrize("asked", [1, 2])
def test_torch_keeps_the_threads_that_it_was_given(asked):
    # Numba starts its threads once per process, and would have torch use as many.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(threads_after_the_loops, (asked,)) == asked


@pytest.mark.parametrize(("length", "chunk"), [(23, 7), (14, 7), (5, 9)])
def test_counted_products_are_those_that_run(length, chunk):
    heads, channels, size = 2, 4, 5
    given = [None if t is None else t.detach() for t in arguments(3, length, heads, channels, size)]
    with FlopCounterMode(display=False) as counter:
        mamba2_blocks.forward(*given, None, chunk, 1e-5)
    assert counter.get_total_flops() == 3 * ssd_flops(length, heads, channels, size, chunk).matmul
    with FlopCounterMode(display=False) as formula:
        torch.ops.ssmttm.mamba2(*given, None, chunk, 1e-5)
    assert formula.get_total_flops() == counter.get_total_flops()


def test_fake_tensors_and_the_compiler_get_the_right_shapes():
    given = arguments(2, 20, 2, 4, 5, from_state=True)
    given[-1] = given[-1].detach().flatten(1, 2).requires_grad_()
    checks = ("test_schema", "test_faketensor", "test_autograd_registration")
    torch.library.opcheck(torch.ops.ssmttm.mamba2, (*given, None, 7, 1e-5), test_utils=checks)
