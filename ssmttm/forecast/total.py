"""The sum of a forecast: hours, disk, memory and money, and how far off they may be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ssmttm.forecast.rates import Gpu
from ssmttm.forecast.stages import Stage

_WAITING = 1.06
"""Wall time over work, by the default study on two cores: starts of jobs, and the last ones alone."""


@dataclass(frozen=True)
class Total:
    """All stages together, on so many cores and GPUs."""

    jobs: int
    core_hours: float
    gpu_hours: float
    wall_hours: float
    factor: float
    """By which the hours may be off, either way."""
    disk_gb: float
    memory_gb: float
    """Of as many jobs as there are cores, if each is like the largest; with GPUs, that of the largest job on one."""
    money: float
    cores: int
    gpus: int
    core_price: float
    gpu_price: float


def total(
    stages: Sequence[Stage], cores: int, gpus: int, gpu: Gpu | None, core_price: float, gpu_price: float | None
) -> Total:
    """The sum over `stages`; without a price of a GPU-hour, that of the GPU's kind."""
    core_hours, gpu_hours = (sum(getattr(stage, name) for stage in stages) for name in ("core_hours", "gpu_hours"))
    work = core_hours + gpu_hours
    price = gpu_price if gpu_price is not None else (gpu.price if gpu else 0.0)
    wall = max(core_hours / cores, gpu_hours / gpus if gpus else 0.0) * _WAITING
    at_once = cores if gpu is None else 1
    return Total(
        jobs=sum(stage.jobs for stage in stages),
        core_hours=core_hours,
        gpu_hours=gpu_hours,
        wall_hours=wall,
        factor=1 + math.hypot(*(stage.spread for stage in stages)) / work if work else 1.0,
        disk_gb=sum(stage.disk_gb for stage in stages),
        memory_gb=max((stage.memory_gb for stage in stages), default=0.0) * at_once,
        money=core_hours * core_price + gpu_hours * price,
        cores=cores,
        gpus=gpus,
        core_price=core_price,
        gpu_price=price,
    )
