"""Command `listen`: a blinded listening test from finished runs, its server, and what the answers say."""

import math
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.audio.loudness import loudness
from ssmttm.dataset.sharing import REAL, RealMusic
from ssmttm.errors import UserError
from ssmttm.files import write_bytes, write_json, write_text
from ssmttm.listening import design, flac, level, material, page, results
from ssmttm.listening.scoring import Settings
from ssmttm.listening.server import Server

_VOLUME = {"system": "(volume)", "clip_id": ""}


def build(
    study: Path,
    out: Path,
    key: Path | None = None,
    systems: Sequence[str] = (),
    pairs: Sequence[str] = (),
    captions: int = 8,
    seconds: float | None = None,
    seed: int = 1,
    salt: bytes | None = None,
    data: Path | None = None,
    **asked: Any,
) -> str:
    """Write the page into the new folder `out`, and the key beside it; what was built, in words.

    `asked`: further fields of `design.Wanted`. `salt` is drawn afresh, unless a test gives it. Real music
    is that of clips which may be passed on, by the licenses in the data set `data`, and the page credits it.
    """
    if out.name in ("", ".."):
        out = out.resolve()
    if not out.name:
        raise UserError(f"--out {out}: give a new folder")
    key = out.with_name(f"{out.name}.key.json") if key is None else key
    _check_places(out, key)
    if seconds is not None and not level.SHORTEST_S <= seconds < math.inf:
        raise UserError(f"--seconds {seconds}: expected a number of at least {level.SHORTEST_S}")
    every = material.systems(study)
    chosen = material.choose(systems, every)
    music = material.real_music(every, data)
    texts, ceiling = _captions(every, chosen, captions, seed, music)
    wanted = design.Wanted(
        systems=tuple(chosen),
        captions=texts,
        pairs=material.pairs(pairs, chosen, every),
        ceiling=ceiling,
        seed=seed,
        **asked,
    )
    salt = secrets.token_bytes(32) if salt is None else salt
    made = design.make(wanted, salt)
    real = {clip["clip_id"] for clip in made.clips.values() if clip["system"] in REAL}
    made.public["credits"] = music.credits(real) if music is not None else []
    waves, rate = material.waves(made, every.folders, seconds, seed)
    made.clips[made.public["volume"]] = dict(_VOLUME)
    common = _level(waves, rate, made.clips)
    # The key first: a page without its key is worth nothing.
    write_json(
        key,
        {
            "format": design.FORMAT,
            "study": str(study),
            "salt": salt.hex(),
            "seed": seed,
            "level_lufs": common,
            "sample_rate": rate,
            "public": made.public,
            "items": made.items,
            "clips": made.clips,
        },
    )
    key.chmod(0o600)
    try:
        _write_page(out, made, waves, rate, salt)
    except BaseException:
        key.unlink()
        raise
    return _in_words(made, wanted, out, key, common)


def _captions(
    study: material.Systems, chosen: Sequence[str], count: int, seed: int, music: RealMusic | None
) -> tuple[dict[str, str], str | None]:
    """Clip ids with captions, and the system of real music that checks may use.

    Clips whose real music must not be passed on are left out; if there are too few others, and no real
    music was asked for, checks do without it.
    """
    folders = {s: study.folders[s] for s in chosen}
    ceiling = material.CEILING if material.CEILING in study.folders else None
    if ceiling is None and not folders.keys() & set(REAL):
        return material.captions(folders, count, seed), None
    try:
        return material.captions(folders, count, seed, music), ceiling
    except material.Unshareable:
        if folders.keys() & set(REAL):
            raise
        return material.captions(folders, count, seed), None


def _check_places(out: Path, key: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"--out {out}: exists already; give a new folder")
    if out.resolve() in (key.resolve(), *key.resolve().parents):
        raise UserError(f"--key {key}: lies inside the public folder {out}; everybody could read it")
    if key.exists():
        raise UserError(f"--key {key}: exists already; without it the answers of that test can't be scored")


def _level(waves: dict[str, np.ndarray], rate: int, clips: dict[str, dict[str, Any]]) -> float:
    """Note loudness and gain of every clip in `clips`; the common level, LUFS."""
    measured = {name: loudness(wave, rate) for name, wave in waves.items()}
    reach = {name: level.reachable(wave, measured[name]) for name, wave in waves.items()}
    common = level.common_level(reach)
    for name, found in measured.items():
        gain = level.gain_db(found, reach[name], common)
        clips[name] |= {"loudness_lufs": found if math.isfinite(found) else None, "gain_db": gain}
    return common


def _write_page(out: Path, made: design.Design, waves: dict[str, np.ndarray], rate: int, salt: bytes) -> None:
    """Write the folder as a whole. All files get one time and all audio one size, so that these tell nothing."""
    audio = {}
    for name in sorted(waves):
        scaled = waves[name] * np.float32(10 ** (made.clips[name]["gain_db"] / 20))
        audio[name] = encode_audio(level.dithered(scaled, int(design.opaque(salt, "dither", name), 16)), rate)
    size = max(map(len, audio.values())) + flac.HEADER
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        folder = Path(temporary) / "page"
        for name, encoded in audio.items():
            write_bytes(folder / "audio" / f"{name}.flac", flac.padded(encoded, size))
        index = folder / "index.html"
        write_text(index, page.render(made.public))
        built = index.stat().st_mtime
        for path in folder.rglob("*.*"):
            os.utime(path, (built, built))
        if out.exists():
            out.rmdir()
        folder.replace(out)


def _in_words(made: design.Design, wanted: design.Wanted, out: Path, key: Path, common: float) -> str:
    lines = [f"{out / 'index.html'}: open it in a browser, or ssmttm listen serve {out} --answers FOLDER"]
    for test, kind, n in (("mos", "systems", len(wanted.systems)), ("preference", "pairs", len(wanted.pairs))):
        if test in wanted.tests:
            total, sheets = n * len(wanted.captions), len(made.public["sheets"][test])
            lines.append(
                f"{test}: {n} {kind} x {len(wanted.captions)} captions = {total} trials on {sheets} sheets; "
                f"one participant gets one sheet"
            )
    softer = [n for n, c in made.clips.items() if c["loudness_lufs"] is None or _heard_at(c) < common - 0.1]
    lines.append(f"level: {common:.1f} LUFS" + (f"; softer, as silent or peaky: {', '.join(softer)}" if softer else ""))
    if credits := made.public["credits"]:
        lines.append(f"credits: the page names {len(credits)} tracks of real music; leave them there")
    elif wanted.ceiling is None and "preference" in wanted.tests:
        lines.append("checks: none compares noise with real music, of which none may be passed on or is there")
    lines.append(f"{key}: says which clip is whose; keep it, and keep it to yourself")
    return "\n".join(lines)


def _heard_at(clip: dict[str, Any]) -> float:
    return clip["loudness_lufs"] + clip["gain_db"]


def serve(folder: Path, answers: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the test in `folder` until interrupted."""
    page.read(folder)
    answers.mkdir(parents=True, exist_ok=True)
    try:
        server = Server(folder, answers, (host, port), tell)
    except (OSError, OverflowError) as error:
        raise UserError(f"--host {host} --port {port}: {error}") from error
    with server:
        tell(f"http://{host}:{server.server_address[1]}/ serves {folder}; answers go to {answers}; Ctrl-C ends it")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            tell("ended")


def score(answers: Sequence[Path], key: Path, out: Path | None, settings: Settings) -> str:
    """Score the answers in files and folders. Writes `out` and its tables as CSV beside it; the results in words."""
    if not 0 < settings.confidence < 1:
        raise UserError(f"--confidence {settings.confidence}: expected a share between 0 and 1")
    if out is not None and out.suffix != ".json":
        raise UserError(f"--out {out}: expected a name that ends in .json")
    found = results.collect(answers, results.read_key(key), settings)
    if out is not None:
        write_json(out, found)
        for table in ("mos", "differences", "preference", "ranking"):
            if found[table]:
                write_text(out.with_suffix(f".{table}.csv"), results.to_csv(found[table]))
    return results.in_words(found)
