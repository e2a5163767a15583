import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: more threads only cost time, and the suite shares two cores."""
    import torch

    torch.set_num_threads(1)
