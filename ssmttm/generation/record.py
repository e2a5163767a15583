"""What a generation took: seconds of work for seconds of audio, and with which settings and how many threads."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from ssmttm.codecs.base import Codec


@dataclass
class Clock:
    """The time that clips take to be made; what is done with each of them in between doesn't count."""

    rate: int
    """Samples per second of the audio."""
    seconds: float = 0.0
    """Of work, by the clock."""
    audio_seconds: float = 0.0
    clips: int = 0

    def timed(self, waves: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The same clips `[samples]`."""
        iterator = iter(waves)
        while True:
            started = time.perf_counter()
            wave = next(iterator, None)
            self.seconds += time.perf_counter() - started
            if wave is None:
                return
            self.audio_seconds += len(wave) / self.rate
            self.clips += 1
            yield wave

    def record(
        self, stages: int, settings: Mapping[str, object], codec: Codec, backends: Mapping[str, str]
    ) -> dict[str, object]:
        """What a run's `generated/{checkpoint}.json` says; loading models and writing files are not in `seconds`.

        `codec`, and the vocoder that it has, are named by their hashes; `backends` say by what steps were computed.
        """
        return {
            "seconds": self.seconds,
            "audio_seconds": self.audio_seconds,
            "clips": self.clips,
            "threads": torch.get_num_threads(),
            "stages": stages,
            "codec": codec.identity,
            "vocoder": codec.vocoder,
            "backends": dict(backends),
            "generation": dict(settings),
        }
