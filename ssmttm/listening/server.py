"""A small local server: gives out the files of a page and takes answers, and does nothing else.

Files are those that the folder held at the start, by their exact names: no path from a request
ever reaches the file system.
"""

import http.server
import ipaddress
import json
import mimetypes
import re
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ssmttm.errors import UserError
from ssmttm.files import write_bytes
from ssmttm.listening import page
from ssmttm.listening.answers import MAX_BYTES, BadAnswers, check, parse
from ssmttm.wording import one_line

MAX_FILES = 10_000
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_TYPES = {".flac": "audio/flac", ".html": "text/html; charset=utf-8"}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Answers:
    """The folder that answers are saved in: one file per participant."""

    def __init__(self, folder: Path, public: dict[str, Any]) -> None:
        self._folder, self._public, self._lock = folder, public, threading.Lock()

    def save(self, data: bytes) -> str:
        """Check and save one participant's answers; the file's name. Refused says why not.

        The same session may save again. Another one under the same name is refused.
        """
        try:
            answers = parse(data)
            check(answers, self._public)
        except BadAnswers as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from error
        path = self._folder / f"answers-{answers['participant']}.json"
        with self._lock:
            if path.exists():
                if self._session(path) != answers["session"]:
                    text = f"another participant has already answered under the name {answers['participant']}"
                    raise Refused(HTTPStatus.CONFLICT, text)
            elif sum(1 for _ in self._folder.glob("answers-*.json")) >= MAX_FILES:
                raise Refused(HTTPStatus.INSUFFICIENT_STORAGE, "there are too many answers already")
            write_bytes(path, data)
        return path.name

    def _session(self, path: Path) -> str:
        """Whose answers the file has."""
        try:
            return parse(path.read_bytes())["session"]
        except BadAnswers as error:
            text = f"{path.name} is there already and damaged ({error}); tell who runs this test"
            raise Refused(HTTPStatus.CONFLICT, text) from error


class Server(http.server.ThreadingHTTPServer):
    """Serves the page in `folder` and saves answers into `answers`, both existing folders.

    Requests must be for an IP address, `localhost` or the host in `address`: another site whose name was made to
    lead here (DNS rebinding) would be taken for the test's own page.
    """

    daemon_threads = True

    def __init__(self, folder: Path, answers: Path, address: tuple[str, int], log: Callable[[str], None]) -> None:
        inside = folder.resolve(), answers.resolve()
        if inside[0] == inside[1] or inside[0] in inside[1].parents:
            raise UserError(f"--answers {answers}: lies inside the public folder {folder}; everybody could read it")
        self.answers = Answers(answers, page.read(folder))
        self.log = log
        self._names = {"localhost", address[0].casefold().rstrip(".")}
        self.files = {
            "/" + p.relative_to(folder).as_posix(): p
            for p in sorted(folder.rglob("*"))
            if p.is_file() and not p.is_symlink() and not any(n.startswith(".") for n in p.relative_to(folder).parts)
        }
        self.files["/"] = self.files["/index.html"]
        super().__init__(address, _Handler)

    def is_own(self, host: str) -> bool:
        """Whether the header `Host` names this server."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.rstrip(".") in self._names or _is_address(name)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """One line instead of a traceback: mostly, somebody has closed the page."""
        error = sys.exception()
        self.log(one_line(f"{client_address[0]} {type(error).__name__}: {error}"))


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ssmttm", ""
    timeout = 30

    def do_GET(self) -> None:
        """A file of the page."""
        self._answer(self._file)

    def do_HEAD(self) -> None:
        """Its headers."""
        self._answer(lambda: self._file(with_body=False), with_body=False)

    def do_POST(self) -> None:
        """Answers of a participant, at /answers."""
        self._answer(lambda: self._reply(HTTPStatus.OK, {"saved": self.server.answers.save(self._body())}))

    def _answer(self, act: Callable[[], None], with_body: bool = True) -> None:
        """Do `act`, which replies; or reply why not, so that nobody waits for an answer that never comes."""
        try:
            host = self.headers.get("Host")
            if host is not None and not self.server.is_own(host):
                raise Refused(
                    HTTPStatus.MISDIRECTED_REQUEST,
                    "open the test by its IP address, as localhost, or by the name that --host gives",
                )
            act()
            return
        except Refused as error:
            refused = error
        except (ConnectionError, TimeoutError):
            raise  # nobody is there to read a reply
        except Exception as error:
            self.server.log(one_line(f"{self.address_string()} {type(error).__name__}: {error}"))
            refused = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "that failed; tell who runs this test")
        self.close_connection = True  # what is left of the body must not be read as a request
        self._reply(refused.status, {"error": str(refused)}, with_body)

    def _path(self) -> str:
        try:
            return urlsplit(self.path).path
        except ValueError:
            raise Refused(HTTPStatus.BAD_REQUEST, "the address can't be read") from None

    def _body(self) -> bytes:
        if self._path() != "/answers":
            raise Refused(HTTPStatus.NOT_FOUND, "answers go to /answers")
        origin = self.headers.get("Origin")
        if origin is not None and _host(origin) != self.headers.get("Host"):
            raise Refused(HTTPStatus.FORBIDDEN, "this page is not the test's own")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,12}", length):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if int(length) > MAX_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"answers are at most {MAX_BYTES} bytes")
        data = self.rfile.read(int(length))
        if len(data) != int(length):
            raise Refused(HTTPStatus.BAD_REQUEST, "the answers arrived only in part")
        return data

    def _file(self, with_body: bool = True) -> None:
        path = self.server.files.get(unquote(self._path()))
        if path is None or not path.is_file():
            raise Refused(HTTPStatus.NOT_FOUND, "no such file")
        data = path.read_bytes()
        status, part, extra = HTTPStatus.OK, data, {}
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        if asked and (asked[1] or asked[2]):
            start, end = _bounds(asked, len(data))
            if start > end:
                self._send(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            status, part = HTTPStatus.PARTIAL_CONTENT, data[start : end + 1]
            extra = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self._send(status, part, {"Content-Type": kind, "Accept-Ranges": "bytes", **extra}, with_body)

    def _reply(self, status: HTTPStatus, value: dict[str, str], with_body: bool = True) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"}, with_body)

    def _send(self, status: HTTPStatus, body: bytes, headers: dict[str, str], with_body: bool = True) -> None:
        self.send_response(status)
        more = {"Content-Length": str(len(body)), "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        if self.close_connection:
            more["Connection"] = "close"
        for name, value in (headers | more).items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """One line per request, without control characters."""
        self.server.log(one_line(f"{self.address_string()} {format % args}"))


def _host(origin: str) -> str | None:
    """Host and port of an address; None if it has none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _bounds(asked: re.Match[str], size: int) -> tuple[int, int]:
    """First and last byte of a range; first > last if there is none."""
    if not asked[1]:
        return max(size - int(asked[2]), 0), size - 1
    return int(asked[1]), min(int(asked[2] or size), size - 1)
