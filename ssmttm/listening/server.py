"""A small local server: gives out the files of a page and takes answers, and does nothing else.

Files are those that the folder held at the start, by their exact names: no path from a request
ever reaches the file system.
"""

import ipaddress
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from werkzeug import exceptions
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from ssmttm.errors import UserError
from ssmttm.files import write_bytes
from ssmttm.listening import page
from ssmttm.listening.answers import MAX_BYTES, BadAnswers, check, parse
from ssmttm.listening.records import Public
from ssmttm.wording import one_line

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_FILES = 10_000
_HEADERS = {"Server": "ssmttm", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


class InsufficientStorage(exceptions.HTTPException):
    """More answers than a folder may hold."""

    code = 507


class Answers:
    """The folder that answers are saved in: one file per participant."""

    def __init__(self, folder: Path, public: Public) -> None:
        self._folder, self._public, self._lock = folder, public, threading.Lock()

    def save(self, data: bytes) -> str:
        """Check and save one participant's answers; the file's name. An HTTPException says why not.

        The same session may save again. Another one under the same name is refused.
        """
        try:
            answers = parse(data)
            check(answers, self._public)
        except BadAnswers as error:
            raise exceptions.BadRequest(str(error)) from error
        path = self._folder / f"answers-{answers['participant']}.json"
        with self._lock:
            if path.exists():
                if self._session(path) != answers["session"]:
                    name = answers["participant"]
                    raise exceptions.Conflict(f"another participant has already answered under the name {name}")
            elif sum(1 for _ in self._folder.glob("answers-*.json")) >= MAX_FILES:
                raise InsufficientStorage("there are too many answers already")
            write_bytes(path, data)
        return path.name

    def _session(self, path: Path) -> str:
        """Whose answers the file has."""
        try:
            return parse(path.read_bytes())["session"]
        except BadAnswers as error:
            text = f"{path.name} is there already and damaged ({error}); tell who runs this test"
            raise exceptions.Conflict(text) from error


class _Handler(WSGIRequestHandler):
    server: "Server"
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """One line per request, without control characters."""
        self.server.log(one_line(f"{self.address_string()} {format % args}"))


class Server(ThreadingMixIn, WSGIServer):
    """Serves the page in `folder` and saves answers into `answers`, both existing folders.

    Requests must be for an IP address, `localhost` or the host in `address`: another site whose name was made to
    lead here (DNS rebinding) would be taken for the test's own page.
    """

    daemon_threads = True

    def __init__(self, folder: Path, answers: Path, address: tuple[str, int], log: Callable[[str], None]) -> None:
        public_folder, answers_folder = folder.resolve(), answers.resolve()
        if public_folder in (answers_folder, *answers_folder.parents):
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
        self.set_app(self._reply)

    def is_own(self, host: str) -> bool:
        """Whether the header `Host` names this server."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._names:
            return True
        with suppress(ValueError):
            ipaddress.ip_address(name)
            return True
        return False

    def handle_error(self, request: object, client_address: Any) -> None:
        """One line instead of a traceback: mostly, somebody has closed the page."""
        self._log_error(client_address[0], sys.exception())

    def _log_error(self, client: object, error: BaseException | None) -> None:
        self.log(one_line(f"{client} {type(error).__name__}: {error}"))

    def _reply(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The WSGI application: a reply to everything, so that nobody waits for an answer that never comes."""
        request = Request(environ)
        try:
            response = self._response(request)
        except exceptions.RequestedRangeNotSatisfiable as error:
            response = error.get_response(environ)
        except exceptions.HTTPException as error:
            response = _json({"error": error.description or ""}, error.code)
        except Exception as error:
            self._log_error(request.remote_addr, error)
            response = _json({"error": "that failed; tell who runs this test"}, 500)
        response.headers.update(_HEADERS)
        return response(environ, start_response)

    def _response(self, request: Request) -> Response:
        host = request.headers.get("Host")
        if host is not None and not self.is_own(host):
            raise exceptions.MisdirectedRequest(
                "open the test by its IP address, as localhost, or by the name that --host gives"
            )
        if not request.environ["PATH_INFO"].startswith("/"):
            raise exceptions.BadRequest("the address can't be read")
        if request.method == "POST":
            return _json({"saved": self.answers.save(_body(request))})
        if request.method not in ("GET", "HEAD"):
            raise exceptions.NotImplemented("there is nothing but GET, HEAD and POST")
        path = self.files.get(request.path)
        if path is None or not path.is_file():
            raise exceptions.NotFound("no such file")
        return send_file(path, request.environ, "audio/flac" if path.suffix == ".flac" else None)


def _body(request: Request) -> bytes:
    """The answers that a page sent."""
    if request.path != "/answers":
        raise exceptions.NotFound("answers go to /answers")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("//")[2] != request.headers.get("Host"):
        raise exceptions.Forbidden("this page is not the test's own")
    if request.mimetype != "application/json":
        raise exceptions.UnsupportedMediaType("expected application/json")
    length = request.headers.get("Content-Length", "")
    if not re.fullmatch(r"[0-9]{1,12}", length):
        raise exceptions.LengthRequired("expected a Content-Length")
    if int(length) > MAX_BYTES:
        raise exceptions.RequestEntityTooLarge(f"answers are at most {MAX_BYTES} bytes")
    data: bytes = request.environ["wsgi.input"].read(int(length))
    if len(data) != int(length):
        raise exceptions.BadRequest("the answers arrived only in part")
    return data


def _json(value: dict[str, str], status: int | None = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")
