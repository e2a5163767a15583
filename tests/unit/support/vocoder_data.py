"""A folder with clips, licensed tracks, splits and a fitted codec, and the spec of a tiny vocoder on them."""

import numpy as np
from training_data import SETTINGS

from ssmttm.audio.coded import encode_audio
from ssmttm.codecs.base import fit_codec
from ssmttm.tables import SCHEMAS, write_table

RATE, SAMPLES = 24000, 13000  # not a whole number of codec frames
COUNTS = {"train": 6, "validation": 2, "test": 2}
CODEC = {"name": "spectral", "codebooks": 2, "codebook_size": 16}


def tones(seed):
    """Decaying tones over noise, float32 [SAMPLES], -1 to 1."""
    generator, time = np.random.default_rng(seed), np.arange(SAMPLES) / RATE
    wave = sum(np.sin(2 * np.pi * pitch * time) for pitch in generator.uniform(100, 3000, 3))
    return (0.1 * wave * np.exp(-2 * time) + generator.normal(0, 0.01, SAMPLES)).astype(np.float32)


def vocoder_spec(iterations=4, **changes):
    """The spec; `changes` of the section `vocoder`, or of its training."""
    section = {
        "width": 8,
        "inner": 8,
        "layers": 1,
        "projections": 1,
        "dither": 0.5,
        "crop": 16,
        "levels": [0.3, 0.3, 0.4],
        "judged": 8,
        "adversarial_from": 2,
        "weights": {
            "log_magnitude": 1.0, "spectral_convergence": 0.5, "log_mel": 1.0, "adversarial": 0.1, "features": 0.3,
        },
    }  # fmt: skip
    training = {
        **SETTINGS,
        "batch_size": 2,
        "micro_batch": 2,
        "checkpoints": [],
        "ema_decay": 0.5,
        "betas": [0.8, 0.99],
    }
    section |= {key: value for key, value in changes.items() if key in section}
    training |= {key: value for key, value in changes.items() if key in training}
    return {
        "vocoder": section,
        "split": {"seed": 1, "validation": 0.2, "test": 0.2},
        "budget": {"iterations": iterations},
        "training": training,
        "data": {"version": "tiny-1", "sample_rate": RATE, "codec": CODEC},
        "seed": 3,
    }


def write_vocoder_data(folder):
    """Write clips/0.parquet and clips/1.parquet, licensed.parquet, splits.parquet and codec.safetensors."""
    names = [f"{split}{i}" for split, count in COUNTS.items() for i in range(count)] + ["again0"]
    clip = dict.fromkeys(SCHEMAS["clips"].names)
    rows = []
    for seed, name in enumerate(names):
        audio = {"bytes": encode_audio(tones(seed), RATE), "path": f"{name}.flac"}
        rows.append(clip | {"clip_id": f"{name}@0", "track_id": name, "audio": audio})
    for shard in (0, 1):
        write_table(folder / "clips" / f"{shard}.parquet", "clips", rows[shard::2])
    licensed = dict.fromkeys(SCHEMAS["licensed"].names) | {"license_evidence": [], "tags": [], "license": "CC-BY-4.0"}
    credits = [licensed | {"track_id": name, "artist": name, "attribution": f'"{name}" by {name}'} for name in names]
    write_table(folder / "licensed.parquet", "licensed", credits)
    splits = [
        {
            "clip_id": f"{name}@0",
            "track_id": name,
            "artist": name,
            "split": "duplicate" if name == "again0" else name.rstrip("0123456789"),
        }
        for name in names
    ]
    write_table(folder / "splits.parquet", "splits", splits)
    waves = [tones(seed) for seed in range(COUNTS["train"])]
    fit_codec(CODEC, iter(waves), len(waves), RATE, 1).save(folder / "codec.safetensors")
    return folder
