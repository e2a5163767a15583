"""What `ssmttm generate` is asked for, checked before any work."""

from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.models.inference.precision import PRECISIONS

FORMATS = {".wav": "WAV", ".flac": "FLAC"}
"""Of a single clip, by the ending of its file."""

NO_REFINER = Path("none")
"""Given as a refiner, it leaves the second stage out."""


def check_request(out: Path, prompt: str | None, prompts: Path | None, stream: bool, precision: str) -> None:
    """Raise UserError for options that don't go together."""
    if (prompt is None) == (prompts is None):
        raise UserError("give either --prompt TEXT or --prompts FILE")
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision}: expected {' or '.join(PRECISIONS)}")
    if stream and (prompt is None or out.suffix != ".wav"):
        raise UserError("--stream writes one prompt to one file: give --prompt TEXT and --out NAME.wav")
    if prompt is not None and out.suffix not in FORMATS:
        raise UserError(f"--out {out}: expected a name that ends in {' or '.join(FORMATS)}")
    if prompts is not None and out.suffix != ".parquet" and (out.is_file() or out.suffix in FORMATS):
        raise UserError(f"--out {out}: with --prompts, expected a folder or a name that ends in .parquet")
