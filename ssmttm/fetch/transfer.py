"""One attempt to get by HTTP what is missing of a file: what to ask for, and which answers to trust."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from time import monotonic

import requests
import urllib3

from ssmttm.fetch.content import HEAD, wrong_type
from ssmttm.fetch.failures import Unavailable
from ssmttm.fetch.hosts import Host
from ssmttm.fetch.partial import Answer, Part
from ssmttm.fetch.web import TransferFailed, ask, cause, check_status, follow, host_name, public
from ssmttm.wording import one_line

_BLOCK = 1 << 16
_REDIRECTS = 10
_REDIRECTING = frozenset([301, 302, 303, 307, 308])
_SLOWEST = 1024
"""Bytes per second, over one time-out, below which a transfer counts as stalled."""


class ContentMismatch(Exception):
    """All arrived, but not the published file; `content` tells one wrong content from another, `reason` is why."""

    def __init__(self, message: str, content: str, reason: str = "checksum_mismatch") -> None:
        super().__init__(message)
        self.content, self.reason = content, reason


@dataclass(frozen=True)
class Wanted:
    """A file to fetch, and what is known of it beforehand."""

    url: str
    kind: str
    max_bytes: int
    size: int | None
    sha256: str | None
    timeout_s: float

    @property
    def label(self) -> str:
        """The address in messages."""
        return public(self.url)

    @property
    def verifiable(self) -> bool:
        """Whether the finished file will show if its parts don't belong together."""
        return self.sha256 is not None

    def too_large(self, part: Part) -> Exception:
        """What to raise when more than this is offered; nothing of it is kept."""
        part.discard()
        if self.size is not None:
            return ContentMismatch(f"{self.label}: larger than the {self.size} bytes that it should have", "larger")
        limit = f"{self.max_bytes >> 20} MiB" if self.max_bytes >= 1 << 20 else f"{self.max_bytes} bytes"
        return Unavailable(f"{self.label}: larger than the bound of {limit}", "too_large")

    @property
    def limit(self) -> int:
        """Bytes that may arrive at most."""
        return self.max_bytes if self.size is None else min(self.size, self.max_bytes)

    def check_type(self, part: Part, head: bytes, label: str) -> None:
        """Raise Unavailable if the first bytes are those of a page or message."""
        content_type = part.answer.content_type if part.answer else None
        if sent := wrong_type(self.kind, head, content_type):
            part.discard()
            stated = one_line(content_type, 50) or "no type"
            raise Unavailable(f"{label}: sent {sent} ({stated}) instead of {self.kind}", "wrong_type")


def transfer(wanted: Wanted, part: Part, host_of: Callable[[str], Host]) -> None:
    """Append to `part` what it lacks, or begin it anew; returns when as much is there as the server has.

    Raises TransferFailed if trying again may help, ContentMismatch or Unavailable if not, UserError for the disk.
    """
    url = wanted.url
    headers = _range(wanted, part)
    for hop in range(_REDIRECTS + 1):
        host = host_of(host_name(url))
        try:
            with host.slot(), closing(ask(url, headers, wanted.timeout_s, hop == 0)) as response:
                location = response.headers.get("Location")
                if response.status_code not in _REDIRECTING or not location:
                    label = wanted.label if hop == 0 else f"{wanted.label} (redirected to {public(url)})"
                    check_status(response, label)
                    _receive(response, wanted, part, headers, label)
                    return
        except TransferFailed as error:
            error.host = host
            raise
        url = follow(url, location)
    raise Unavailable(f"{wanted.label}: is redirected more than {_REDIRECTS} times")


def _range(wanted: Wanted, part: Part) -> dict[str, str]:
    """The headers that ask for the rest only; without them if it can't be told whether it is of the same file."""
    answer = part.answer
    if answer is None or answer.url != wanted.url or not part.size:
        return {}
    validator = answer.etag if answer.etag and not answer.etag.startswith("W/") else answer.last_modified
    if validator:
        return {"Range": f"bytes={part.size}-", "If-Range": validator}
    return {"Range": f"bytes={part.size}-"} if wanted.verifiable else {}


def _receive(response: requests.Response, wanted: Wanted, part: Part, request: dict[str, str], label: str) -> None:
    """Write the body to `part`."""
    headers = response.headers
    chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
    length = headers.get("Content-Length", "")
    answer = Answer(
        wanted.url,
        headers.get("ETag"),
        headers.get("Last-Modified"),
        headers.get("Content-Type"),
        _encoding(headers.get("Content-Encoding", ""), label),
        int(length) if re.fullmatch(r"[0-9]{1,18}", length) and not chunked else None,
    )
    if response.status_code == 200:
        if answer.total is not None and answer.total > wanted.limit:
            raise wanted.too_large(part)
        part.begin(answer)
    elif not _continues(response, part, answer, request):
        part.discard()
        raise TransferFailed(f"{label}: what it sent does not continue what is here; starting anew")
    if response.status_code == 416:
        return
    plain = part.answer is not None and part.answer.encoding is None
    known = part.size >= HEAD
    for block in _blocks(response, label, wanted.timeout_s):
        if part.size + len(block) > wanted.limit:
            raise wanted.too_large(part)
        part.write(block)
        if plain and not known and part.size >= HEAD:
            known = True
            wanted.check_type(part, part.head(), label)
    if plain and not known and part.size:
        wanted.check_type(part, part.head(), label)
    if part.total is None and response.status_code == 200:
        if not (chunked or wanted.verifiable or wanted.size is not None):
            part.discard()
            raise Unavailable(f"{label}: does not say how long the file is, so that a cut would not be noticed")
        part.learn(part.size)
    if not part.complete:
        failure = TransferFailed(f"{label}: {part.size} of {part.total} bytes arrived")
        if part.total is not None and part.size > part.total:
            part.discard()
        raise failure


def _encoding(value: str, label: str) -> str | None:
    """`gzip` or None; raises Unavailable for an encoding that was neither asked for nor is understood."""
    encodings = {"": None, "identity": None, "gzip": "gzip", "x-gzip": "gzip"}
    value = value.strip().lower()
    if value not in encodings:
        message = f"{label}: is sent encoded as {one_line(value, 20)}, although the plain file was asked for"
        raise Unavailable(message, "wrong_type")
    return encodings[value]


def _continues(response: requests.Response, part: Part, answer: Answer, request: dict[str, str]) -> bool:
    """Whether a 206 holds what follows in the same file, or a 416 says that nothing does."""
    known = part.answer
    if "Range" not in request or known is None or answer.encoding not in (known.encoding, None):
        return False
    for ours, theirs in ((known.etag, answer.etag), (known.last_modified, answer.last_modified)):
        if ours and theirs and ours != theirs:
            return False
    stated = response.headers.get("Content-Range", "").strip()
    if response.status_code == 416:
        # A server that finds another file than If-Range names would have sent all of it.
        total = re.fullmatch(r"bytes \*/([0-9]{1,18})", stated)
        same = total is not None and int(total[1]) == part.size and "If-Range" in request
        if same:
            part.learn(part.size)
        return same
    match = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", stated)
    if match is None or int(match[1]) != part.size or int(match[2]) < part.size:
        return False
    length = None if match[3] == "*" else int(match[3])
    if length is not None and known.total is None:
        part.learn(length)
    return length is None or length == part.total


def _blocks(response: requests.Response, label: str, timeout_s: float) -> Iterator[bytes]:
    """The body as it arrives; raises TransferFailed when it stops early, stalls or trickles."""
    since, count = monotonic(), 0
    while True:
        try:
            block = response.raw.read1(_BLOCK, decode_content=False)
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TransferFailed(f"{label}: nothing arrived for {timeout_s:g} s") from error
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            raise TransferFailed(f"{label}: broke off: {cause(error)}") from error
        if not block:
            return
        yield block
        count += len(block)
        elapsed = monotonic() - since
        if elapsed >= timeout_s:
            if count < _SLOWEST * elapsed:
                raise TransferFailed(f"{label}: only {count} bytes arrived in {elapsed:.0f} s")
            since, count = monotonic(), 0
