"""One window of a refiner: the frames' codes of level 1 and what is known of the others in, the whole window out."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ssmttm.frame_noise import normal, uniform
from ssmttm.generation.schedules import Schedule
from ssmttm.models.refiner.continuous import ContinuousRefiner
from ssmttm.models.refiner.objectives.masked import Model as MaskedRefiner
from ssmttm.models.refiner.refiner import Refiner
from ssmttm.models.refiner.tables import Tables
from ssmttm.settings import GenerationSettings


@dataclass(frozen=True)
class Refinement:
    """How the levels above the first are sampled."""

    sampler: str
    steps: int  # passes of the refiner over a window; a masked one takes at least one for each level
    guidance: float  # null + guidance * (conditional - null); 1 needs no null pass
    snap: bool  # whether latents are rounded to codes

    @classmethod
    def from_settings(cls, settings: GenerationSettings) -> "Refinement":
        """From the config's `generation` section."""
        return cls(settings["sampler"], settings["sampler_steps"], settings["refiner_guidance"], settings["snap"])


@dataclass(frozen=True)
class Captions:
    """Captions `[batch, tokens, width]`, their masks, and a seed for each."""

    text: Tensor
    mask: Tensor
    seeds: list[int]

    def repeated(self, guidance: float) -> tuple[Tensor, Tensor]:
        """Text and mask of one pass: with guidance, the captions and then as many nulls."""
        if guidance == 1:
            return self.text, self.mask
        return torch.cat([self.text, self.text]), torch.cat([self.mask, torch.zeros_like(self.mask)])


def guided(out: Tensor, guidance: float) -> Tensor:
    """The guided estimate of what one pass over `Captions.repeated` gave."""
    if guidance == 1:
        return out
    conditional, null = out.chunk(2)
    return null + guidance * (conditional - null)


class LatentSampler(ABC):
    """States of frames, `[batch, frames, …]`, in whichever form the refiner makes them."""

    levels: int
    """Those above the first, K - 1."""

    @abstractmethod
    def state_of(self, codes: Tensor) -> Tensor:
        """The state of frames whose codes `[batch, K - 1, frames]` of levels 2 to K are known."""

    @abstractmethod
    def sample(self, codes: Tensor, known: Tensor, frames: range, captions: Captions) -> Tensor:
        """The states of `frames`, of which the first ones are `known`.

        Args:
            codes: `[batch, frames]`, of level 1.
            known: `[batch, n, …]`, the first states, which the window is made to continue; n may be 0.
            frames: the frames' numbers, which their noise follows from.
            captions: what is to be heard.
        """

    @abstractmethod
    def latents(self, state: Tensor) -> Tensor:
        """Latents `[batch, frames, C2]`."""


class ContinuousSampler(LatentSampler):
    """States are normalized latents."""

    def __init__(self, refiner: ContinuousRefiner, tables: Tables, refinement: Refinement) -> None:
        self.refiner, self.tables, self.guidance = refiner, tables.normalized(refiner), refinement.guidance
        self.levels = refiner.config.levels - 1
        self.schedule = Schedule(refiner.config.objective, refinement.sampler, refinement.steps)

    def state_of(self, codes: Tensor) -> Tensor:
        """See `LatentSampler`."""
        return self.tables.sums(codes)

    def sample(self, codes: Tensor, known: Tensor, frames: range, captions: Captions) -> Tensor:
        """See `LatentSampler`; before each step, known frames get the noise that they would have there."""
        clean, held = self.tables.first[codes], known.shape[1]
        text, mask = captions.repeated(self.guidance)
        copies = len(text) // len(codes)
        noise = self.refiner.colored(normal(captions.seeds, frames, self.refiner.config.refined, "refine").to(clean))
        x, schedule = noise, self.schedule
        schedule.restart()
        for i in range(len(schedule)):
            signal, level = schedule.level(i)
            x = torch.cat([signal * known + level * noise[:, :held], x[:, held:]], 1)
            time = torch.full((len(text),), schedule.time(i), device=x.device)
            out = self.refiner.predict(x.repeat(copies, 1, 1), clean.repeat(copies, 1, 1), time, text, mask)
            x = schedule.step(i, guided(out, self.guidance), x)
        return torch.cat([known, x[:, held:]], 1)

    def latents(self, state: Tensor) -> Tensor:
        """See `LatentSampler`."""
        return self.refiner.restored(state)


class MaskedSampler(LatentSampler):
    """States are codes `[batch, frames, K - 1]`.

    Level by level, the surest codes first (MaskGIT: Chang et al. 2022, arXiv 2202.04200, section 3.2); all passes but
    one per level go to the first of them, as in SoundStorm.
    """

    def __init__(self, refiner: MaskedRefiner, tables: Tables, refinement: Refinement) -> None:
        self.refiner, self.tables, self.guidance = refiner, tables, refinement.guidance
        self.levels = refiner.config.levels - 1
        self.passes = [max(1, refinement.steps - self.levels + 1)] + [1] * (self.levels - 1)

    def state_of(self, codes: Tensor) -> Tensor:
        """See `LatentSampler`."""
        return codes.transpose(1, 2)

    def sample(self, codes: Tensor, known: Tensor, frames: range, captions: Captions) -> Tensor:
        """See `LatentSampler`."""
        held, count = known.shape[1], len(frames)
        clean = self.refiner.clean(self.tables.first[codes])
        state = codes.new_full((len(codes), len(self.passes), count), self.refiner.masked)
        state[..., :held] = known.transpose(1, 2)
        for level, passes in enumerate(self.passes):
            for number in range(passes):
                left = int((count - held) * math.cos(math.pi / 2 * (number + 1) / passes))
                numbers = uniform(captions.seeds, frames, 2, f"refine {level} {number}").to(clean)
                state[:, level] = self._advanced(state, level, clean, captions, numbers, left)
        return state.transpose(1, 2)

    def _advanced(
        self, state: Tensor, level: int, clean: Tensor, captions: Captions, numbers: Tensor, left: int
    ) -> Tensor:
        """The level's codes `[batch, frames]` with all but `left` of its masked ones drawn."""
        text, mask = captions.repeated(self.guidance)
        copies = len(text) // len(state)
        levels = torch.full((len(text),), level, device=state.device)
        out = self.refiner.logits(state.repeat(copies, 1, 1), levels, clean.repeat(copies, 1, 1), text, mask)
        chances = torch.softmax(guided(out, self.guidance).float(), -1)
        cumulative = chances.cumsum(-1)
        drawn = (cumulative <= numbers[..., :1] * cumulative[..., -1:]).sum(-1).clamp(max=chances.shape[-1] - 1)
        codes = state[:, level]
        hidden = codes == self.refiner.masked
        gumbel = -torch.log(-torch.log(numbers[..., 1].clamp(1e-6, 1 - 1e-6)))
        share = left / max(1, state.shape[-1])
        sure = chances.gather(-1, drawn[..., None])[..., 0].log() + share * gumbel
        order = sure.masked_fill(~hidden, math.inf).argsort(dim=1, stable=True)
        filled = torch.where(hidden, drawn, codes)
        return filled.scatter(1, order[:, :left], self.refiner.masked)

    def latents(self, state: Tensor) -> Tensor:
        """See `LatentSampler`."""
        return self.tables.sums(state.transpose(1, 2))


def build_sampler(refiner: Refiner, tables: Tables, refinement: Refinement) -> LatentSampler:
    """The sampler of a refiner; UserError for settings that don't fit it."""
    if isinstance(refiner, MaskedRefiner):
        return MaskedSampler(refiner, tables, refinement)
    assert isinstance(refiner, ContinuousRefiner)
    return ContinuousSampler(refiner, tables, refinement)
