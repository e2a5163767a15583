"""A loopback HTTP server with ranges, validators and injected faults, which logs what it sent.

    with FaultyServer({"/00/7400.mp3": data}) as server:
        server.plan("/00/7400.mp3", cut(0.5), status(503, retry_after="1"))  # the first two requests
        download(server.url("/00/7400.mp3"), ...)
        assert [hit.status for hit in server.hits] == [200, 503, 206]

A fault is a function from the honest `Reply` to the one that is sent. `choose(path, number)` names
one for every request that has none planned.
"""

import email.utils
import hashlib
import os
import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><form></form></body></html>\n"
MODIFIED = 1_600_000_000
_BLOCK = 1 << 14


@dataclass(frozen=True)
class Reply:
    """What is sent: status, headers and body, and how."""

    status: int
    headers: Mapping[str, str | None]  # None leaves a header out
    body: bytes
    file: bytes = b""  # all of the file, whatever part of it `body` is
    offset: int = 0  # position of the body in the file
    name: str = ""  # of the fault
    sent: int | None = None  # bytes of the body after which the connection is closed
    pause: tuple[int, float] = (0, 0.0)  # (bytes sent, seconds) of silence
    drip: tuple[int, float] | None = None  # (bytes, seconds): so many at a time, so long apart
    chunked: bool = False
    reset: bool = False  # the connection is reset instead of closed
    endless: bool = False


Fault = Callable[[Reply], Reply]


@dataclass
class Hit:
    """One request and what was sent."""

    path: str
    number: int  # of this path's requests, from 1
    headers: Mapping[str, str]
    status: int = 0
    fault: str = ""
    offset: int = 0
    sent: int = 0  # bytes of the body that were handed to the system
    whole: bool = False  # the file's last byte was sent, and nothing was altered
    busy: bool = True  # more is to be sent
    begun: float = field(default_factory=time.time)


class FaultyServer:
    """Serves `files` (path to content; may be changed at any time) on a free port of 127.0.0.1."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        choose: Callable[[str, int], Fault | None] | None = None,
        pace: tuple[int, float] | None = None,
    ) -> None:
        self.files = dict(files)
        self.choose, self.pace = choose, pace
        self.hits: list[Hit] = []
        self.busiest = 0  # most requests that were answered at once
        self._busy = 0
        self._plans: dict[str, list[Fault | None]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "FaultyServer":
        self._thread.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def plan(self, path: str, *faults: Fault | None) -> None:
        """What the next requests for `path` get, one each; None is an honest answer."""
        self._plans[path] += faults

    def asked(self, path: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.path == path]

    def take(self, path: str, headers: Mapping[str, str]) -> tuple[Hit, Fault | None]:
        with self._lock:
            self._counts[path] += 1
            hit = Hit(path, self._counts[path], headers)
            self.hits.append(hit)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            plan = self._plans[path]
            fault = plan.pop(0) if plan else self.choose(path, hit.number) if self.choose else None
        return hit, fault

    def release(self, hit: Hit) -> None:
        with self._lock:
            self._busy -= hit.busy
            hit.busy = False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def server_bind(self) -> None:
        self.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16
        )  # so that what was sent has arrived, nearly
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are expected."""


class _Handler(BaseHTTPRequestHandler):
    owner: FaultyServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """`FaultyServer.hits` is the log."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        hit, fault = self.owner.take(path, dict(self.headers))
        try:
            reply = _honest(self.owner.files.get(path), self.headers)
            if self.owner.pace:
                reply = replace(reply, drip=self.owner.pace)
            if fault is not None:
                reply = fault(reply)
            hit.status, hit.fault, hit.offset = reply.status, reply.name, reply.offset
            self._send(reply, hit)
            size = len(self.owner.files.get(path, b""))
            hit.whole = reply.status in (200, 206) and not reply.name and hit.offset + hit.sent == size
        except OSError:
            self.close_connection = True
        finally:
            self.owner.release(hit)

    def _send(self, reply: Reply, hit: Hit) -> None:
        self.send_response_only(reply.status)
        headers = {"Content-Length": None if reply.chunked or reply.endless else str(len(reply.body))}
        headers |= {"Date": self.date_time_string(), **reply.headers}
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif headers["Content-Length"] is None:
            headers["Connection"] = "close"
            self.close_connection = True
        for key, value in headers.items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        body = reply.body if reply.sent is None else reply.body[: reply.sent]
        block, apart = reply.drip or (_BLOCK, 0.0)
        position, pause = 0, reply.pause
        while position < len(body) or reply.endless:
            data = body[position : position + block] if not reply.endless else os.urandom(block)
            if pause[1] and position + len(data) >= pause[0]:
                time.sleep(pause[1])
                pause = (0, 0.0)
            if position + len(data) >= len(body) and not reply.endless:
                self.owner.release(hit)  # before the client can know that it has all
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if reply.chunked else data)
            position += len(data)
            hit.sent += len(data)
            if apart:
                time.sleep(apart)
        if reply.sent is not None:
            self.close_connection = True
            if reply.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif reply.chunked:
            self.wfile.write(b"0\r\n\r\n")


def _honest(data: bytes | None, headers: Mapping[str, str]) -> Reply:
    """What a correct server answers to a GET of `data`, with one range at most."""
    if data is None:
        return Reply(404, {"Content-Type": "text/html"}, b"<html>not found</html>")
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    modified = email.utils.formatdate(MODIFIED + data[0] if data else MODIFIED, usegmt=True)
    common = {"ETag": etag, "Last-Modified": modified, "Accept-Ranges": "bytes", "Content-Type": "audio/mpeg"}
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range") or "")
    if wanted is None or headers.get("If-Range", etag) not in (etag, modified):
        return Reply(200, common, data, data)
    start, end = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
    if start >= len(data):
        return Reply(416, {**common, "Content-Range": f"bytes */{len(data)}"}, b"", data)
    body = data[start : end + 1]
    return Reply(206, {**common, "Content-Range": f"bytes {start}-{end}/{len(data)}"}, body, data, start)


def cut(share: float, reset: bool = False) -> Fault:
    """The connection ends after this share of the body."""
    return lambda r: replace(r, sent=int(len(r.body) * share), reset=reset, name="cut")


def stall(seconds: float, share: float = 0.5) -> Fault:
    """Silence for so long after this share of the body, then the connection ends."""
    return lambda r: replace(
        r, pause=(int(len(r.body) * share), seconds), sent=int(len(r.body) * share) + 1, name="stall"
    )


def drip(size: int, seconds: float) -> Fault:
    """`size` bytes at a time, `seconds` apart."""
    return lambda r: replace(r, drip=(size, seconds), name="drip")


def wrong_bytes(seed: int = 0) -> Fault:
    """The right length and headers, but one byte of the body differs; which one depends on `seed`."""

    def spoil(reply: Reply) -> Reply:
        body = bytearray(reply.body)
        if body:
            body[seed % len(body)] ^= 1 + seed % 255
        return replace(reply, body=bytes(body), name="wrong bytes")

    return spoil


def status(code: int, retry_after: str | None = None, **headers: str | None) -> Fault:
    """An error page with this status."""
    extra = {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda r: Reply(
        code, {"Content-Type": "text/plain", "Retry-After": retry_after, **extra}, b"no\n", name=str(code)
    )


def redirect(location: str, code: int = 302) -> Fault:
    """Points elsewhere."""
    return lambda r: Reply(code, {"Location": location}, b"moved\n", name="redirect")


def body(data: bytes, content_type: str = "text/html", code: int = 200) -> Fault:
    """Something else instead of the file."""
    return lambda r: Reply(code, {"Content-Type": content_type}, data, name="body")


def headers(**values: str | None) -> Fault:
    """Headers replaced (`Content_Type="x"`), or left out by None."""
    extra = {k.replace("_", "-"): v for k, v in values.items()}
    return lambda r: replace(r, headers={**r.headers, **extra}, name="headers")


def ignore_range(r: Reply) -> Reply:
    """The whole file whatever was asked for."""
    kept = {k: v for k, v in r.headers.items() if k != "Content-Range"}
    return replace(r, status=200, headers=kept, body=r.file, offset=0, name="ignore range")


def chunked(share: float | None = None) -> Fault:
    """No Content-Length; with `share` the connection ends early, without the last chunk."""
    return lambda r: replace(r, chunked=True, sent=None if share is None else int(len(r.body) * share), name="chunked")


def unknown_length(r: Reply) -> Reply:
    """Neither a length nor chunks: the end of the connection is the end of the file."""
    return replace(r, headers={**r.headers, "Content-Length": None}, name="unknown length")


def endless(r: Reply) -> Reply:
    """Bytes without end."""
    return replace(r, endless=True, name="endless")


def both(first: Fault, second: Fault) -> Fault:
    """One fault on top of the other."""
    return lambda r: second(first(r))
