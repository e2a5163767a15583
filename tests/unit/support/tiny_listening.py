"""A made-up study to listen to, and answers of participants who answer by rule."""

from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.files import write_json
from ssmttm.listening.scoring import Vote
from ssmttm.tables import SCHEMAS, write_table

RATE, SECONDS = 16000, 0.45
CAPTIONS = {"x:1@0": "Slow piano </script><b>in A</b>", "x:2@0": "Fast drums & bass", "x:3@0": "A choir “sings”"}
QUALITY = {"zebra-run": 4, "quokka-run": 2, "originals": 5}


def tone(hertz: float, amplitude: float, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def write_system(folder: Path, system: str, waves: dict[str, np.ndarray], rate: int = RATE) -> None:
    rows = [
        {
            "clip_id": clip_id,
            "system": system,
            "caption": CAPTIONS[clip_id],
            "seed": 1,
            "duration_s": len(wave) / rate,
            "sample_rate": rate,
            "audio": {"bytes": encode_audio(wave, rate), "path": f"{system}.flac"},
        }
        for clip_id, wave in waves.items()
    ]
    write_table(folder / "generated" / "final.parquet", "generated", rows)


def write_licensed(root: Path, **licenses: str) -> None:
    """The tracks of the captions; `licenses`: x1, x2, x3, where not CC0."""
    rows = []
    for clip_id in CAPTIONS:
        track_id = clip_id.removesuffix("@0")
        license = licenses.get(track_id.replace(":", ""), "CC0-1.0")
        row = dict.fromkeys(SCHEMAS["licensed"].names) | {"tags": [], "license_evidence": [], "license": license}
        row |= {"track_id": track_id, "attribution": f'"Tune {track_id}" by <b>Ada</b>, from example.org, {license}'}
        rows.append(row)
    write_table(root / "data" / "v" / "licensed.parquet", "licensed", rows)


def write_study(root: Path) -> Path:
    """Systems that differ in loudness, length and rate."""
    tones = {
        "zebra-run": (300, 0.5, SECONDS, RATE),
        "quokka-run": (500, 0.05, SECONDS + 0.2, RATE),
        "originals": (700, 0.2, SECONDS, RATE // 2),
    }
    for number, (system, (hertz, amplitude, seconds, rate)) in enumerate(tones.items()):
        waves = {c: tone(hertz + 20 * i, amplitude, seconds, rate) for i, c in enumerate(CAPTIONS)}
        write_system(root / "systems" / "v" / str(number), system, waves, rate)
    write_licensed(root)
    folders = {s: {"folder": f"../../systems/v/{i}"} for i, s in enumerate(tones)}
    originals = folders.pop("originals")
    study = root / "studies" / "tiny"
    write_json(study / "summary.json", {"study": "tiny", "runs": folders, "baselines": {"originals": originals}})
    return study


def answer_item(item: str, key: dict, quality: dict[str, int] = QUALITY) -> dict:
    """What an attentive participant answers: ratings by system, and the better system of a pair."""
    private = key["items"][item]
    clips = key["public"]["items"][item]["clips"]
    if private["role"] == "instruction":
        asked = private["expects"]
        return {"choice": asked} if len(clips) == 2 else {"ratings": ratings(asked)}
    of = {c: key["clips"][c]["system"] for c in clips}
    if len(clips) == 2:
        return {"choice": max(clips, key=lambda c: quality.get(of[c], 0))}
    return {"ratings": ratings(quality.get(of[clips[0]], 1))}


def ratings(value: int) -> dict[str, int]:
    return {"quality": value, "relevance": value, "musicality": value}


def answers(key: dict, participant: str, sheet: int = 0, quality: dict[str, int] = QUALITY, **changes) -> dict:
    """All answers of one participant. `changes`: item role to what is answered instead."""
    public = key["public"]
    sheets = {test: sheet % len(every) for test, every in public["sheets"].items()}
    given = []
    for test, number in sheets.items():
        for item in public["sheets"][test][number]:
            clips = public["items"][item]["clips"]
            answer = {"item": item, "clips": clips, "heard": [1.0] * len(clips), "seconds": 3.0}
            replaced = changes.get(f"{test}_{key['items'][item]['role']}")
            given.append(answer | (replaced or answer_item(item, key, quality)))
    return {
        "format": 1,
        "test": public["id"],
        "participant": participant,
        "session": participant.encode().hex().ljust(32, "0")[:32],
        "sheets": sheets,
        "started": "2026-01-01T10:00:00.000Z",
        "ended": "2026-01-01T10:20:00.000Z",
        "answers": given,
    }


def rating(participant: str, caption: str, system: str, value: float) -> Vote:
    values = dict.fromkeys(("quality", "relevance", "musicality"), float(value))
    return Vote(participant, f"{system} {caption}", caption, (system,), values)


def choice(participant: str, caption: str, pair: tuple[str, str], won: float) -> Vote:
    return Vote(participant, f"{pair} {caption}", caption, pair, {"choice": won})
