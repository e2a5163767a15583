"""Training a vocoder: from mel frames, many of them made of codes, back to the audio that they are of."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ssmttm.codecs.spectral import SpectralCodec
from ssmttm.errors import UserError
from ssmttm.seeds import stable_int
from ssmttm.settings import VocoderSpec
from ssmttm.training.task import Fit, Forward, Rows, Task
from ssmttm.training.waves import WaveSet
from ssmttm.vocoder.adversarial import PARTS, SPECTRAL, AdversarialVocoder
from ssmttm.vocoder.network import VocoderConfig
from ssmttm.vocoder.weights import save_vocoder

_DITHER_CLIPS = 200


class VocoderTask(Task):
    """Examples are crops of about a second, one of each clip per epoch, in another place each time."""

    model: AdversarialVocoder
    train: WaveSet
    validation: WaveSet
    test: WaveSet
    parts = PARTS
    product = "vocoder.safetensors"

    def __init__(
        self, spec: VocoderSpec, codec: SpectralCodec, sets: Mapping[str, WaveSet], origin: Mapping[str, object]
    ) -> None:
        """`sets` has train, validation and test, at the codec's rate; `origin` is kept in the vocoder's file.

        Raises UserError for clips shorter than a crop.
        """
        self.spec, self.settings, self.codec, self.origin = spec, spec["vocoder"], codec, origin
        self.train, self.validation, self.test = sets["train"], sets["validation"], sets["test"]
        settings, hop = self.settings, codec.mel_settings["hop"]
        sizes = {key: settings[key] for key in ("width", "inner", "layers", "projections")}
        self.config = VocoderConfig(**codec.mel_settings, **sizes)
        self.crop, self.judged = settings["crop"] * hop, settings["judged"] * hop  # samples
        self.latest = self.train.length // codec.hop * codec.hop - self.crop  # last sample that a crop may start at
        if self.latest < 0:
            raise UserError(
                f"vocoder.crop is {settings['crop']} mel frames, {self.crop} samples, but clips have "
                f"{self.train.length}; lower it"
            )

    def build(self, device: torch.device, fit: Fit) -> None:
        """See `Task`."""
        self.model = AdversarialVocoder(self.config).to(device)
        if self.settings["dither"]:
            self.model.vocoder.dither.copy_(torch.from_numpy(self.settings["dither"] * self._rest_root()))

    def _rest_root(self) -> np.ndarray:
        """A root of the second moments of what codes of all levels leave out of mel features: float32 `[n, n]`."""
        size = self.config.stack * self.config.bands
        moments, frames = np.zeros((size, size)), 0
        for clip in np.unique(np.linspace(0, len(self.train) - 1, _DITHER_CLIPS).astype(int)):
            wave = self.train.read(int(clip), 0, self.train.length)
            rest = self.codec.mel(wave) - self.codec.mel_of(self.codec.encode(wave), self.codec.codebooks)
            rest = rest.reshape(-1, size).astype(np.float64)
            moments, frames = moments + rest.T @ rest, frames + len(rest)
        values, vectors = np.linalg.eigh(moments / frames)
        return ((vectors * np.sqrt(values.clip(0))) @ vectors.T).astype(np.float32)

    def losses(self, forward: Forward, rows: Rows, device: torch.device) -> Tensor:
        """See `Task`. From `adversarial_from` on, the discriminator hears a piece of each example."""
        examples, heard = [], []
        for clip, position in zip(rows.indices, rows.positions, strict=True):
            random = np.random.default_rng(stable_int("vocoder", rows.seed, rows.step, position))
            levels = int(random.choice(len(self.settings["levels"]), p=self.settings["levels"]))
            start = self.codec.hop * int(random.integers(self.latest // self.codec.hop + 1))
            examples.append(self._example(self.train, int(clip), start, levels))
            first = int(random.integers(self.crop - self.judged + 1))
            heard.append(slice(first, first + self.judged))
        mel, wave = self._batch(examples, device)
        parts: Tensor = forward(mel, wave, heard if rows.step >= self.settings["adversarial_from"] else None)
        return parts

    def held_out(self, clips: WaveSet, indices: np.ndarray, device: torch.device) -> Tensor:  # type: ignore[override]
        """See `Task`: of the middles of clips, from codes of all levels.

        What two opponents make of each other is no measure of either: the parts of the discriminator are zero.
        """
        middle = self.latest // 2 // self.codec.hop * self.codec.hop
        examples = [self._example(clips, int(clip), middle, self.codec.codebooks) for clip in indices]
        return self.model(*self._batch(examples, device), None)

    def objective(self, parts: Tensor) -> Tensor:
        """See `Task`: the parts by the weights of the settings; the discriminator's own counts in full."""
        weights = [self.settings["weights"].get(part, 1.0) for part in PARTS]
        return (parts * parts.new_tensor(weights)).sum()

    def _batch(self, examples: list[tuple[np.ndarray, np.ndarray]], device: torch.device) -> tuple[Tensor, Tensor]:
        mel, wave = (torch.from_numpy(np.stack(of)).to(device) for of in zip(*examples, strict=True))
        return mel, wave

    def _example(self, clips: WaveSet, clip: int, start: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
        """Mel frames `[crop, bands]`, clean or of codes of `levels` levels, and the samples that they are of.

        They are those of the whole clip: a frame of codes more on either side has what they depend on.
        """
        hop = self.codec.hop
        first, stop = max(0, start - hop), min(clips.length, start + self.crop + hop)
        around = clips.read(clip, first, stop)
        mel = self.codec.mel_of(self.codec.encode(around), levels) if levels else self.codec.mel(around)
        skipped = (start - first) // self.config.hop
        wave = around[start - first : start - first + self.crop]
        return mel[skipped : skipped + self.settings["crop"]], wave

    @cached_property
    def _flops(self) -> float:
        mel = torch.zeros(1, self.settings["crop"], self.config.bands)
        with torch.device("cpu"), torch.random.fork_rng(devices=[]), torch.no_grad():
            model = AdversarialVocoder(self.config)
            with FlopCounterMode(display=False) as counter:
                model(mel, torch.zeros(1, self.crop), [slice(0, self.judged)])
        return float(counter.get_total_flops())

    @property
    def clip_flops(self) -> float:
        """See `Task`: of an example, with the discriminator, as counted by torch; transforms are not."""
        return self._flops

    @property
    def clip_tokens(self) -> int:
        """See `Task`: samples of an example."""
        return self.crop

    def save(self, path: Path, more: Mapping[str, object]) -> None:
        """See `Task`: the vocoder alone."""
        save_vocoder(path, self.model.vocoder, {"spec": self.spec, "codec": self.codec.identity, **self.origin, **more})

    def blocks(self) -> Iterable[nn.Module]:
        """See `Task`."""
        return self.model.vocoder.blocks

    def record(self) -> dict[str, object]:
        """See `Task`."""
        sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in self.model.named_children()}
        return {
            **self.origin,
            "codec": self.codec.identity,
            "mel": self.codec.mel_settings,
            "parameters_by_group": sizes,
            "seconds_of_clip": self.train.length / self.codec.sample_rate,
            "spectral_parts": PARTS[:SPECTRAL],
        }
