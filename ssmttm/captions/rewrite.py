"""Captions in the words of a language model: asked, checked, stored, with the template as what remains.

Each answer is stored before it is used, one file per question, so that a run that was killed goes on
where it was. An answer that says more than the facts is kept in the store and not used.
"""

import base64
import hashlib
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ssmttm.captions.chat import Answer, Chat, Message, NoAnswer
from ssmttm.captions.check import MOST_WORDS, invented
from ssmttm.captions.facts import Facts
from ssmttm.captions.vocabulary import count
from ssmttm.errors import UserError
from ssmttm.files import sha256_bytes, write_json

TEMPLATE = "template"
"""Who wrote a caption that no model did."""

_GIVE_UP = 5
"""Questions in a row without an answer, after which no further one is asked."""
_SYSTEM = (
    "You write captions for a data set of music. You are given everything that is known about a clip. "
    "Write one caption in plain English that a listener could have written. Use only what is given: name no other "
    "genre, instrument, voice, mood, tempo, key or number, and do not guess. You may leave things out. "
    "Answer with the caption alone: no title, no list, no quotation marks."
)
_LENGTHS = {
    "sentence": "Write one sentence of 8 to 30 words.",
    "paragraph": "Write one paragraph of two to four sentences, 30 to 70 words.",
}
_LISTEN = "Listen to the clip too, but stay with the facts given."

_THOUGHT = re.compile(r"^.*?</think>|<think>.*?</think>", re.DOTALL)
_LEAD = re.compile(
    r"^(?:(?:sure|certainly|of course|here(?: is|'s))\b[^\n:]*:|(?:the )?captions?\s*:)\s*", re.IGNORECASE
)
_ENGLISH = re.compile(r"\b(?:an?|the|this|and|with|in|of|is)\b", re.IGNORECASE)
_QUOTES = "\"'`“”‘’«»"


Sound = tuple[bytes, Callable[[], bytes]]
"""A stored clip, which identifies it, and a function that gives it as WAV."""


class Rewriter:
    """Rewords captions in the background, `batch` at a time. Use it as a context manager."""

    def __init__(self, settings: Mapping[str, Any], cache: Path) -> None:
        """`settings` is `data.captions.rewrite`; answers are stored in `cache`/rewrites.

        Raises UserError when the variable that holds the key is not set.
        """
        name = settings.get("key_env")
        key = os.environ.get(name, "").strip() if name else None
        if name and not key:
            raise UserError(f"data.captions.rewrite.key_env: the environment variable {name} is not set")
        self.chat = Chat(
            settings["endpoint"],
            settings["model"],
            settings.get("temperature", 0.0),
            settings.get("timeout_s", 60.0),
            key,
        )
        self.batch: int = settings.get("batch", 8)
        self.listens: bool = settings.get("audio", False)
        self.counts: Counter[str] = Counter()
        """Of captions: `written`, `stored` (of these, from an earlier run), `rejected`, `unanswered`."""
        self.reasons: Counter[str] = Counter()
        """Why answers were rejected."""
        self._cache = cache / "rewrites"
        self._lock = threading.Lock()
        self._answered = self._failed = self._in_a_row = 0
        self._reachable = False
        self._last = ""
        self._pool = ThreadPoolExecutor(self.batch, thread_name_prefix="rewrite")

    def __enter__(self) -> "Rewriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.chat.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(
        self, facts: Facts, style: str, template: str, seed: int, audio: Sound | None = None
    ) -> Future[tuple[str, str]]:
        """The future (caption, who wrote it) of a clip whose template caption in `style` is `template`.

        Raises UserError, as the future may, when questions are refused or none is answered at all.
        """
        if self.chat.stop.is_set():
            self._complain()
        return self._pool.submit(self._rewrite, facts, style, template, seed, audio if self.listens else None)

    def finish(self) -> str:
        """One line for the log, once every future is done; UserError if questions were asked and none answered."""
        self._complain()
        counts = self.counts
        text = f"{counts['written']} captions written by {self.chat.model}, {counts['stored']} answers from the store"
        left = counts["rejected"] + counts["unanswered"]
        if left:
            text += f"; {left} templates kept: {counts['unanswered']} unanswered, {counts['rejected']} rejected"
        if self.reasons:
            text += f" ({', '.join(f'{n} for {reason}' for reason, n in self.reasons.most_common(8))})"
        if self.counts["unanswered"]:
            text += f"; the last failure: {self._last}"
        return text

    def _complain(self) -> None:
        """Nobody who asked for rewriting wants to learn from the data set that there was none."""
        with self._lock:
            again = self.counts["stored"] and self._reachable  # the few clips that failed before
            if self._failed and not self._answered and not again:
                raise UserError(
                    f"data.captions.rewrite: {self.chat.address}: not one of {self._failed} questions was answered; "
                    f"the last: {self._last}. Start the server, or set rewrite: null"
                )

    def _rewrite(self, facts: Facts, style: str, template: str, seed: int, audio: Sound | None) -> tuple[str, str]:
        text = _question(facts, style, template, audio is not None)
        path = self._path(text, seed, audio[0] if audio else None)
        answer = _stored(path)
        if answer is None:
            answer = self._ask(text, seed, audio[1] if audio else None)
            if answer is None:
                return template, TEMPLATE
            write_json(path, {"text": answer.text, "whole": answer.whole})
        else:
            with self._lock:
                self.counts["stored"] += 1
        caption, reason = judge(answer, facts)
        with self._lock:
            self.counts["rejected" if reason else "written"] += 1
            if reason:
                self.reasons[reason] += 1
        return (template, TEMPLATE) if reason else (caption, self.chat.model)

    def _ask(self, text: str, seed: int, audio: Callable[[], bytes] | None) -> Answer | None:
        """The model's answer, or None; after many failures in a row nobody is asked any more."""
        if not self.chat.stop.is_set():
            try:
                answer = self.chat.ask(_messages(text, audio() if audio else None), seed)
            except NoAnswer as error:
                with self._lock:
                    self._failed += 1
                    self._in_a_row += 1
                    self._last = str(error)
                    self._reachable |= error.kind != "unreachable"
                    if self._in_a_row >= _GIVE_UP:
                        self.chat.stop.set()
            except UserError:
                self.chat.stop.set()
                raise
            else:
                with self._lock:
                    self._answered += 1
                    self._in_a_row = 0
                return answer
        with self._lock:
            self.counts["unanswered"] += 1
        return None

    def _path(self, text: str, seed: int, audio: bytes | None) -> Path:
        """Where the answer to this very question is stored."""
        body = self.chat.body(_messages(text, None), seed)
        question = {**body, "audio": sha256_bytes(audio) if audio is not None else None}
        key = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
        return self._cache / key[:2] / f"{key}.json"


def judge(answer: Answer, facts: Facts) -> tuple[str, str]:
    """(caption, why it can't be used) of what a model wrote; the reason is empty if it can be."""
    text = _THOUGHT.sub("", answer.text, count=1).strip()
    text = _LEAD.sub("", text).strip()
    if re.search(r"\n\s*\n", text):
        return "", "several paragraphs"
    text = re.sub(r"[*`]+|\b_+|_+\b|^\s*(?:[-•>]|#+)\s", "", text)
    text = " ".join(text.split()).strip(_QUOTES + " ")
    if not text:
        return "", "nothing written"
    if not answer.whole:
        return "", "an answer cut off"
    if count(text) > MOST_WORDS:
        return "", "too many words"
    if any(letter.isalpha() and not letter.isascii() for letter in text) or not _ENGLISH.search(text):
        return "", "another language"
    claims = invented(text, facts)
    return (text, "") if not claims else ("", f"invented {claims[0]!r}")


def _question(facts: Facts, style: str, template: str, listens: bool) -> str:
    known = "\n".join(f"- {topic}: {text}" for topic, text in facts.describe()) or "- nothing but that it is music"
    listen = f" {_LISTEN}" if listens else ""
    return f"What is known:\n{known}\n\nA plain draft: {template}\n\n{_LENGTHS[style]}{listen}"


def _messages(text: str, audio: bytes | None) -> list[Message]:
    system, user = Message(role="system", content=_SYSTEM), Message(role="user", content=text)
    if audio is not None:
        sound = {"data": base64.b64encode(audio).decode("ascii"), "format": "wav"}
        user["content"] = [{"type": "input_audio", "input_audio": sound}, {"type": "text", "text": text}]
    return [system, user]


def _stored(path: Path) -> Answer | None:
    """The answer of an earlier run; None if there is none that can be read."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Answer(str(stored["text"]), bool(stored["whole"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
