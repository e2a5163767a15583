"""A ConvNeXt over mel frames that predicts each frame's spectrum, after Vocos (Siuzdak 2023, arXiv 2306.00814)."""

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssmttm.audio.mel import filter_bank

KERNEL = 7
"""Frames that one depthwise convolution sees."""
_HIGHEST_LOG_MAGNITUDE = 7.0
_EPSILON = 1e-6
_LEAST_POWER = 1e-8  # of a bin whose phase is worth keeping


@dataclass(frozen=True)
class VocoderConfig:
    """Sizes of a vocoder, and the mel frames that it takes; `stack` of these are one frame of codes."""

    sample_rate: int
    fft: int
    hop: int
    bands: int
    stack: int
    width: int = 256
    inner: int = 512
    layers: int = 8
    projections: int = 1

    @property
    def reach(self) -> int:
        """Frames before and after a frame that its spectrum depends on."""
        return (self.layers + 1) * (KERNEL // 2)

    @property
    def overlap(self) -> int:
        """Frames that share a sample."""
        return self.fft // self.hop

    @property
    def margin(self) -> int:
        """Frames before and after a frame's samples that these depend on."""
        return self.reach + self.projections * (self.overlap - 1) + self.overlap // 2

    def __post_init__(self) -> None:
        """Raise ValueError for sizes of which no vocoder can be built."""
        numbers = asdict(self)
        least = dict.fromkeys(numbers, 1) | {"projections": 0}
        if wrong := [name for name, value in numbers.items() if type(value) is not int or value < least[name]]:
            raise ValueError(f"{wrong[0]} {numbers[wrong[0]]!r} should be a whole number of {least[wrong[0]]} or more")
        if self.fft % self.hop or self.overlap % 2:
            raise ValueError(f"fft {self.fft} should be an even multiple of hop {self.hop}")


class _Block(nn.Module):
    """Depthwise convolution over time, then two layers over channels, added to the input."""

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(config.width, config.width, KERNEL, padding=KERNEL // 2, groups=config.width)
        self.norm = nn.LayerNorm(config.width, eps=_EPSILON)
        self.up = nn.Linear(config.width, config.inner)
        self.down = nn.Linear(config.inner, config.width)
        self.scale = nn.Parameter(torch.full((config.width,), 1 / config.layers))

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.norm(self.over_time(x.mT).mT)
        changed: Tensor = x + self.scale * self.down(F.gelu(self.up(mixed), approximate="tanh"))
        return changed


class Vocoder(nn.Module):
    """Log-mel frames `[n, frames, bands]` to samples `[n, frames * hop]`.

    A frame's magnitudes are the mel frame spread over the spectrum's bins, times what the network predicts. Its phases
    are predicted relative to those of sinusoids in the middle of each bin, which go on from frame to frame: a network
    that sees the same frame again and again then goes on with the same tones, where absolute phases would start anew
    with every hop.

    `dither` `[stack * bands, stack * bands]` makes, of standard normal numbers, noise like what codes leave out of
    mel frames; zeros are none. `synthesis.vocode` adds it, and training does not.
    """

    dither: Tensor
    interpolation: Tensor
    log_widths: Tensor
    window: Tensor

    def __init__(self, config: VocoderConfig) -> None:
        super().__init__()
        self.config = config
        bins = config.fft // 2 + 1
        self.embed = nn.Conv1d(config.bands, config.width, KERNEL, padding=KERNEL // 2)
        self.norm_in = nn.LayerNorm(config.width, eps=_EPSILON)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm_out = nn.LayerNorm(config.width, eps=_EPSILON)
        self.head = nn.Linear(config.width, 3 * bins)  # log gain, real and imaginary part of the phase
        self.register_buffer("dither", torch.zeros(config.stack * config.bands, config.stack * config.bands))
        bank = torch.tensor(filter_bank(config.sample_rate, config.fft, config.bands))
        self.register_buffer("interpolation", bank / bank.sum(0).clamp_min(1e-9), persistent=False)
        self.register_buffer("log_widths", bank.sum(1).log(), persistent=False)
        self.register_buffer("window", torch.hann_window(config.fft), persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                depthwise = isinstance(module, nn.Conv1d) and module.groups > 1
                nn.init.trunc_normal_(module.weight, std=0.1 if depthwise else 0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, mel: Tensor, first: int = 0) -> Tensor:
        """The samples; `first` is the number of the first frame in the recording, so that pieces fit together."""
        spectra = self.spectra(mel, first)
        for _ in range(self.config.projections):
            spectra = self.project(spectra)
        return self.synthesize(spectra)

    def project(self, spectra: Tensor) -> Tensor:
        """The same magnitudes, with phases that overlapping frames agree on: one step of Griffin and Lim (1984).

        Magnitudes of frames whose phases disagree are not those of the signal that they add up to, which fluctuates
        less than music does. A network that trains through the step predicts them for what comes out of it.
        """
        agreed = torch.fft.rfft(self._add_up(spectra).unfold(1, self.config.fft, self.config.hop) * self.window)
        size = agreed.real.square() + agreed.imag.square() + _LEAST_POWER
        scale = spectra.abs() * torch.rsqrt(size)
        return torch.complex(agreed.real * scale, agreed.imag * scale)

    def spectra(self, mel: Tensor, first: int = 0) -> Tensor:
        """Complex spectra `[n, frames, fft / 2 + 1]` of windowed frames."""
        x = self.norm_in(self.embed(((mel + 4) / 3).mT).mT)
        for block in self.blocks:
            x = block(x)
        gain, real, imaginary = self.head(self.norm_out(x)).float().chunk(3, dim=-1)
        base = (mel - self.log_widths) @ self.interpolation
        magnitude = (base + gain).clamp(max=_HIGHEST_LOG_MAGNITUDE).exp()
        length = torch.rsqrt(real.square() + imaginary.square() + _EPSILON)
        return torch.complex(magnitude * length * real, magnitude * length * imaginary) * self._turn(mel, first)

    def _turn(self, mel: Tensor, first: int) -> Tensor:
        """How far a sinusoid in the middle of each bin has turned at each frame, as complex numbers of length one."""
        frames = torch.arange(first, first + mel.shape[1], device=mel.device)
        bins = torch.arange(self.config.fft // 2 + 1, device=mel.device)
        turns = (frames[:, None] * bins) % self.config.overlap / self.config.overlap
        return torch.polar(torch.ones_like(turns), 2 * math.pi * turns)

    def synthesize(self, spectra: Tensor) -> Tensor:
        """Samples `[n, frames * hop]` of `spectra`."""
        edge, hop = (self.config.fft - self.config.hop) // 2, self.config.hop
        return self._add_up(spectra)[:, edge : edge + spectra.shape[1] * hop]

    def _add_up(self, spectra: Tensor) -> Tensor:
        """Windowed signals of frames added up, over the sum of their windows' squares: `[n, (frames + 3) * hop]`."""
        overlap = self.config.overlap
        frames = torch.fft.irfft(spectra, n=self.config.fft) * self.window
        weight = _overlap_add(self.window.square().expand(1, frames.shape[1], -1), overlap)
        return _overlap_add(frames, overlap) / weight.clamp_min(1e-3)


def _overlap_add(frames: Tensor, overlap: int) -> Tensor:
    """Frames `[n, frames, overlap * hop]`, a hop apart, added up to signals `[n, (frames + overlap - 1) * hop]`."""
    parts = frames.reshape(*frames.shape[:2], overlap, -1).unbind(2)
    shifted = (F.pad(part, (0, 0, i, overlap - 1 - i)) for i, part in enumerate(parts))
    return sum(shifted, start=torch.zeros(())).flatten(1)
