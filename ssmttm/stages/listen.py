"""Command `listen`: a blinded listening test from finished runs, its server, and what the answers say."""

import math
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ssmttm.dataset.sharing import REAL
from ssmttm.errors import UserError
from ssmttm.files import write_json, write_text
from ssmttm.listening import design, level, material, page, public, results
from ssmttm.listening.scoring import Settings


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
    texts, ceiling = material.captions_and_ceiling(every, chosen, captions, seed, music)
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
    made.clips[made.public["volume"]] = {"system": "(volume)", "clip_id": ""}
    common = level.set_gains(waves, rate, made.clips)
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
        public.write(out, made, waves, rate, salt)
    except BaseException:
        key.unlink()
        raise
    return public.summary(made, wanted, out, key, common)


def _check_places(out: Path, key: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"--out {out}: exists already; give a new folder")
    if out.resolve() in (key.resolve(), *key.resolve().parents):
        raise UserError(f"--key {key}: lies inside the public folder {out}; everybody could read it")
    if key.exists():
        raise UserError(f"--key {key}: exists already; without it the answers of that test can't be scored")


def serve(folder: Path, answers: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the test in `folder` until interrupted."""
    from ssmttm.listening.server import Server  # which imports werkzeug

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
    scored = results.collect(answers, results.read_key(key), settings)
    if out is not None:
        write_json(out, scored)
        tables = {t: scored[t] for t in ("mos", "differences", "preference", "ranking")}
        for table, rows in tables.items():
            if rows:
                write_text(out.with_suffix(f".{table}.csv"), pd.DataFrame(rows).to_csv(index=False))
    return results.in_words(scored)
