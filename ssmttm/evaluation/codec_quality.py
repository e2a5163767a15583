"""How well a codec gives audio back from its first 1, 2, … levels, and how it uses their codes."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from ssmttm.audio.coded import decode_audio, encode_audio, limit_peak, resample
from ssmttm.audio.reconstruction import mel_distance, si_sdr
from ssmttm.audio.spectral_distance import log_spectral_distance
from ssmttm.codecs.base import Codec
from ssmttm.evaluation import gaussian
from ssmttm.evaluation.embedder import Embedder
from ssmttm.evaluation.embedding_cache import Cached
from ssmttm.progress import Progress
from ssmttm.rows import CodecLevelRow


def code_use(codes: Iterable[np.ndarray], codebooks: int, size: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Share of the codes of each level that occur in `codes`, arrays [codebooks, T]; their perplexity; frames in all.

    The perplexity is exp of the entropy in nats of how often each code occurs: at most the number of codes, or of
    frames where these are fewer.
    """
    counts = np.zeros((codebooks, size), np.int64)
    for clip in codes:
        for level, row in enumerate(clip):
            counts[level] += np.bincount(row, minlength=size)
    frames = int(counts[0].sum())
    if not frames:
        raise ValueError("no codes to count")
    shares = counts / frames
    entropy = -(shares * np.log(shares, where=shares > 0, out=np.zeros_like(shares))).sum(1)
    return (counts > 0).mean(1), np.exp(entropy), frames


def quality(
    codec: Codec,
    clips: Sequence[tuple[str, bytes]],
    codes: Iterable[np.ndarray],
    artists: Sequence[str],
    embedder: Embedder | None,
    cache: Path,
) -> list[CodecLevelRow]:
    """A row for each number of levels, from encoded audio `clips` (id, file) and `codes` [K, T] to count.

    `artists` are those of all test clips, one for each.

    Every distance is the mean over the clips at the codec's sample rate, of audio that is turned down where its peak
    lies above full scale, as generated audio is; SI-SDR is None for a codec that invents phases. FAD is the Fréchet
    distance between all windows of both sides, each clip once; None without `embedder`, or with fewer than two
    windows. Embeddings are kept in `cache`.
    """
    use, perplexity, frames = code_use(codes, codec.codebooks, codec.codebook_size)
    embedding = None if embedder is None else Cached(embedder, cache)
    files, names = [data for _, data in clips], [name for name, _ in clips]
    waves = [resample(*decode_audio(data), codec.sample_rate) for data in files]
    encoded = codec.encode_many(waves)
    reference = None if embedding is None else _windows(embedding, files, names)
    progress = Progress("codec quality", codec.codebooks, "levels")
    rows: list[CodecLevelRow] = []
    for levels in range(1, codec.codebooks + 1):
        decoded = [
            limit_peak(codec.decode(own[:levels])[: len(wave)]) for own, wave in zip(encoded, waves, strict=True)
        ]
        pairs = list(zip(decoded, waves, strict=True))
        fad = None
        if embedding is not None and reference is not None and len(reference) > 1:
            audio = [encode_audio(wave, codec.sample_rate) for wave in decoded]
            fad = gaussian.between(_windows(embedding, audio, names), reference)
        rows.append(
            {
                "levels": levels,
                "bit_rate": codec.bit_rate * levels / codec.codebooks,
                "usage": float(use[levels - 1]),
                "perplexity": float(perplexity[levels - 1]),
                "frames": frames,
                "log_spectral_distance_db": _mean(_log_spectral(a, b) for a, b in pairs),
                "mel_distance": _mean(mel_distance(a, b, codec.sample_rate) for a, b in pairs),
                "si_sdr_db": _mean(si_sdr(a, b) for a, b in pairs) if codec.keeps_phase else None,
                "fad": fad,
                "clips": len(clips),
                "windows": 0 if reference is None else len(reference),
                "codec": codec.identity,
                "vocoder": codec.vocoder,
                "test_clips": len(artists),
                "heard_clips": sum(artist in codec.heard for artist in artists),
                "embedder": None if embedder is None else embedder.identity,
            }
        )
        progress.advance()
    return rows


def _windows(embedding: Cached, files: Sequence[bytes], names: Sequence[str]) -> np.ndarray:
    found = embedding.analyze_many(files, names)
    return np.concatenate([clip.windows for clip in found]).astype(np.float64)


def _log_spectral(wave: np.ndarray, original: np.ndarray) -> float:
    a, b = (torch.from_numpy(np.ascontiguousarray(signal))[None] for signal in (wave, original))
    return float(log_spectral_distance(a, b)[0])


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
