import tempfile
from types import SimpleNamespace

import pytest
import torch

from ssmttm.device import claim_device, share_among_threads
from ssmttm.errors import UserError


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Two GPUs, numbered as `visible` says: what a scheduler shows a job may start with any of them."""
    visible = ["gpu-a", "gpu-b"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(visible))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=visible[index]))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return visible


def test_each_job_gets_its_own_gpu_and_the_last_one_the_cpu_with_a_warning(two_gpus):
    with claim_device() as first, claim_device() as second:
        assert [str(first), str(second)] == ["cuda:0", "cuda:1"]
        with pytest.warns(UserWarning, match="claimed by another"), claim_device() as third:
            assert third.type == "cpu"


def test_a_gpu_is_free_again_when_its_job_ends(two_gpus):
    with claim_device() as first:
        pass
    with claim_device() as second:
        assert first == second


def test_two_jobs_that_each_see_one_gpu_as_number_0_both_get_it(two_gpus):
    two_gpus[:] = ["gpu-a"]
    with claim_device() as first:
        two_gpus[:] = ["gpu-b"]
        with claim_device() as second:
            assert str(first) == str(second) == "cuda:0"


def test_a_gpu_that_is_not_there_and_a_wrong_name_are_one_message(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("cuda", "gpu7"):
        with pytest.raises(UserError, match=r"--device cpu|no device name"), claim_device(name):
            pass


def test_what_an_apple_gpu_lacks_is_named(monkeypatch):
    with pytest.raises(UserError, match="finds no Apple GPU"), claim_device("mps"):
        pass
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    missing = "The operator 'aten::unfold' is not currently implemented for the MPS device."
    with pytest.raises(UserError, match=r"aten::unfold.*PYTORCH_ENABLE_MPS_FALLBACK=1"), claim_device("mps"):
        raise NotImplementedError(f"{missing}\nMore lines.")
    with pytest.raises(UserError, match="float64"), claim_device("mps"):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")
    with pytest.raises(TypeError, match="a bug"), claim_device("mps"):
        raise TypeError("a bug")


def test_threads_are_set():
    with claim_device("cpu", threads=1) as device:
        assert device.type == "cpu"
        assert torch.get_num_threads() == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_items_are_each_computed_on_one_thread_and_come_in_order(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = share_among_threads(lambda item: (item, torch.get_num_threads()), range(20))
        assert found == [(item, 1) for item in range(20)]
        with pytest.raises(ZeroDivisionError):
            share_among_threads(lambda item: 1 / item, [1, 0])
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
