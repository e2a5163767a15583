"""MusicGen's audio for all prompts, batch by batch; what is finished is kept, so that an interrupted job goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from ssmttm.accounting.musicgen import SMALL, SMALL_TRAINING, Shape, training_flops
from ssmttm.audio.coded import decode_audio, resample
from ssmttm.audio.loudness import loudness
from ssmttm.choices import MUSICGEN
from ssmttm.evaluation.systems.description import Stated
from ssmttm.evaluation.systems.external_audio import level_notes, levelled
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import sha256_bytes
from ssmttm.pretrained.musicgen import MusicGen, MusicGenSampling
from ssmttm.rows import GeneratedRow
from ssmttm.seeds import stable_int
from ssmttm.settings import ClipSettings, Section
from ssmttm.spec import canonical_json
from ssmttm.tables import read_table, write_table

BATCH = 4


@dataclass(frozen=True)
class Generator:
    """A MusicGen that answers prompts (clip_id, caption) with clips in the data set's form.

    A caption's seed follows from `seed` and its id. Batches are the same ones after an interruption: other captions
    beside it may change a caption's last bits.
    """

    model: MusicGen
    sampling: MusicGenSampling
    seconds: float
    batch: int
    seed: int
    clips: ClipSettings

    def generate(
        self, prompts: Sequence[Mapping[str, str]], partial: Path, stepped: Callable[[], None]
    ) -> Iterator[tuple[list[GeneratedRow], bool]]:
        """Rows for each batch of `prompts`, and whether it was kept before: `partial` is a folder for finished ones."""
        settings = [
            self.model.identity,
            str(self.model.model.dtype),
            self.model.model.device.type,
            self.seconds,
            self.batch,
            list(vars(self.sampling).items()),
            self.seed,
            [self.clips["sample_rate"], self.clips["loudness_lufs"], self.clips["silence_lufs"]],
            [(p["clip_id"], p["caption"]) for p in prompts],
        ]
        finished = partial / sha256_bytes(canonical_json(settings).encode())[:16]
        for start in range(0, len(prompts), self.batch):
            path = finished / f"{start:06d}.parquet"
            if path.is_file():
                yield cast(list[GeneratedRow], read_table(path, "generated").to_pylist()), True
                continue
            rows = self._rows(prompts[start : start + self.batch], stepped)
            write_table(path, "generated", rows)
            yield rows, False

    def _rows(self, prompts: Sequence[Mapping[str, str]], stepped: Callable[[], None]) -> list[GeneratedRow]:
        rate = self.clips["sample_rate"]
        seeds = [stable_int("musicgen", self.seed, p["clip_id"]) for p in prompts]
        waves = self.model.generate([p["caption"] for p in prompts], seeds, self.seconds, self.sampling, stepped)
        rows = []
        for prompt, seed, wave in zip(prompts, seeds, waves, strict=True):
            samples, _ = levelled(resample(wave, self.model.sample_rate, rate), self.clips)
            rows.append(generated_row(MUSICGEN, prompt["clip_id"], prompt["caption"], seed, samples, rate))
        return rows

    def notes(self, rows: Sequence[GeneratedRow]) -> list[str]:
        """What was done to the audio, and which clips came out silent."""
        notes, clips = [], self.clips
        if self.model.sample_rate != clips["sample_rate"]:
            notes.append(f"resampled from {self.model.sample_rate} Hz to {clips['sample_rate']} Hz")
        if abs(self.seconds - clips["seconds"]) > 0.1:
            notes.append(f"{self.seconds:g} s long, where the data set's clips are {clips['seconds']:g} s")
        loudnesses = {r["clip_id"]: loudness(*decode_audio(r["audio"]["bytes"] or b"")) for r in rows}
        silent = [clip_id for clip_id, lufs in loudnesses.items() if lufs < clips["silence_lufs"]]
        return notes + level_notes(clips["loudness_lufs"], silent, len(rows), "clip")


def stated(model: MusicGen, settings: Section) -> Stated:
    """Parameters, training FLOPs and hours of music, and a note on where those numbers are from.

    Those of the published small model hold for weights of its shape; for others they are what
    `settings` (evaluation.musicgen) say, else unknown.
    """
    flops, hours, notes = settings.get("flops"), settings.get("hours"), [settings.get("note", "")]
    if shape_of(model) == SMALL:
        flops = flops or training_flops(SMALL, SMALL_TRAINING)
        hours = hours or SMALL_TRAINING.hours
        notes.append("of MusicGen-small's shape, whose published training is what is counted")
    parameters = sum(p.numel() for p in trained(model))
    return {"parameters": parameters, "flops": flops, "hours": hours, "note": "; ".join(filter(None, notes))}


def trained(model: MusicGen) -> Iterator[torch.nn.Parameter]:
    """The parameters of decoder and caption projection; text encoder and codec are frozen."""
    yield from model.model.decoder.parameters()
    if hasattr(model.model, "enc_to_dec_proj"):
        yield from model.model.enc_to_dec_proj.parameters()


def shape_of(model: MusicGen) -> Shape:
    """The decoder's shape."""
    config: Any = model.model.config.decoder
    return Shape(config.num_hidden_layers, config.hidden_size, config.ffn_dim, config.num_codebooks, config.vocab_size)
