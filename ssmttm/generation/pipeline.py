"""From captions to audio with a trained run: text encoder, language model, perhaps a refiner, codec."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from ssmttm.audio.coded import limit_peak
from ssmttm.audio.streams import TooLong, Undecodable, decode
from ssmttm.codecs.base import Codec, load_codec
from ssmttm.errors import UserError
from ssmttm.generation.folder import read_folder
from ssmttm.generation.latent_samplers import Refinement
from ssmttm.generation.prompts import Prompt, check_prompt
from ssmttm.generation.refine import Refined
from ssmttm.generation.sampler import Sampling, generate_codes, stream_codes
from ssmttm.generation.second_stage import SecondStage, find_refiner
from ssmttm.generation.streaming import StreamDecoder
from ssmttm.given import trained_runs
from ssmttm.models.checkpoint import load_model
from ssmttm.models.inference.precision import set_precision
from ssmttm.models.lm import MusicLM
from ssmttm.models.mixer import step_backends
from ssmttm.models.patterns import steps_for
from ssmttm.progress import Progress, notify
from ssmttm.released import check_inputs
from ssmttm.settings import RunSpec
from ssmttm.text.base import TextEncoder, load_encoder
from ssmttm.vocoder import GRIFFIN_LIM

_STATE_BYTES = 2 << 30
"""Most bytes of recurrent state or cache of the captions that are generated at once."""


LONGEST_PROMPT_S = 600.0
"""Of audio that a generation goes on from."""

LEAST_KNOWN = 0.5
"""Share of a prompt's letters in tokens of more than one letter. English has more than 0.9, Cyrillic 0.2 and less."""

_ENDS = 100  # characters of a long text that a message quotes, of either end

CODEC = "codec.safetensors"


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * _ENDS else f"{text[:_ENDS]} … {text[-_ENDS:]}"


def run_folder(model: Path) -> Path:
    """The folder of the run that `model` is: that folder itself, or one of its `checkpoints/NAME.safetensors`."""
    return model.parent.parent if model.suffix == ".safetensors" else model


def find_codec(folder: Path, version: str, identity: str) -> Path:
    """The codec of the run in `folder`: in it, if it was carried there, or in results/data/{version} beside the runs.

    Raises UserError that says which codec is needed and how to name it.
    """
    places = folder / CODEC, folder.absolute().parent.parent / "data" / version / CODEC
    for path in places:
        if path.is_file():
            return path
    raise UserError(
        f"{places[0]}: no such file, nor {places[1]}; the run needs the codec {identity}, which is {CODEC} "
        f"of the data set {version}: copy it into {folder}, or name it with --codec FILE"
    )


@dataclass
class Pipeline:
    """A trained run with what it needs to make audio from captions."""

    model: MusicLM
    codec: Codec
    encoder: TextEncoder
    spec: RunSpec
    device: torch.device
    second: SecondStage | None = None
    """What completes the codes of level 1; None if the language model writes all levels that are decoded."""
    launched: str = "no steps yet"
    """How the steps of the last generation were launched: as a CUDA graph or, for a reason, one by one."""

    @classmethod
    def load(
        cls,
        model: Path,
        codec: Path | None,
        device: torch.device,
        precision: str = "fp32",
        refinement: Refinement | None = None,
        refiner: Path | None = None,
        vocoder: str = GRIFFIN_LIM,
        like: "Pipeline | None" = None,
    ) -> "Pipeline":
        """From results/runs/{run}, one of its checkpoints, or a folder of `ssmttm model export`.

        `codec` None is the one found by `find_codec`.

        `precision` bf16 halves the weights of the language model that every step reads. `refiner` None is the one
        found by `find_refiner`, which may be none; `refinement` says how it samples, None that it isn't used.
        `vocoder` is as for `load_codec`. Codec and text encoder are those of `like`, another model of the run, if it
        is given. Raises UserError for a model that isn't there, is broken or isn't the one that was exported, for a
        codec, text encoder or refiner that is missing or another than the run was trained with, and for a vocoder that
        doesn't go with the codec.
        """
        folder = run_folder(model)
        if (own := read_folder(folder)) is not None:
            own.check()
        path = folder / "model.safetensors" if model == folder else model
        if not path.is_file():
            raise UserError(f"{path}: no trained model; {trained_runs(folder)}")
        trained, origin = load_model(path)
        spec = origin["spec"]
        codec = codec or find_codec(folder, spec["data"]["version"], origin["codec"])
        check_inputs([codec])
        loaded = load_codec(codec, vocoder) if like is None else like.codec
        loaded.to(device)
        if loaded.identity != origin["codec"]:
            raise UserError(
                f"{codec}: is {loaded.identity}, but the run was trained on tokens of {origin['codec']}; "
                f"name that one with --codec FILE, the {CODEC} of the data set {spec['data']['version']}"
            )
        encoder = load_encoder(spec["data"]["text"]) if like is None else like.encoder
        if encoder.identity != origin["text_encoder"]:
            raise UserError(
                f"the text encoder is {encoder.identity}, but the run was trained with {origin['text_encoder']}"
            )
        second = None
        if refinement is not None and (second_file := refiner or find_refiner(folder)) is not None:
            second = SecondStage.load(second_file, refinement, trained, origin, loaded, device)
        return cls(set_precision(trained, precision).to(device), loaded, encoder, spec, device, second)

    def generate(
        self,
        captions: list[str],
        sampling: Sampling,
        seeds: list[int],
        seconds: float,
        progress: Progress | None = None,
        prompt: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """Yield audio `[samples]` (float32, at the codec's rate) of `seconds` seconds for each caption.

        `prompt` are codes `[K, T]` (see `encode_prompt`) that each of them goes on from; the audio
        then starts with them, and is longer by their length.
        """
        given = 0 if prompt is None else prompt.shape[1] * self._hop
        length = given + round(seconds * self.codec.sample_rate)
        rows = self._rows(seconds)
        for start in range(0, len(captions), rows):
            part = slice(start, start + rows)
            text, mask = self._encode(captions[part])
            before = self._prompt(prompt, len(text))
            told = before[:, : self.model.config.codebooks]
            codes = generate_codes(
                self.model, text, mask, self.frames_for(seconds), sampling, seeds[part], progress, told, self._launch
            )
            if self.second is None:
                for row in torch.cat([before, codes], -1).cpu().numpy():
                    yield limit_peak(self.codec.decode(row)[:length])
                continue
            refined = self.second.refine(text, mask, seeds[part], before, codes[:, 0])
            for first, rest in zip(*(t.cpu().numpy() for t in refined), strict=True):
                yield limit_peak(self.codec.decode_latents(self.second.features(self.codec, first, rest))[:length])

    def stream(
        self,
        caption: str,
        sampling: Sampling,
        seed: int,
        seconds: float,
        progress: Progress | None = None,
        prompt: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """Yield the audio of `generate` in blocks `[samples]` as soon as they are final, in constant memory.

        Loud peaks are bent instead of the whole clip being turned down; where a codec invents phases, joints and
        phases differ too (`ssmttm.generation.streaming`).
        """
        text, mask = self._encode([caption])
        before = self._prompt(prompt, 1)
        left = before.shape[-1] * self._hop + round(seconds * self.codec.sample_rate)
        told = before[:, : self.model.config.codebooks]
        codes = stream_codes(
            self.model, text, mask, self.frames_for(seconds), sampling, [seed], progress, told, self._launch
        )
        frames: Iterator[np.ndarray]
        if self.second is None:
            frames = (frame[0].cpu().numpy() for frame in chain(before.unbind(-1), codes))
        else:
            frames = self._refined(self.second, text, mask, seed, before, codes)
        decoder = StreamDecoder(self.codec, latents=self.second is not None)
        for frame in frames:
            block = decoder.push(frame)
            if len(block):
                yield block[:left]
                left -= len(block)
        yield decoder.finish()[: max(0, left)]

    def _refined(
        self,
        second: SecondStage,
        text: torch.Tensor,
        mask: torch.Tensor,
        seed: int,
        before: torch.Tensor,
        codes: Iterator[torch.Tensor],
    ) -> Iterator[np.ndarray]:
        """Features `[D]` of one clip, frame by frame: those of `before`, then those that `codes` are refined to."""
        refining = second.begin(text, mask, [seed], before)

        def parts() -> Iterator[Refined]:
            yield second.given(before)
            for code in codes:
                yield refining.push(code)
            yield refining.finish()

        for part in parts():
            if part.codes.shape[1]:
                yield from second.features(self.codec, part.codes[0].cpu().numpy(), part.latents[0].cpu().numpy())

    def encode_prompt(self, wave: np.ndarray) -> np.ndarray:
        """Codes `[K, T]` of the whole frames of samples `[n]` at the codec's rate; ValueError if there are none."""
        whole = len(wave) // self._hop * self._hop
        if not whole:
            raise ValueError(f"{len(wave)} samples are less than one codec frame of {self._hop}")
        return self.codec.encode(wave[:whole])[: self._levels]

    def encode_file(self, path: Path) -> np.ndarray:
        """Codes `[K, T]` of an audio file to go on from; UserError unless it is audio of at most 10 minutes."""
        if not path.is_file():
            raise UserError(f"--continue-from {path}: no such file")
        try:
            return self.encode_prompt(decode(path.read_bytes(), self.codec.sample_rate, LONGEST_PROMPT_S))
        except (Undecodable, TooLong, ValueError, OSError) as error:
            raise UserError(f"--continue-from {path}: {error}; give audio of at most 10 minutes") from error

    def backends(self) -> dict[str, str]:
        """What computes the steps of each kind of mixer, and how the last generation launched them."""
        return {**step_backends(self.model, self.device), "launched": self.launched}

    def _launch(self, how: str) -> None:
        """Keep how steps are launched, and say it where a GPU does them and it is news."""
        if self.device.type == "cuda" and how != self.launched:
            notify(f"steps on {torch.cuda.get_device_name(self.device)}: {how}")
        self.launched = how

    def cautions(self, prompts: Iterable[Prompt]) -> Iterator[str]:
        """Which prompts the text encoder doesn't take in as they are, a sentence each."""
        limit = self.spec["data"]["text"]["max_tokens"]
        for prompt in prompts:
            reading = self.encoder.read(prompt.caption, limit)
            if reading.dropped:
                yield (
                    f"{prompt.name}: it has {reading.tokens} tokens, and the model takes {limit}; "
                    f"not used: {_shortened(reading.dropped)!r}"
                )
            if reading.known < LEAST_KNOWN:
                yield (
                    f"{prompt.name}: the text encoder doesn't know most of {_shortened(prompt.caption)!r}, so it will "
                    "hardly matter; the models are trained on English captions"
                )

    def _encode(self, captions: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        tokens = self.spec["data"]["text"]["max_tokens"]
        embedded = self.encoder.encode([check_prompt(c) for c in captions], tokens)
        text = torch.zeros(len(captions), tokens, self.encoder.width)
        mask = torch.zeros(len(captions), tokens, dtype=torch.bool)
        for row, embedding in enumerate(embedded):
            # as the cache of training embeddings stores them
            text[row, : len(embedding)] = torch.from_numpy(embedding.astype(np.float16).astype(np.float32))
            mask[row, : len(embedding)] = True
        return text.to(self.device), mask.to(self.device)

    def _prompt(self, codes: np.ndarray | None, rows: int) -> torch.Tensor:
        if codes is None:
            codes = np.zeros((self._levels, 0), np.int64)
        return torch.from_numpy(codes).to(self.device).expand(rows, -1, -1)

    @property
    def _levels(self) -> int:
        """Of the codec, that are decoded."""
        return self.model.config.codebooks if self.second is None else self.second.levels

    @property
    def _hop(self) -> int:
        """Samples per codec frame."""
        return round(self.codec.sample_rate / self.codec.frame_rate)

    def _rows(self, seconds: float) -> int:
        """How many captions are generated at once; each takes a null pass beside it."""
        steps = steps_for(self.frames_for(seconds), self.model.config.codebooks)
        state = sum(block.mixer.state_bytes(steps) for block in self.model.blocks)
        return max(1, _STATE_BYTES // (2 * state))

    @property
    def seconds(self) -> float:
        """Length of the clips that the run was trained on."""
        return float(self.spec["data"]["seconds"])

    def steps(self, seconds: float, captions: int = 1) -> int:
        """Model steps that `generate` takes in all."""
        batches = -(-captions // self._rows(seconds))
        return batches * steps_for(self.frames_for(seconds), self.model.config.codebooks)

    def frames_for(self, seconds: float) -> int:
        """Codec frames that hold `seconds`."""
        return max(1, int(np.ceil(seconds * self.codec.frame_rate)))
