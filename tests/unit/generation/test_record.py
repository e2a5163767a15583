"""What a generation took is the time of making clips, not of what is done with them."""

import time

import numpy as np
import pytest

from ssmttm.generation.record import Clock


class Codec:
    """What is said of one."""

    identity, vocoder = "spectral:0123", "vocoder:4567"


def test_only_the_making_of_clips_is_timed():
    def made():
        for _ in range(3):
            time.sleep(0.02)
            yield np.zeros(50, np.float32)

    clock = Clock(rate=100)
    for _ in clock.timed(made()):
        time.sleep(0.2)  # writing
    by = {"mamba2": "tensor operations", "launched": "one by one"}
    record = clock.record(2, {"sampler_steps": 8}, Codec(), by)
    assert 0.06 <= record["seconds"] < 0.3
    assert (record["audio_seconds"], record["clips"], record["stages"]) == (pytest.approx(1.5), 3, 2)
    assert (record["codec"], record["vocoder"]) == ("spectral:0123", "vocoder:4567")
    assert record["generation"] == {"sampler_steps": 8}
    assert record["backends"] == by
    assert record["threads"] >= 1
