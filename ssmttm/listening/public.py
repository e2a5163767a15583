"""The public folder of a listening test, written as a whole, and what there is to say of it."""

import os
import tempfile
from pathlib import Path

import numpy as np

from ssmttm.audio.coded import encode_audio
from ssmttm.files import write_bytes, write_text
from ssmttm.listening import design, flac, level, page


def write(out: Path, made: design.Design, waves: dict[str, np.ndarray], rate: int, salt: bytes) -> None:
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


def summary(made: design.Design, wanted: design.Wanted, out: Path, key: Path, common: float) -> str:
    """What was built, for whoever built it."""
    lines = [f"{out / 'index.html'}: open it in a browser, or ssmttm listen serve {out} --answers FOLDER"]
    for test, kind, n in (("mos", "systems", len(wanted.systems)), ("preference", "pairs", len(wanted.pairs))):
        if test in wanted.tests:
            total, sheets = n * len(wanted.captions), len(made.public["sheets"][test])
            lines.append(
                f"{test}: {n} {kind} x {len(wanted.captions)} captions = {total} trials on {sheets} sheets; "
                f"one participant gets one sheet"
            )
    softer = [
        name
        for name, clip in made.clips.items()
        if clip["loudness_lufs"] is None or clip["loudness_lufs"] + clip["gain_db"] < common - 0.1
    ]
    lines.append(f"level: {common:.1f} LUFS" + (f"; softer, as silent or peaky: {', '.join(softer)}" if softer else ""))
    if credits := made.public["credits"]:
        lines.append(f"credits: the page names {len(credits)} tracks of real music; leave them there")
    elif wanted.ceiling is None and "preference" in wanted.tests:
        lines.append("checks: none compares noise with real music, of which none may be passed on or is there")
    lines.append(f"{key}: says which clip is whose; keep it, and keep it to yourself")
    return "\n".join(lines)
