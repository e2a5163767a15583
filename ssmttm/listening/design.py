"""Which clips are rated and compared, on which sheets, with which checks; and the opaque names of all.

A sheet is what one participant gets. The public part of a design holds opaque names and captions
only. Which name is which system, and which trial is a check, is in the private part.
"""

import hashlib
import hmac
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

from ssmttm.errors import UserError
from ssmttm.listening.questions import NO_PREFERENCE, QUESTIONS
from ssmttm.seeds import stable_int

FORMAT = 1
TESTS = ("mos", "preference")
HISS = "(check) noise"
"""The anchor of the checks: white noise, of no system."""


@dataclass(frozen=True)
class Wanted:
    """What to ask for. `pairs` are pairs of systems; `ratings` and `comparisons` are per participant."""

    systems: tuple[str, ...]
    captions: dict[str, str]  # clip_id: caption
    pairs: tuple[tuple[str, str], ...]
    tests: tuple[str, ...] = TESTS
    ratings: int = 20
    comparisons: int = 12
    heard: float = 0.8  # of each clip, before it can be answered
    title: str = "Listening test"
    ceiling: str | None = None  # a system of real music: the noise is compared with it
    seed: int = 1


@dataclass
class Design:
    """`public` goes into the page. `clips` {name: {system, clip_id}}; `items` {id: {role, …}}."""

    public: dict[str, Any]
    clips: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)


def opaque(salt: bytes, *parts: object) -> str:
    """A name of 20 hex digits that tells nothing about `parts` to who doesn't know the salt."""
    text = "\x1f".join(str(p) for p in parts)
    return hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()[:20]


def balanced(first: int, second: int) -> list[tuple[int, int]]:
    """Every pair of range(first) x range(second) once, so that both go round evenly in any stretch.

    Within lcm(first, second) steps both simply count on (the Chinese remainder theorem: no pair
    comes twice); then the second one skips a step.
    """
    period = math.lcm(first, second)
    return [(k % first, (k + k // period) % second) for k in range(first * second)]


def split(entries: Sequence[Any], size: int) -> list[list[Any]]:
    """Consecutive parts of at most `size`, as equal as can be."""
    count = math.ceil(len(entries) / size)
    edges = [round(i * len(entries) / count) for i in range(count + 1)]
    return [list(entries[a:b]) for a, b in pairwise(edges)]


def every_pair(systems: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """All unordered pairs, each in sorted order."""
    return tuple(combinations(sorted(systems), 2))


def make(wanted: Wanted, salt: bytes) -> Design:
    """The design of a test. `salt` is secret; it decides names, never who is asked what.

    Raises UserError when there is nothing to rate or to compare.
    """
    _check(wanted)
    questions = [{"name": q.name, "text": q.text, "labels": list(q.labels)} for q in QUESTIONS]
    design = Design(
        {
            "format": FORMAT,
            "id": opaque(salt, "test"),
            "title": wanted.title,
            "heard": wanted.heard,
            "questions": questions,
            "volume": opaque(salt, "volume"),
            "items": {},
            "sheets": {},
        }
    )
    add = _Items(design, wanted, salt)
    for test in TESTS:
        if test in wanted.tests:
            sheets = add.mos() if test == "mos" else add.preference()
            design.public["sheets"][test] = [sorted(sheet) for sheet in sheets]
    # In the order of the opaque names, so that the order tells nothing.
    design.public["items"] = dict(sorted(design.public["items"].items()))
    return design


def _check(wanted: Wanted) -> None:
    if not wanted.tests or set(wanted.tests) - set(TESTS):
        raise UserError(f"--tests {','.join(wanted.tests)}: expected {' or '.join(TESTS)}, or both")
    if not wanted.captions or not wanted.systems:
        raise UserError("a listening test needs at least one system and one caption")
    if "preference" in wanted.tests and not wanted.pairs:
        raise UserError("a preference test needs at least two systems; give more --systems, or --tests mos")
    if wanted.ratings < 1 or wanted.comparisons < 1:
        raise UserError("each participant needs at least one clip to rate and one pair to compare")
    if not 0 < wanted.heard <= 1:
        raise UserError(f"--heard {wanted.heard}: expected a share above 0, at most 1")
    if named := [s for s in wanted.systems if s.lower() in wanted.title.lower()]:
        raise UserError(f"--title {wanted.title!r} names the system {named[0]}: participants would read it")


class _Items:
    """Adds trials to a design, sheet by sheet."""

    def __init__(self, design: Design, wanted: Wanted, salt: bytes) -> None:
        self._design, self._wanted, self._salt = design, wanted, salt

    def _mixed(self, entries: Iterable[Any], purpose: str) -> list[Any]:
        return sorted(entries, key=lambda e: stable_int("listening", self._wanted.seed, purpose, e))

    def _clip(self, system: str, clip_id: str, copy: str = "") -> str:
        """The opaque name of a clip's audio; `copy` tells apart names of the same audio."""
        name = opaque(self._salt, "clip", system, clip_id, copy)
        self._design.clips[name] = {"system": system, "clip_id": clip_id}
        return name

    def _add(self, identity: tuple[object, ...], clip_id: str, clips: list[str], role: str, **private: Any) -> str:
        shown: dict[str, Any] = {k: private.pop(k) for k in ("instruction", "apart") if k in private}
        item = opaque(self._salt, "item", role, *identity)
        self._design.public["items"][item] = {
            "kind": "mos" if len(clips) == 1 else "preference",
            "caption": self._wanted.captions[clip_id],
            "clips": sorted(clips),
            **shown,
        }
        self._design.items[item] = {"role": role, "clip_id": clip_id, **private}
        return item

    def mos(self) -> list[list[str]]:
        """Sheets of clips to rate: each has systems and captions as evenly as it can, and three checks."""
        captions, systems = self._mixed(self._wanted.captions, "captions"), self._mixed(self._wanted.systems, "systems")
        order = [(captions[c], systems[s]) for c, s in balanced(len(captions), len(systems))]
        sheets = []
        for number, part in enumerate(split(order, self._wanted.ratings)):
            sheet = [self._add((s, c), c, [self._clip(s, c)], "mos", system=s) for c, s in part]
            sheets.append([*sheet, *self._mos_checks(number, part)])
        return sheets

    def _mos_checks(self, number: int, part: list[tuple[str, str]]) -> list[str]:
        (again, by), (told, told_by), (hiss, _) = (self._drawn(part, "mos", number, k) for k in range(3))
        twin = opaque(self._salt, "item", "mos", by, again)
        asked = 2 if stable_int("listening", self._wanted.seed, "instruction", number) % 2 else 4
        text = f"This one is a check: choose {asked} in all three questions, whatever you hear."
        copy = f"mos {number}"
        return [
            self._add((copy,), again, [self._clip(by, again, f"again {copy}")], "repeat", of=twin, apart=twin),
            self._add((copy,), told, [self._clip(told_by, told, f"told {copy}")], "instruction", instruction=text,
                      expects=asked),
            self._add((copy,), hiss, [self._clip(HISS, hiss, copy)], "noise"),
        ]  # fmt: skip

    def _drawn(self, part: list[Any], test: str, number: int, which: int) -> Any:
        return self._mixed(part, f"checks {test} {number}")[which % len(part)]

    def preference(self) -> list[list[str]]:
        """Sheets of pairs to compare, with an instruction and, given real music, a pair of it and noise."""
        captions, pairs = self._mixed(self._wanted.captions, "captions"), self._mixed(self._wanted.pairs, "pairs")
        order = [(captions[c], pairs[p]) for c, p in balanced(len(captions), len(pairs))]
        sheets = []
        for number, part in enumerate(split(order, self._wanted.comparisons)):
            sheet = [
                self._add((pair, c), c, [self._clip(s, c) for s in pair], "preference", systems=list(pair))
                for c, pair in part
            ]
            sheets.append([*sheet, *self._preference_checks(number, part)])
        return sheets

    def _preference_checks(self, number: int, part: list[Any]) -> list[str]:
        (told, pair), (hiss, _) = (self._drawn(part, "preference", number, k) for k in range(2))
        copy = f"preference {number}"
        clips = [self._clip(s, told, f"told {copy}") for s in pair]
        text = "This one is a check: choose “No preference”, whatever you hear."
        checks = [self._add((copy,), told, clips, "instruction", instruction=text, expects=NO_PREFERENCE)]
        if self._wanted.ceiling is not None:
            better, worse = self._clip(self._wanted.ceiling, hiss, copy), self._clip(HISS, hiss, copy)
            checks.append(self._add((copy,), hiss, [better, worse], "noise", refused=worse))
        return checks
