"""A made-up results tree with the shapes of a real one: for tests, and to look at the page.

`python tests/unit/support/synthetic.py FOLDER` writes one and renders its report.
"""

import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
from four_designs import four_designs

from ssmttm.audio.coded import encode_audio
from ssmttm.captions.statistics import statistics
from ssmttm.choices import BASELINES, CODE_MODELS, FINAL, checkpoints_of
from ssmttm.evaluation.metrics import text_audio
from ssmttm.files import write_json, write_text
from ssmttm.run_table import read_studies
from ssmttm.seeds import stable_int
from ssmttm.spec import stage_spec
from ssmttm.stages import compare, report, score
from ssmttm.study import derive
from ssmttm.study.scores import score_file
from ssmttm.tables import REASONS, read_table, write_table

ROOT = Path(__file__).resolve().parents[3]
RATE, TAGS, DIM, WINDOWS = 24000, 50, 32, 3
HOSTILE = 'Ballad of </script><script>alert("title")</script> & Söhne'
QUALITY = {
    "originals": 1.0, "codec": 0.85, "shuffled": 0.0, "noise": 0.0, "training_codec": 0.6,
    "same_track": 0.8, "nearest_caption": 0.6, "unigram": 0.05, "copy": 0.1, "bigram": 0.15, "trigram": 0.2,
    "prefix-mamba": 0.3, "prefix-simba": 0.45, "cross-simba": 0.5, "cross-transformer": 0.35,
    "first-simba": 0.2, "unet": 0.7, "flow": 0.65,
}  # fmt: skip
PACKAGES = {"singularity-music": (16, 240), "zaz-data": (4, 265), "mrrescue": (7, 56), "gamine-data": (1, 312)}
LICENSES = {"gamine-data": "LicenseRef-public-domain"}


def rng_of(*parts: object) -> np.random.Generator:
    return np.random.default_rng(stable_int(*parts))


def wave(clip: str, system: str, quality: float, seconds: float) -> np.ndarray:
    """A plucked tune that is the clip's own as far as `quality` goes, in noise."""
    tune, other = rng_of("tune", clip), rng_of("noise", clip, system)
    out = np.zeros(int(seconds * RATE))
    since = np.arange(RATE // 2) / RATE
    for start in range(0, out.size, RATE // 4):
        pitch = 110 * 2 ** (tune.choice([0, 3, 5, 7, 10, 12, 15, 19]) / 12)
        if other.random() > quality:
            pitch *= 2 ** (other.integers(-6, 7) / 12)
        note = sum(np.exp(-5 * since) * np.sin(2 * np.pi * pitch * k * since) / k for k in (1, 3))
        out[start : start + note.size] += note[: out.size - start]
    out = out * (0 if system == "noise" else 0.12) + other.normal(size=out.size) * 0.03 * (1.05 - quality)
    return out.astype(np.float32)


def write_system(
    folder: Path,
    system: str,
    key: str,
    clips: list[str],
    captions: list[str],
    seconds: float,
    checkpoint: str = FINAL,
) -> None:
    """Generated audio and embeddings of one system; a checkpoint at a fraction is that much worse."""
    share = 1.0 if checkpoint == FINAL else float(checkpoint)
    quality, rows, embeddings = QUALITY[key] * share**0.5, [], []
    for i, (clip, caption) in enumerate(zip(clips, captions, strict=True)):
        source = clips[(i + 1) % len(clips)] if key == "shuffled" else clip
        audible = "originals" if key == "shuffled" else system
        data = encode_audio(wave(source, audible, 1.0 if key == "shuffled" else quality, seconds), RATE)
        rows.append(
            {"clip_id": clip, "system": system, "caption": caption, "seed": 1, "duration_s": seconds,
             "sample_rate": RATE, "audio": {"bytes": data, "path": f"{clip}.flac"}}
        )  # fmt: skip
        share = 1.0 if key == "shuffled" else quality
        base, own = rng_of("latent", source), rng_of("latent", source, audible)
        tags = share * (base.normal(size=TAGS) * 1.5 - 3) + (1 - share) * (own.normal(size=TAGS) * 1.5 - 3)
        embedding = share * base.normal(size=(WINDOWS, DIM)) + (1 - share) * (own.normal(size=(WINDOWS, DIM)) + 1)
        embeddings.append(
            {"clip_id": clip, "caption": caption, "windows": WINDOWS, "dim": DIM,
             "embedding": embedding.ravel().astype(np.float32),
             "posterior": (1 / (1 + np.exp(-tags))).astype(np.float32), "activation": "sigmoid", "text": [],
             "backend": "musicnn MTT 0123456789ab", "duration_s": seconds, "sample_rate": RATE, "channels": 1}
        )  # fmt: skip
    write_table(folder / "generated" / f"{checkpoint}.parquet", "generated", rows)
    write_table(embeddings_of(folder, checkpoint), "embeddings", embeddings)


def embeddings_of(folder: Path, checkpoint: str = FINAL) -> Path:
    return folder / "embeddings" / checkpoint / "musicnn.parquet"


def similarities(captions: list[str]) -> np.ndarray:
    """Stands for MiniLM: captions are `… clip <id>`, and resemble the tags that their clip has."""
    return np.stack([rng_of("latent", c.rsplit(" ", 1)[-1]).normal(size=TAGS) * 0.1 + 0.3 for c in captions])


def write_record(folder: Path, generation: dict, refiner: dict | None, checkpoint: str = FINAL) -> None:
    """What generating took: a tenth of the audio's time, and a hundredth more for each step of a refiner."""
    seconds = 24.0 + 2.4 * (generation["sampler_steps"] if refiner else 0)
    record = {"seconds": seconds, "audio_seconds": 240.0, "clips": 24, "threads": 1, "stages": 2 if refiner else 1}
    write_json(folder / "generated" / f"{checkpoint}.json", {**record, "generation": generation})


def write_refiner(folder: Path, spec: dict) -> None:
    """What made a run's second stage: 300 thousand parameters, and steps of 1e9 FLOPs."""
    kind, amount = next(iter(spec["budget"].items()))
    steps = int(amount) if kind == "iterations" else max(2, int(amount / 1e9))
    spent = {"steps": steps, "tokens": steps * 4720, "flops_spent": steps * 1e9, "seconds": steps * 0.2}
    kept = {f"checkpoints/{f:g}.safetensors": max(1, round(f * steps)) for f in spec["training"]["checkpoints"]}
    write_json(
        folder / "refiner.json",
        {"spec": spec, "parameters": 300_000, **spent, "flops_planned": amount if kind == "flops" else steps * 1e9,
         "device_hours": steps * 0.2 / 3600,
         "checkpoints": kept},
    )  # fmt: skip


def write_run(folder: Path, run: str, spec: dict, points: int) -> None:
    variant, width = spec["variant"]["name"], spec["model"]["d_model"]
    parameters = int(12 * width**2 * spec["model"]["layers"] + 4 * 2048 * width)
    tokens_per_step = spec["training"]["batch_size"] * 472
    per_step = 6.0 * parameters * tokens_per_step
    kind, amount = next(iter(spec["budget"].items()))
    steps = int(amount) if kind == "iterations" else max(2, int(amount / per_step))
    rng, rows = rng_of(run), []
    final = 7.0 - 0.6 * QUALITY[variant] - 0.15 * np.log2(width / 64)
    shown = np.unique(np.linspace(1, steps, min(points, steps)).astype(int))
    for i, step in enumerate(shown):
        smooth = final + (8.3 - final) * np.exp(-3 * step / steps)
        last = i == len(shown) - 1
        rows.append(
            {"step": step, "tokens": step * tokens_per_step, "flops": step * per_step, "seconds": step * 0.7,
             "loss": smooth + rng.normal() * 0.08, "part_losses": [smooth] * 4,
             "validation_part_losses": None, "learning_rate": 2e-3, "gradient_norm": 1.0,
             "validation_loss": smooth + 0.1 if last or i % max(1, len(shown) // 8) == 0 else None}
        )  # fmt: skip
    write_table(folder / "curve.parquet", "curve", rows)
    planned = amount if kind == "flops" else steps * per_step
    facts = {
        "run": run, "commit": "0123456789abcdef0123456789abcdef01234567+changes", "device": "cpu", "size": None,
        "threads": 1, "instruction_set": "AVX512",
        "device_hours": steps * 0.7 / 3600,
        "checkpoints": {
            f"checkpoints/{f:g}.safetensors": max(1, round(f * steps)) for f in spec["training"]["checkpoints"]
        },
        "packages": {"torch": "2.13.0+cpu", "numpy": "2.4.6", "essentia": "2.1b6.dev1389"},
        "machine": {"cpu": "Synthetic CPU @ 2.0 GHz", "cores": 2, "system": "Linux 6.1", "python": "3.11.7"},
        "parameters": parameters, "flops_per_step": per_step,
        "parameters_by_group": {
            "embeddings": 2 * 2048 * width, "heads": 2 * 2048 * width, "all others": parameters - 4 * 2048 * width,
        },
        "flops_planned": planned, "flops_spent": steps * per_step, "steps": steps,
        "tokens": steps * tokens_per_step, "seconds": steps * 0.7, "test_loss": 5.1, "test_clips": 31,
        "fingerprint": "fedcba9876543210",
    }  # fmt: skip
    write_json(folder / "manifest.json", {"stage": "train", "spec": spec, **facts})


def _track(package: str, number: int, seconds: float) -> dict:
    name = f"debian:{package}/{number:02d}.ogg"
    license = LICENSES.get(package, "CC-BY-SA-3.0")
    title = HOSTILE if (package, number) == ("mrrescue", 0) else f"Tune {number}"
    return {
        "track_id": name, "source": "debian", "url": f"debian://{package}/{number}", "title": title,
        "homepage": "javascript:alert(1)" if number == 1 else "https://example.org/music",
        "artist": f"Artist of {package}", "album": None, "duration_s": seconds, "tags": ["electronic"],
        "license_evidence": [], "sha256": None, "problem": None, "problem_detail": None, "license": license,
        "license_url": "https://creativecommons.org/licenses/by-sa/3.0/", "license_kind": "file tag",
        "attribution": f"“{title}” by Artist of {package}, {license}",
    }  # fmt: skip


def write_data(folder: Path, config: dict, seconds: float) -> list[str]:
    """The data set's tables; returns the ids of the test clips."""
    tracks = [_track(p, i, s) for p, (count, s) in PACKAGES.items() for i in range(count)]
    index = [{k: t[k] for k in t if not k.startswith("license_") or k == "license_evidence"} for t in tracks]
    for t in index:
        del t["license"], t["attribution"]
    write_table(folder / "index.parquet", "index", index)
    write_table(folder / "licensed.parquet", "licensed", tracks)
    rejected = [
        {"track_id": f"debian:asc-music/{i}-{reason}", "stage": "license", "reason": reason, "detail": "GPL-2.0+ <b>",
         "duration_s": 351.0}
        for i in range(3) for reason in REASONS if reason != "silent"
    ]  # fmt: skip
    write_table(folder / "rejected.parquet", "rejected", rejected)
    silent = {
        "track_id": tracks[0]["track_id"],
        "stage": "clips",
        "reason": "silent",
        "detail": "-64",
        "duration_s": 10,
    }
    splits = []
    for shard in range(2):
        write_table(folder / "audio" / f"{shard}.rejected.parquet", "rejected", [])
        write_table(folder / "clips" / f"{shard}.rejected.parquet", "rejected", [silent] * (2 * shard))
        rows = []
        for t in tracks[shard::2]:
            for start in range(0, int(t["duration_s"]) - 9, 10):
                artist = t["artist"]
                split = "test" if "zaz" in artist or "gamine" in artist else "validation" if "mr" in artist else "train"
                clip = f"{t['track_id']}@{start * 1000}"
                rows.append(
                    {"clip_id": clip, "track_id": t["track_id"], "start_s": start, "duration_s": seconds,
                     "sample_rate": RATE, "audio": {"bytes": b"", "path": None}, "loudness_lufs": -20.0, "peak": 0.5,
                     "clipped": 0.0, "dc_offset": 0.0, "bandwidth_hz": 8000.0, "silence": 0.0, "crest_db": 12.0}
                )  # fmt: skip
                splits.append({"clip_id": clip, "track_id": t["track_id"], "artist": artist.lower(), "split": split})
        write_table(folder / "clips" / f"{shard}.parquet", "clips", rows)
    write_table(folder / "splits.parquet", "splits", splits)
    double = {"duplicate_of": tracks[1]["track_id"], "kind": "near", "similarity": 0.93, "offset_s": 0.1, "detail": ""}
    write_table(folder / "duplicates.parquet", "duplicates", [{"track_id": tracks[0]["track_id"], **double}])
    lines = "\n".join(f"- {t['attribution']}" for t in tracks)
    write_text(folder / "ATTRIBUTION.md", f"# Attribution\n\n{lines}\n")
    captions = [f"A slow piano piece with strings, clip {i}." for i in range(12)]
    told = {"written_by": {"template": 12}, **statistics(captions)}
    release = {"settings": config["data"], "codec": "spectral 0123", "encoder": "minilm 4567", "captions": told}
    write_json(folder / "dataset.json", release)
    return [s["clip_id"] for s in splits if s["split"] == "test"]


def write_likelihoods(folder: Path, data: Path) -> None:
    """How likely the test clips are to a system: clips differ most, then tracks, then systems."""
    splits = read_table(data / "splits.parquet", "splits").to_pylist()
    system, trivial = folder.name, folder.name in CODE_MODELS
    rows = []
    for row in (row for row in splits if row["split"] == "test"):
        level, by_clip = (np.random.default_rng(stable_int(key)) for key in (row["track_id"], row["clip_id"]))
        own = 5.0 + level.normal() + 0.3 * by_clip.normal() + np.random.default_rng(stable_int(system)).normal() / 10
        own += 0.02 * np.random.default_rng(stable_int(system, row["clip_id"])).normal()
        told = {name: None if trivial else own + more for name, more in (("other", 0.01), ("null", 0.02))}
        first = {"first": own, **{f"first_{name}": value for name, value in told.items()}}
        place = {key: row[key] for key in ("clip_id", "split", "track_id", "artist")}
        rows.append({**place, "levels": 1, "tokens": 469, "own": own, **told, **first})
    write_table(folder / "likelihoods.parquet", "likelihoods", rows)


def stages_config() -> dict:
    """A config with two refiners, of two seeds each, and budgets of which two halves are a whole."""
    config = four_designs()
    config["budgets"] = {"whole": {"flops": 6.0e12}, "half": {"flops": 3.0e12}}
    config["variants"]["first-simba"] = {**config["variants"]["prefix-simba"], "model": {"codebooks": 1}}
    config["sizes"]["base"]["layers"]["first-simba"] = 5
    kinds = {"unet": {"backbone": "unet"}, "flow": {"backbone": "mamba2", "objective": "flow"}}
    config["evaluation"]["metrics"] = ["frechet", "kl"]
    config["refiners"] = {
        f"{name}-{seed}": {**kind, "budget": "half", "seed": seed} for name, kind in kinds.items() for seed in (1, 2)
    }
    return config


STAGES_RUNS = """run study variant size budget seed refiner language_model overrides
single-1 stages prefix-simba base whole 1
single-2 stages prefix-simba base whole 2
first-1 stages first-simba base whole 1
first-2 stages first-simba base whole 2
two-unet-1 stages first-simba base half 1 unet-1
two-unet-2 stages first-simba base half 2 unet-2
two-flow-1 stages first-simba base half 1 flow-1 two-unet-1 generation.sampler=euler
two-flow-2 stages first-simba base half 2 flow-2 two-unet-2 generation.sampler=euler
two-unet-1-50 stages first-simba base half 1 unet-1 two-unet-1 generation.sampler_steps=50;training.checkpoints=[]
"""


def build_stages(root: Path, **sizes: float) -> dict:
    """The tree of a study of two stages."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "stages.tsv").write_text(STAGES_RUNS.replace(" ", "\t"), encoding="utf-8")
    return build(root, config=stages_config() | {"runs": str(root / "stages.tsv")}, **sizes)


def build(
    root: Path,
    prompts: int = 24,
    seconds: float = 10.0,
    points: int = 120,
    bootstrap: int = 100,
    config: dict | None = None,
) -> dict:
    """Write the whole tree under `root`/results; returns the paths that the report takes.

    Without `config` it is that of four designs, under budgets of its own.
    """
    if config is None:
        config = four_designs()
        config["budgets"] = {"iters": {"iterations": 120}, "flops": {"flops": 6.0e12}}
    config["evaluation"]["bootstrap"], config["studies"] = bootstrap, []
    table = read_studies(config, ROOT)
    rows = table.runs
    data = root / "results" / "data" / config["data"]["version"]
    clips = write_data(data, config, 10.0)[:prompts]
    captions = [f"An upbeat chiptune with <i>bright</i> leads & a driving beat, 120 BPM, clip {c}" for c in clips]
    baselines = {b: root / "results" / "baselines" / config["data"]["version"] / b for b in (*BASELINES, *CODE_MODELS)}
    runs = {r: root / "results" / "runs" / r for r in rows}
    keys = {r: row["refiner"].partition("-")[0] or row["variant"] for r, row in rows.items()}
    systems = {**{b: (f, b) for b, f in baselines.items()}, **{r: (f, keys[r]) for r, f in runs.items()}}
    refiners = {r: table.refiners.get(row["refiner"]) for r, row in rows.items()}
    stages = {s: checkpoints_of(config, rows[s], refiners[s]) if s in rows else [FINAL] for s in systems}
    training = root / "training"
    write_system(training, "training", "originals", [f"debian:other/{i}@0" for i in range(30)], ["x"] * 30, 1.0)
    for system, (folder, key) in systems.items():
        for checkpoint in stages[system]:
            write_system(folder, system, key, clips, captions, seconds, checkpoint)
    references = {name: embeddings_of(baselines[name]) for name in ("originals", "codec")}
    references["training"] = embeddings_of(training)
    with patch.object(text_audio, "caption_similarities", similarities):
        for system, (folder, _) in systems.items():
            for checkpoint in stages[system]:
                files = embeddings_of(folder, checkpoint), references
                score.run(
                    stage_spec(config, "score"), "musicnn", system, *files, score_file(folder, checkpoint, "musicnn")
                )
    for run, folder in runs.items():
        write_run(folder, run, rows[run]["spec"], points)
        for checkpoint in stages[run]:
            write_record(folder, rows[run]["generation"], refiners[run], checkpoint)
        if refiners[run] is not None:
            write_refiner(folder, refiners[run])
    for system in (*runs.values(), *(baselines[name] for name in CODE_MODELS)):
        write_likelihoods(system, data)
    name = table.own[0]
    study = root / "results" / "studies" / name
    sizes = [rows[run]["size"] for run in runs]
    with patch.object(derive, "COSTS", ("steps", "flops")):  # half the fits
        compare.run(stage_spec(config, "compare"), name, list(runs.values()), sizes, list(baselines.values()), study)
    return {"spec": stage_spec(config, "report"), "studies": [study], "data": data, "runs": runs}


def main() -> None:
    root = Path(sys.argv[1])
    made = build(root)
    report.run(made["spec"], made["studies"], made["data"], root / "results" / "report.html")


if __name__ == "__main__":
    main()
