"""In the path of Python: a training that finds a file `hungry` where it runs takes 3 GB, once."""

import threading
import time
from pathlib import Path


def _wait_and_eat() -> None:
    call, taken = Path("hungry"), []
    while True:
        time.sleep(0.05)
        if call.exists():
            call.unlink()
            taken.append(bytearray(b"x") * (3 << 30))


if b"train\0--run\0memory\0" in Path("/proc/self/cmdline").read_bytes():
    threading.Thread(target=_wait_and_eat, daemon=True).start()
