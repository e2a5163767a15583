"""The file of answers of one participant: untrusted input, checked before anything is done with it."""

import json
import math
from collections.abc import Iterable
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from ssmttm.listening.questions import NO_PREFERENCE
from ssmttm.listening.records import Answers, Public

MAX_BYTES = 256 * 1024
SCHEMA = yaml.safe_load(Path(__file__).with_name("answers.schema.yaml").read_text(encoding="utf-8"))
PARTICIPANT: str = SCHEMA["properties"]["participant"]["pattern"].removesuffix(r"(?!\n)")
# In JSON schema 1.0 is an integer; as an index it is none.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_VALIDATOR = extend(Draft202012Validator, type_checker=_TYPES)(SCHEMA)


class BadAnswers(ValueError):
    """Answers that can't be used, with the place where that shows."""


def parse(data: bytes) -> Answers:
    """Answers from JSON bytes, checked against SCHEMA. BadAnswers names the place."""
    if len(data) > MAX_BYTES:
        raise BadAnswers(f"larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
        errors = sorted(_VALIDATOR.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    except RecursionError:
        raise BadAnswers("not valid JSON: lists or objects too deep in one another") from None
    except ValueError as error:
        raise BadAnswers(f"not valid JSON: {error}") from error
    if errors:
        raise BadAnswers(f"{_place(errors[0].absolute_path)}: {errors[0].message[:300]}")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    if any(isinstance(v, float) and not math.isfinite(v) for v in value.values()):
        raise ValueError("a number is out of range")
    return value


def _place(path: Iterable[str | int]) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "the file"


def check(answers: Answers, public: Public) -> list[str]:
    """Check parsed answers against the test `public`; the ids of its items that have no answer.

    Raises BadAnswers for answers of another test, for an item that isn't on the participant's
    sheet or is answered twice, and for clips or ratings that don't belong to the item.
    """
    if answers["test"] != public["id"]:
        raise BadAnswers(f"test: these are answers of another test, {answers['test']}, not of {public['id']}")
    if set(answers["sheets"]) != set(public["sheets"]):
        raise BadAnswers(f"sheets: expected {', '.join(public['sheets'])}")
    asked: set[str] = set()
    for test, number in answers["sheets"].items():
        if number >= len(public["sheets"][test]):
            raise BadAnswers(f"sheets.{test}: there is no sheet {number}")
        asked.update(public["sheets"][test][number])
    answered: set[str] = set()
    for i, answer in enumerate(answers["answers"]):
        item = answer["item"]
        if item not in asked:
            raise BadAnswers(f"answers[{i}].item: {item} is not on this participant's sheets")
        if item in answered:
            raise BadAnswers(f"answers[{i}].item: {item} is answered twice")
        answered.add(item)
        known = public["items"][item]
        if sorted(answer["clips"]) != known["clips"] or len(answer["heard"]) != len(known["clips"]):
            raise BadAnswers(f"answers[{i}].clips: not the clips of item {item}")
        if ("choice" in answer) != (known["kind"] == "preference"):
            raise BadAnswers(f"answers[{i}]: expected {'a choice' if 'ratings' in answer else 'ratings'}")
        if "choice" in answer and answer["choice"] not in (*known["clips"], NO_PREFERENCE):
            raise BadAnswers(f"answers[{i}].choice: {answer['choice']} is no clip of item {item}")
    return sorted(asked - answered)
