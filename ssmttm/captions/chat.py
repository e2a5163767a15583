"""Questions to a language model behind an OpenAI-compatible address: one answer, or the reason for none."""

import json
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypedDict

import requests
import urllib3

from ssmttm.errors import UserError
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.web import TransferFailed, ask, backoff, retry_after
from ssmttm.wording import one_line

_ATTEMPTS = {"busy": 8, "unreachable": 5, "silent": 3, "malformed": 2}
"""Attempts per question, by what went wrong last."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_LONGEST_ASKED_PAUSE_S = 300.0  # of a Retry-After
_CONNECT_S = 10.0
_MOST_BYTES = 1 << 20
_MOST_TOKENS = 250


class Message(TypedDict):
    """A text, or parts of different kinds."""

    role: str
    content: str | list[dict[str, object]]


class NoAnswer(Exception):
    """One question was not answered; `kind` is a key of `_ATTEMPTS` or `refused`."""

    def __init__(self, message: str, kind: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.pause_s = pause_s


@dataclass(frozen=True)
class Answer:
    """What the model wrote, and whether it came to an end by itself."""

    text: str
    whole: bool


@dataclass(frozen=True)
class Chat:
    """A model at an address. May be used from several threads at once."""

    endpoint: str
    """Base address, such as http://localhost:8000/v1."""
    model: str
    temperature: float = 0.0
    timeout_s: float = 60.0
    key: str | None = field(default=None, repr=False)
    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, no further attempt is made."""

    @property
    def address(self) -> str:
        """Where questions are posted."""
        base = self.endpoint.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"

    def body(self, messages: list[Message], seed: int) -> dict[str, Any]:
        """What is posted. The seed only matters, and is only sent, where the model samples."""
        sampling = {"seed": seed % 2**31} if self.temperature else {}
        return {
            "model": self.model,
            "messages": messages,
            "temperature": self.temperature,
            "max_tokens": _MOST_TOKENS,
            **sampling,
        }

    def ask(self, messages: list[Message], seed: int) -> Answer:
        """The model's answer, after as many attempts as it is worth.

        Busy servers (429, 5xx) are asked again after a growing pause, or the one that they ask for.
        Raises NoAnswer when this question stays unanswered, and UserError when every other would:
        the key is refused, there is no such model or address.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(messages, seed)
            except NoAnswer as error:
                pause = max(backoff(attempt, _FIRST_PAUSE_S, _LONGEST_PAUSE_S), error.pause_s)
                if attempt >= _ATTEMPTS.get(error.kind, 1) or self.stop.wait(pause):
                    raise

    def _attempt(self, messages: list[Message], seed: int) -> Answer:
        deadline = time.monotonic() + self.timeout_s
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        body = json.dumps(self.body(messages, seed)).encode()
        try:
            with closing(ask(self.address, headers, self.timeout_s, body=body, connect_s=_CONNECT_S)) as response:
                content = self._read(response, deadline)
        except TransferFailed as error:
            raise NoAnswer(str(error), "silent" if error.blame == "timeout" else "unreachable") from error
        except urllib3.exceptions.TimeoutError as error:
            raise NoAnswer(f"no answer within {self.timeout_s:g} s", "silent") from error
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"the answer broke off ({one_line(str(error), 200)})", "malformed") from error
        except Unavailable as error:
            raise UserError(f"data.captions.rewrite.endpoint: {error}") from error
        _check_status(response, content, self)
        return _parse(content)

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The answer's bytes; raises NoAnswer when it comes too slowly or doesn't end."""
        content = bytearray()
        while chunk := response.raw.read1(1 << 16, decode_content=True):
            content += chunk
            if len(content) > _MOST_BYTES:
                raise NoAnswer(f"an answer of more than {_MOST_BYTES >> 20} MiB", "refused")
            if time.monotonic() > deadline:
                raise NoAnswer(f"no whole answer within {self.timeout_s:g} s", "silent")
        return bytes(content)


def _check_status(response: requests.Response, content: bytes, chat: Chat) -> None:
    status = response.status_code
    if status == 200:
        return
    reply = one_line(content.decode("utf-8", "replace"), 200)
    where = f"data.captions.rewrite: {chat.address}"
    if status in (401, 403):
        raise UserError(f"{where}: the key is refused ({status}: {reply}); name its variable in key_env, and set it")
    if status == 404:
        raise UserError(f"{where}: no such address, or no model {chat.model!r} ({reply}); endpoints end in /v1")
    if status in (301, 302, 303, 307, 308):
        raise UserError(f"{where}: redirects to {response.headers.get('Location')}; give the final address")
    if status == 429 or status >= 500:
        raise NoAnswer(f"status {status}: {reply}", "busy", _asked_pause(response.headers))
    raise NoAnswer(f"status {status}: {reply}", "refused")


def _asked_pause(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait; 0 if it doesn't."""
    return min(retry_after(headers) or 0.0, _LONGEST_ASKED_PAUSE_S)


def _parse(content: bytes) -> Answer:
    try:
        option = json.loads(content)["choices"][0]
        text, reason = option["message"]["content"], option.get("finish_reason")
        if isinstance(text, list):  # in parts
            text = "".join(str(part.get("text", "")) for part in text if isinstance(part, Mapping))
        if not isinstance(text, str | None):
            raise TypeError("neither a text nor parts")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise NoAnswer(f"not a chat completion: {content[:100]!r}", "malformed") from error
    return Answer(text or "", reason != "length")
