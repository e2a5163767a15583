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
from typing import TypeVar

from ssmttm.errors import UserError
from ssmttm.listening.questions import NO_PREFERENCE, QUESTIONS
from ssmttm.listening.records import Clip, Public, Trial
from ssmttm.seeds import stable_int

T = TypeVar("T")
Subject = str | tuple[str, str]
"""What a trial is about: a system, or a pair of systems."""

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
    """`public` goes into the page; clips and trials by opaque name."""

    public: Public
    clips: dict[str, Clip] = field(default_factory=dict)
    items: dict[str, Trial] = field(default_factory=dict)


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


def split(entries: Sequence[T], size: int) -> list[list[T]]:
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
    trials = _Trials(design, wanted, salt)
    for test in TESTS:
        if test in wanted.tests:
            design.public["sheets"][test] = [sorted(sheet) for sheet in trials.sheets(test)]
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


class _Trials:
    """Adds trials to a design, sheet by sheet."""

    def __init__(self, design: Design, wanted: Wanted, salt: bytes) -> None:
        self._design, self._wanted, self._salt = design, wanted, salt

    def sheets(self, test: str) -> list[list[str]]:
        """Sheets of a test's trials: each has captions and systems (or pairs) as evenly as it can, and checks."""
        wanted = self._wanted
        subjects: list[Subject] = [*wanted.systems] if test == "mos" else [*wanted.pairs]
        subjects = self._mixed(subjects, "systems" if test == "mos" else "pairs")
        captions = self._mixed(wanted.captions, "captions")
        order = [(captions[c], subjects[s]) for c, s in balanced(len(captions), len(subjects))]
        sheets = []
        for number, part in enumerate(split(order, wanted.ratings if test == "mos" else wanted.comparisons)):
            sheet = [self._scored(caption, subject) for caption, subject in part]
            sheets.append([*sheet, *self._checks(test, number, part)])
        return sheets

    def _scored(self, caption: str, subject: Subject) -> str:
        """A trial that counts: a clip to rate, or two to compare."""
        if isinstance(subject, str):
            trial = Trial(role="mos", clip_id=caption, system=subject)
        else:
            trial = Trial(role="preference", clip_id=caption, systems=list(subject))
        return self._add((subject, caption), trial, self._clips(subject, caption))

    def _checks(self, test: str, number: int, part: list[tuple[str, Subject]]) -> list[str]:
        """What shows whether somebody listens: an instruction, noise, and a clip to rate that comes again."""
        drawn = self._mixed(part, f"checks {test} {number}")
        copy = f"{test} {number}"
        if test == "mos":
            return self._mos_checks(copy, number, [drawn[k % len(drawn)] for k in range(3)])
        (asked, pair), (noise, _) = drawn[0], drawn[1 % len(drawn)]
        text = "This one is a check: choose “No preference”, whatever you hear."
        checks = [self._instruction(copy, asked, pair, text, NO_PREFERENCE)]
        if self._wanted.ceiling is not None:
            clips = [*self._clips(self._wanted.ceiling, noise, copy), *self._clips(HISS, noise, copy)]
            checks.append(self._add((copy,), Trial(role="noise", clip_id=noise, refused=clips[1]), clips))
        return checks

    def _mos_checks(self, copy: str, number: int, drawn: list[tuple[str, Subject]]) -> list[str]:
        (again, system), (asked, other), (noise, _) = drawn
        twin = opaque(self._salt, "item", "mos", system, again)
        repeat = Trial(role="repeat", clip_id=again, of=twin)
        rating = 2 if stable_int("listening", self._wanted.seed, "instruction", number) % 2 else 4
        text = f"This one is a check: choose {rating} in all three questions, whatever you hear."
        return [
            self._add((copy,), repeat, self._clips(system, again, f"again {copy}"), apart=twin),
            self._instruction(copy, asked, other, text, rating),
            self._add((copy,), Trial(role="noise", clip_id=noise), self._clips(HISS, noise, copy)),
        ]

    def _instruction(self, copy: str, caption: str, subject: Subject, text: str, expects: int | str) -> str:
        trial = Trial(role="instruction", clip_id=caption, expects=expects)
        return self._add((copy,), trial, self._clips(subject, caption, f"told {copy}"), instruction=text)

    def _mixed(self, entries: Iterable[T], purpose: str) -> list[T]:
        return sorted(entries, key=lambda e: stable_int("listening", self._wanted.seed, purpose, e))

    def _clips(self, subject: Subject, clip_id: str, copy: str = "") -> list[str]:
        """The opaque names of a subject's audio; `copy` distinguishes names of the same audio."""
        systems = [subject] if isinstance(subject, str) else subject
        names = [opaque(self._salt, "clip", system, clip_id, copy) for system in systems]
        self._design.clips |= {n: Clip(system=s, clip_id=clip_id) for n, s in zip(names, systems)}
        return names

    def _add(self, identity: tuple[object, ...], trial: Trial, clips: list[str], **public: str) -> str:
        """Add a trial under the opaque name of its role and identity; `public`: what else its page gets."""
        name = opaque(self._salt, "item", trial["role"], *identity)
        self._design.public["items"][name] = {
            "kind": "mos" if len(clips) == 1 else "preference",
            "caption": self._wanted.captions[trial["clip_id"]],
            "clips": sorted(clips),
            **public,  # type: ignore[typeddict-item]  # `instruction` or `apart`
        }
        self._design.items[name] = trial
        return name
