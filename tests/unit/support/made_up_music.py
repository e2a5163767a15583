"""A few seconds of made-up music by several artists, and the table that says it may be used."""

from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio

RATE = 44100
ARTISTS = 6


def write_music(folder: Path, seconds: int = 13) -> None:
    """One track for each of `ARTISTS` artists in `folder`, and `tracks.csv` beside it."""
    (folder / "music").mkdir(parents=True)
    lines = ["file,license,title,artist"]
    for artist in range(ARTISTS):
        rng = np.random.default_rng(artist)
        wave = np.zeros(seconds * RATE)
        beat = RATE // (3 + artist % 3)
        time = np.arange(beat) / RATE
        for start in range(0, wave.size - beat, beat):
            pitch = 110 * 2 ** (rng.choice([0, 2, 3, 5, 7, 8, 10, 12, 15]) / 12 + artist % 2)
            wave[start : start + beat] = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in (1, 2, 3, 5))
            wave[start : start + beat] *= np.exp(-4 * time)
        wave = 0.2 * wave + rng.normal(size=wave.size) * 0.002
        (folder / "music" / f"{artist}.flac").write_bytes(encode_audio(wave.astype(np.float32), RATE))
        lines.append(f"{artist}.flac,CC0-1.0,Piece {artist},Artist {artist}")
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
