"""Diffusion by v-prediction (Salimans and Ho 2022, arXiv 2202.00512) on a cosine schedule of 1,000 steps.

x_t = a_t x + s_t noise, with a_t^2 + s_t^2 = 1; the refiner estimates v = a_t noise - s_t x. At the last step almost
nothing of x is left (a = 5e-5), so that sampling may start from noise alone; v is an estimate of -x there.
"""

import math

import torch
from torch import Tensor

from ssmttm.models.refiner.config import RefinerConfig
from ssmttm.models.refiner.continuous import ContinuousRefiner

STEPS = 1000


def cosine_betas() -> Tensor:
    """The variances `[STEPS]` that the steps add (Nichol and Dhariwal 2021, arXiv 2102.09672, equation 17)."""
    places = torch.arange(STEPS + 1, dtype=torch.float64) / STEPS
    left = ((places + 0.008) / 1.008 * math.pi / 2).cos().square()
    return (1 - left[1:] / left[:-1]).clamp(max=0.999)


class Model(ContinuousRefiner):
    """A refiner that estimates v."""

    signal: Tensor
    """a_t `[STEPS]`."""
    noise: Tensor
    """s_t `[STEPS]`."""

    def __init__(self, config: RefinerConfig) -> None:
        super().__init__(config)
        left = (1 - cosine_betas()).cumprod(0)
        self.register_buffer("signal", left.sqrt().float(), persistent=False)
        self.register_buffer("noise", (1 - left).sqrt().float(), persistent=False)

    def corrupt(self, x: Tensor, noise: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `ContinuousRefiner`; all steps are as likely."""
        step = (place * STEPS).long().clamp(max=STEPS - 1)
        a, s = self.signal[step][:, None, None].to(x.dtype), self.noise[step][:, None, None].to(x.dtype)
        return a * x + s * noise, (step + 1) / STEPS, a * noise - s * x
