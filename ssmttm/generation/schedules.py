"""From noise to latents in a few steps, by the schedulers of diffusers."""

from typing import Any

from torch import Tensor

from ssmttm.choices import SAMPLERS
from ssmttm.errors import UserError
from ssmttm.models.refiner.objectives.diffusion import STEPS, cosine_betas


class Schedule:
    """`steps` steps of a sampler, for one window after the other."""

    def __init__(self, objective: str, sampler: str, steps: int) -> None:
        """Raises UserError for a sampler that doesn't fit what the refiner was trained for."""
        if sampler not in SAMPLERS[objective]:
            fitting = " or ".join(SAMPLERS[objective])
            raise UserError(
                f"generation.sampler is {sampler}, but the refiner was trained by {objective}: set {fitting}"
            )
        self._flow, self._steps = objective == "flow", steps
        self._scheduler = _build(sampler)
        self.restart()

    def __len__(self) -> int:
        return self._steps

    def restart(self) -> None:
        """Before the first step of a window: schedulers remember earlier steps."""
        if self._flow:
            self._scheduler.set_timesteps(sigmas=[1 - i / self._steps for i in range(self._steps)])
        else:
            self._scheduler.set_timesteps(self._steps)

    def time(self, i: int) -> float:
        """The refiner's time, 0 to 1, before step `i`."""
        step = float(self._scheduler.timesteps[i])
        return step / STEPS if self._flow else (step + 1) / STEPS

    def level(self, i: int) -> tuple[float, float]:
        """Before step `i`, noisy latents are the first times the latents plus the second times noise."""
        if self._flow:
            sigma = float(self._scheduler.sigmas[i])
            return 1 - sigma, sigma
        left = float(self._scheduler.alphas_cumprod[int(self._scheduler.timesteps[i])])
        return left**0.5, (1 - left) ** 0.5

    def step(self, i: int, estimate: Tensor, x: Tensor) -> Tensor:
        """Noisy latents after step `i`, from those before it and the refiner's estimate; shapes `[batch, …]`."""
        after: Tensor = self._scheduler.step(estimate, self._scheduler.timesteps[i], x, return_dict=False)[0]
        return after


def _build(sampler: str) -> Any:
    """The scheduler of diffusers, whose import takes a second and whose classes have no types."""
    import diffusers

    if sampler == "euler":
        flow: Any = diffusers.FlowMatchEulerDiscreteScheduler
        return flow(STEPS)
    common = {
        "num_train_timesteps": STEPS,
        "trained_betas": cosine_betas().numpy(),
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",  # from the last training step, which is noise alone
    }
    if sampler == "ddim":
        ddim: Any = diffusers.DDIMScheduler
        return ddim(**common, clip_sample=False, set_alpha_to_one=True)
    dpm: Any = diffusers.DPMSolverMultistepScheduler
    return dpm(**common, algorithm_type="dpmsolver++", final_sigmas_type="zero")
