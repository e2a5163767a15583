"""Command `listen`: a blinded listening test from finished runs, its server, and what the answers say."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from ssmttm.errors import UserError
from ssmttm.files import write_json, write_text
from ssmttm.listening import page, results
from ssmttm.listening.building import build
from ssmttm.listening.scoring import Settings

__all__ = ["build", "score", "serve"]


def serve(folder: Path, answers: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve the test in `folder` until interrupted."""
    try:
        from ssmttm.listening.server import Server  # which imports werkzeug
    except ModuleNotFoundError as error:
        raise UserError(f"serving needs the package {error.name}: pip install 'ssmttm[listen]'") from error

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
    scores = results.collect(answers, results.read_key(key), settings)
    if out is not None:
        write_json(out, scores)
        tables = {t: scores[t] for t in ("mos", "differences", "preference", "ranking")}
        for table, rows in tables.items():
            if rows:
                write_text(out.with_suffix(f".{table}.csv"), pd.DataFrame(rows).to_csv(index=False))
    return results.in_words(scores)
