"""From files of answers to results: whose answers count, the tables, and the results in words."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.listening.answers import MAX_BYTES, BadAnswers, check, parse
from ssmttm.listening.design import FORMAT
from ssmttm.listening.records import Answers, Excluded, Key, Results
from ssmttm.listening.scoring import Settings, score, votes
from ssmttm.listening.screening import NOISE_AT_MOST, REPEAT_WITHIN, failures
from ssmttm.statistics.crossed import Bounds


def read_key(path: Path) -> Key:
    """The key of a test; UserError if the file is something else."""
    key = read_json(path)
    if missing := [k for k in ("format", "public", "items", "clips", "study") if k not in key]:
        raise UserError(f"{path}: not the key of a listening test; it lacks {missing[0]}")
    if key["format"] != FORMAT:
        raise UserError(f"{path}: format {key['format']}, expected {FORMAT}")
    return cast(Key, key)


def collect(paths: Iterable[Path], key: Key, settings: Settings) -> Results:
    """The results of the answers in files and folders.

    Raises UserError naming file and place for a file that is no such answers, for answers of another
    test, and for a participant or a session that two files have; and if no participant passes.
    """
    kept, excluded = participants(_files(paths), key)
    if not kept:
        reasons = "; ".join(f"{e['participant']}: {e['reasons'][0]}" for e in excluded)
        raise UserError(f"no participant passed the checks ({reasons})")
    heard = f"{key['public']['heard']:.0%}"
    return {
        "test": key["public"]["id"],
        "study": key["study"],
        "participants": {"given": len(kept) + len(excluded), "kept": len(kept), "excluded": excluded},
        "screening": (
            f"left out: incomplete answers; a trial answered before {heard} of each clip had been played; an "
            f"instruction not followed; noise rated above {NOISE_AT_MOST} in quality or preferred to music; a repeated "
            f"clip rated more than {REPEAT_WITHIN} points apart, mean over the questions"
        ),
        "interval": (
            f"{settings.confidence:.0%} percentiles of {settings.resamples} bootstrap resamples over participants and "
            f"captions, both drawn with replacement, independently (seed {settings.seed})"
        ),
        **score(votes(kept, key["items"], key["clips"]), settings),
    }


def _files(paths: Iterable[Path]) -> list[Path]:
    files: dict[Path, Path] = {}  # a file that is given twice counts once
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise UserError(f"{path}: holds no .json files")
        for file in inside:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def participants(files: Sequence[Path], key: Key) -> tuple[list[Answers], list[Excluded]]:
    """Answers that count, and whose don't."""
    kept: list[Answers] = []
    excluded: list[Excluded] = []
    earlier: dict[tuple[str, str], Path] = {}
    for path in files:
        try:
            with open(path, "rb") as file:
                answers = parse(file.read(MAX_BYTES + 1))
            missing = check(answers, key["public"])
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error
        except BadAnswers as error:
            raise UserError(f"{path}: {error}") from error
        for field, name in (("participant", answers["participant"]), ("session", answers["session"])):
            if (first := earlier.setdefault((field, name), path)) != path:
                raise UserError(f"{path}: {field}: {name} is in {first} too; give one of them")
        reasons = failures(answers, key["items"], key["public"]["heard"], missing)
        if reasons:
            excluded.append({"participant": answers["participant"], "file": str(path), "reasons": reasons})
        else:
            kept.append(answers)
    return kept, excluded


def in_words(results: Results) -> str:
    """The results as lines for a terminal."""
    people = results["participants"]
    lines = [f"{people['kept']} of {people['given']} participants count"]
    lines += [f"left out: {e['participant']} ({e['file']}): {'; '.join(e['reasons'])}" for e in people["excluded"]]
    lines += [f"warning: {w}" for w in results["warnings"]]
    lines.append(f"intervals: {results['interval']}")
    width = max((len(r["system"]) for r in results["mos"]), default=0)
    for m in results["mos"]:
        mean = f"{m['question']:<10}  {m['system']:<{width}}  {m['mean']:.2f}"
        lines.append(f"{mean}  ({_bounds(m)}), {m['answers']} ratings by {m['participants']}")
    for p in results["preference"]:
        lines.append(
            f"{p['a']} preferred to {p['b']}: {p['win_rate']:.0%} ({_bounds(p)}), {p['wins']} wins, "
            f"{p['losses']} losses, {p['ties']} ties, p = {p['p_participants']:.2g} over participants"
        )
    for place, r in enumerate(results["ranking"], 1):
        lines.append(f"rank {place}: {r['system']}, Bradley-Terry strength {r['strength']:+.2f} ({_bounds(r)})")
    for alpha in results["agreement"]:
        value = alpha["note"] if alpha["alpha"] is None else f"{alpha['alpha']:.3f} over {alpha['trials']} trials"
        lines.append(f"agreement on {alpha['question']}: Krippendorff's alpha ({alpha['level']}) {value}")
    return "\n".join(lines)


def _bounds(row: Bounds) -> str:
    return "no interval" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}"
