"""One question to an HTTP server: addresses, the answer's status, and what may be tried again."""

import os
import random
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
import urllib3

from ssmttm import __version__
from ssmttm.errors import UserError
from ssmttm.fetch.failures import NoSuchFile, Unavailable
from ssmttm.fetch.hosts import Host
from ssmttm.wording import one_line

_ANSWERS = frozenset([200, 206, 416])
_TEMPORARY = frozenset([408, 425, 429])
_UNREACHABLE = (requests.ConnectTimeout, requests.exceptions.ProxyError, requests.exceptions.SSLError)
_MALFORMED = (requests.exceptions.InvalidHeader, requests.exceptions.ChunkedEncodingError)

_local = threading.local()


class TransferFailed(Exception):
    """An attempt failed, and another may succeed.

    `blame` is `connection` (the host can't be reached), `limit` (it says that we ask too often), `timeout` (nothing
    came in time) or `transfer`; `wait` is for how many seconds the server asked to be left alone; `host` is which one.
    """

    host: Host | None = None
    reason = "unavailable"

    def __init__(self, message: str, blame: str = "transfer", wait: float | None = None) -> None:
        super().__init__(message)
        self.blame, self.wait = blame, wait


def check_address(url: str) -> str:
    """The address without its fragment; raises Unavailable if it is not one to fetch from."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.port == 0:
            raise ValueError("port 0")
    except ValueError as error:
        raise Unavailable(f"{public(url)}: no valid address: {error}") from error
    if len(url) > 8000 or re.search(r"[\x00-\x1f\x7f]", url):
        raise Unavailable(f"{public(url)}: no valid address: too long, or with control characters")
    if parts.scheme not in ("http", "https", "file"):
        raise Unavailable(f"{public(url)}: only http, https and file addresses are fetched")
    if parts.username is not None or parts.password is not None:
        raise Unavailable(f"{public(url)}: the address holds a user name or password; such are not sent")
    if (parts.scheme == "file" and host not in ("", "localhost")) or (parts.scheme != "file" and not host):
        raise Unavailable(f"{public(url)}: no valid address: wrong or missing host name")
    return urlunsplit(parts._replace(fragment=""))


def follow(url: str, location: str) -> str:
    """The address that `url` is redirected to; raises Unavailable unless it is an http or https one."""
    try:
        address = check_address(urljoin(url, location))
    except ValueError as error:
        raise Unavailable(f"{public(url)}: is redirected to no valid address: {error}") from error
    if urlsplit(address).scheme == "file":
        raise Unavailable(f"{public(url)}: is redirected to a file of this machine")
    return address


def public(url: str) -> str:
    """The address for messages: without user names, passwords and queries, on one printable line."""
    bare = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@", r"\1//", url)
    bare = re.sub(r"[?#].*", "?…" if "?" in bare else "", bare, flags=re.DOTALL)
    return one_line(bare, 200)


def host_name(url: str) -> str:
    """`name` or `name:port` of an http or https address, in lower case."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def ask(
    url: str,
    headers: Mapping[str, str],
    timeout_s: float,
    first: bool = True,
    body: bytes | None = None,
    connect_s: float | None = None,
) -> requests.Response:
    """The headers of the answer to a GET, or with `body` a POST; its body is still to be read, no redirect is followed.

    `Session.send` is bypassed: it would read the whole body of a redirect, keep cookies, and send
    what it finds in ~/.netrc. Proxies and CA bundles come from the environment as usual.

    Args:
        first: the address is the one that was asked for, not one that it was redirected to.
        connect_s: for a connection, where that has less time than `timeout_s`.

    Raises TransferFailed if asking again may help, else Unavailable; UserError if the host's certificate is bad.
    """
    headers = {"User-Agent": f"ssmttm/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity", **headers}
    session = _session()
    try:
        request = requests.Request("GET" if body is None else "POST", url, headers=headers, data=body).prepare()
        settings = session.merge_environment_settings(request.url or url, {}, True, None, None)
        timeouts = min(connect_s or timeout_s, timeout_s), timeout_s
        return session.get_adapter(request.url or url).send(request, timeout=timeouts, **settings)
    except requests.ConnectionError as error:
        if any(isinstance(e, ssl.SSLCertVerificationError) for e in _causes(error)):
            problem = f"{public(url)}: its certificate can't be verified: {cause(error)}"
            if first:
                raise UserError(f"{problem}; check the address, and this machine's clock and certificates") from error
            raise Unavailable(problem) from error
        never = any(isinstance(e, urllib3.exceptions.MaxRetryError) for e in error.args)
        unreachable = never or isinstance(error, _UNREACHABLE)
        raise TransferFailed(
            f"{public(url)}: {cause(error)}", "connection" if unreachable and first else "transfer"
        ) from error
    except requests.Timeout as error:
        raise TransferFailed(f"{public(url)}: no answer within {timeout_s:g} s", "timeout") from error
    except _MALFORMED as error:
        raise TransferFailed(f"{public(url)}: a malformed answer: {cause(error)}") from error
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(f"{public(url)}: can't be asked for: {cause(error)}") from error


def _session() -> requests.Session:
    """This thread's connections; those of a parent process are not used."""
    if getattr(_local, "process", None) != os.getpid():
        _local.session, _local.process = requests.Session(), os.getpid()
    session: requests.Session = _local.session
    return session


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made of, the innermost last."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        item = pending.pop(0)
        if isinstance(item, BaseException) and not any(item is s for s in seen):
            seen.append(item)
            yield item
            pending += [*item.args, getattr(item, "reason", None), item.__cause__]


def cause(error: BaseException) -> str:
    """What went wrong in one line; requests and urllib3 would repeat the address, with its query."""
    inner = list(_causes(error))[-1]
    text = str(getattr(inner, "strerror", None) or inner) if isinstance(inner, OSError | HTTPException) else ""
    return one_line(text or type(inner).__name__, 200)


def check_status(response: requests.Response, label: str) -> None:
    """Return if the answer is a file or a part of one; else raise TransferFailed, NoSuchFile or Unavailable."""
    status = response.status_code
    if status in _ANSWERS:
        return
    reason = one_line(response.reason, 50)
    message = f"{label}: answered {status} {reason}".rstrip()
    if status in (404, 410):
        raise NoSuchFile(message)
    if status in _TEMPORARY or status >= 500:
        wait = retry_after(response.headers)
        asked = "" if wait is None else f", asked to wait {wait:.0f} s"
        raise TransferFailed(message + asked, "limit" if status == 429 else "transfer", wait)
    raise Unavailable(message)


def backoff(failures: int, first: float, longest: float = 60.0) -> float:
    """Seconds to wait after so many failures: about `first` after one, then doubled, and never for all jobs at once."""
    return min(longest, first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; None if it says nothing that can be understood."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
        return float(value)
    try:
        when = _date(value)
        now = _date(headers["Date"]) if "Date" in headers else datetime.now(UTC)  # its clock may be wrong, as may ours
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (when - now).total_seconds())


def _date(value: str) -> datetime:
    date = parsedate_to_datetime(value)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
