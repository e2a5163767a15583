"""From a finished study to a listening test: a public page with its audio, and the secret key beside it."""

import math
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ssmttm.dataset.sharing import REAL
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.listening import design, level, material, public


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
    out = _named(out)
    key = out.with_name(f"{out.name}.key.json") if key is None else key
    _check_places(out, key)
    if seconds is not None and not level.SHORTEST_S <= seconds < math.inf:
        raise UserError(f"--seconds {seconds}: expected a number of at least {level.SHORTEST_S}")
    every = material.systems(study)
    chosen = material.choose(systems, every)
    music = material.real_music(every, data)
    texts, ceiling = material.captions_and_ceiling(every, chosen, captions, seed, music)
    of_systems = material.pairs(pairs, chosen, every)
    wanted = design.Wanted(tuple(chosen), texts, of_systems, ceiling=ceiling, seed=seed, **asked)
    salt = secrets.token_bytes(32) if salt is None else salt
    made = design.make(wanted, salt)
    real = {clip["clip_id"] for clip in made.clips.values() if clip["system"] in REAL}
    made.public["credits"] = music.credits(real) if music is not None else []
    waves, rate = material.waves(made, every.folders, seconds, seed)
    made.clips[made.public["volume"]] = {"system": "(volume)", "clip_id": ""}
    common = level.set_gains(waves, rate, made.clips)
    secret = {"format": design.FORMAT, "study": str(study), "salt": salt.hex(), "seed": seed}
    secret |= {"level_lufs": common, "sample_rate": rate}
    # The key first: a page without its key is worth nothing.
    write_json(key, {**secret, "public": made.public, "items": made.items, "clips": made.clips})
    key.chmod(0o600)
    try:
        public.write(out, made, waves, rate, salt)
    except BaseException:
        key.unlink()
        raise
    return public.summary(made, wanted, out, key, common)


def _named(out: Path) -> Path:
    """`out` with a name of its own, which `.` lacks."""
    if out.name in ("", ".."):
        out = out.resolve()
    if not out.name:
        raise UserError(f"--out {out}: give a new folder")
    return out


def _check_places(out: Path, key: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"--out {out}: exists already; give a new folder")
    if out.resolve() in (key.resolve(), *key.resolve().parents):
        raise UserError(f"--key {key}: lies inside the public folder {out}; everybody could read it")
    if key.exists():
        raise UserError(f"--key {key}: exists already; without it the answers of that test can't be scored")
