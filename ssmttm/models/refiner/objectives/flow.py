"""Rectified flow (Liu et al. 2022, arXiv 2209.03003): x_t = (1 - t) x + t noise; the refiner estimates noise - x."""

from torch import Tensor

from ssmttm.models.refiner.continuous import ContinuousRefiner


class Model(ContinuousRefiner):
    """A refiner that estimates the velocity."""

    def corrupt(self, x: Tensor, noise: Tensor, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See `ContinuousRefiner`; all times are as likely."""
        t = place[:, None, None].to(x.dtype)
        return (1 - t) * x + t * noise, place, noise - x
