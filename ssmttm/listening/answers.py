"""The file of answers of one participant: untrusted input, checked before anything is done with it."""

import json
import math
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from ssmttm.listening.questions import NAMES, NO_PREFERENCE

MAX_BYTES = 256 * 1024
PARTICIPANT = "^[a-z0-9][a-z0-9_-]{0,39}$"
_END = r"(?!\n)"  # in Python, $ also matches before a final newline
_OPAQUE = {"type": "string", "pattern": f"^[0-9a-f]{{20}}${_END}"}
_TIME = {"type": "string", "pattern": "^[0-9A-Za-z:.+ -]{0,40}$" + _END}
_COMMON = {
    "item": _OPAQUE,
    "clips": {"type": "array", "items": _OPAQUE, "minItems": 1, "maxItems": 2, "uniqueItems": True},  # as shown
    "heard": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 1, "maxItems": 2},
    "seconds": {"type": "number", "minimum": 0, "maximum": 1e7},
}


def _answer(**own: Any) -> dict[str, Any]:
    properties = {**_COMMON, **own}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_RATING = {"type": "integer", "minimum": 1, "maximum": 5}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "format": {"const": 1},
        "test": _OPAQUE,
        "participant": {"type": "string", "pattern": PARTICIPANT + _END},
        "session": {"type": "string", "pattern": "^[0-9a-f]{32}$" + _END},
        "sheets": {
            "type": "object",
            "properties": {t: {"type": "integer", "minimum": 0, "maximum": 1e6} for t in ("mos", "preference")},
            "additionalProperties": False,
        },
        "started": _TIME,
        "ended": _TIME,
        "answers": {
            "type": "array",
            "maxItems": 2000,
            "items": {
                "type": "object",
                "if": {"required": ["choice"]},
                "then": _answer(choice={"anyOf": [_OPAQUE, {"const": NO_PREFERENCE}]}),
                "else": _answer(
                    ratings={
                        "type": "object",
                        "properties": dict.fromkeys(NAMES, _RATING),
                        "required": list(NAMES),
                        "additionalProperties": False,
                    }
                ),
            },
        },
    },
    "required": ["format", "test", "participant", "session", "sheets", "started", "ended", "answers"],
    "additionalProperties": False,
}
# In JSON schema 1.0 is an integer; as an index it is none.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
_VALIDATOR = extend(Draft202012Validator, type_checker=_TYPES)(SCHEMA)


class BadAnswers(ValueError):
    """Answers that can't be used, with the place where that shows."""


def parse(data: bytes) -> dict[str, Any]:
    """Answers from JSON bytes, checked against SCHEMA. BadAnswers names the place."""
    if len(data) > MAX_BYTES:
        raise BadAnswers(f"larger than {MAX_BYTES} bytes")
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
        found = sorted(_VALIDATOR.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path])
    except RecursionError:
        raise BadAnswers("not valid JSON: lists or objects too deep in one another") from None
    except ValueError as error:
        raise BadAnswers(f"not valid JSON: {error}") from error
    if found:
        raise BadAnswers(f"{_place(found[0].absolute_path)}: {found[0].message[:300]}")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    if any(isinstance(v, float) and not math.isfinite(v) for v in value.values()):
        raise ValueError("a number is out of range")
    return value


def _place(path: Any) -> str:
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".") or "the file"


def check(answers: dict[str, Any], public: dict[str, Any]) -> list[str]:
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
