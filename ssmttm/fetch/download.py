"""Downloads that survive the real internet: a file is there complete and verified, or not at all.

While it arrives a file is `NAME.part`. Finished, it has its own name and `NAME.json` beside it, which
says where it came from, its size, its SHA-256 and its time of change. Those decide whether it is
present, without network: its SHA-256 is computed again only when size or time differ. `NAME.json`
stays when the file goes, so that another file under the same address is noticed later.
"""

import functools
import gzip
import os
import random
import re
import stat
import zlib
from collections.abc import Mapping
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from ssmttm.errors import UserError
from ssmttm.fetch.content import HEAD
from ssmttm.fetch.failures import NoSuchFile, Unavailable
from ssmttm.fetch.hosts import LONGEST_PAUSE, Host, shared_folder
from ssmttm.fetch.partial import Answer, Part, disk_errors, open_part
from ssmttm.fetch.record import read_record, record_path, write_record
from ssmttm.fetch.transfer import ContentMismatch, Wanted, transfer
from ssmttm.fetch.web import TransferFailed, backoff, check_address, host_name
from ssmttm.files import sha256_bytes, sha256_file

DEFAULTS = {"connections": 4, "attempts": 6, "timeout_s": 60.0, "backoff_s": 1.0}
"""Per host at once; per file; seconds without a byte; seconds before the second attempt."""

_PROGRESS = 1 << 18
"""Bytes that are further than ever before: after those, failed attempts are counted from none."""

_FAILED_IN_A_ROW = 10


def download(
    url: str,
    target: Path,
    *,
    fetching: Mapping[str, Any],
    max_bytes: int = 1 << 30,
    sha256: str | None = None,
    size: int | None = None,
    kind: str = "audio",
    slots: Path | None = None,
) -> Path:
    """Make `target` the complete, verified file of `url`; at once, and without network, if it is that already.

    May be called for one target by several threads and processes at once, and killed at any time.

    Args:
        url: an http, https or file address.
        fetching: `data.fetch` of the config; what it lacks is as in `DEFAULTS`.
        max_bytes: larger files are refused.
        sha256: the published checksum, hexadecimal, if there is one.
        size: the published size in bytes, if there is one.
        kind: `audio`, `text`, `archive` or `any`: web pages and error messages instead are refused.
        slots: folder in which this machine's jobs share their connections per host.

    Raises:
        Unavailable: this one file can't be had, for `reason`; `NoSuchFile` if the server has none.
        UserError: nothing can: no network, a full disk, a server that is down or turns us away.
    """
    target, settings = Path(target), {**DEFAULTS, **fetching}
    sha256 = sha256.lower() if sha256 else None
    wanted = Wanted(check_address(url), kind, max_bytes, size, sha256, settings["timeout_s"])
    if _present(target, wanted):
        return target
    with open_part(target) as part:
        if not _present(target, wanted):  # else: it came while we waited
            _fetch(wanted, part, settings, slots)
    return target


def local_copy(address: str, folder: Path, *, fetching: Mapping[str, Any], max_bytes: int = 1 << 30, kind: str) -> Path:
    """A local path as it is, or the downloaded file of an http, https or file address, kept in `folder`.

    For addresses that a user gives: every failure is a UserError.
    """
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address):
        path = Path(address)
        if not path.is_file():
            raise UserError(f"{address}: no such file; give a path or an http, https or file address")
        return path
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", unquote(urlsplit(address).path).rpartition("/")[2])[-80:].lstrip(".")
    target = folder / f"{sha256_bytes(address.encode())[:12]}-{name or 'file'}"
    try:
        return download(address, target, fetching=fetching, max_bytes=max_bytes, kind=kind)
    except Unavailable as error:
        raise UserError(f"{error}; check the address") from error


def forget(target: Path) -> None:
    """Remove a downloaded file; what it was stays on record, so that a change is noticed if it is fetched again."""
    target.unlink(missing_ok=True)


def _present(target: Path, wanted: Wanted) -> bool:
    """Whether `target` is whole and what is wanted."""
    try:
        status = target.stat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{target}: is no file; remove it, or choose another cache folder")
    record = read_record(target)
    expected = wanted.sha256 or (record.sha256 if record and record.url == wanted.url else None)
    if expected is None or wanted.size not in (None, status.st_size):
        return False
    if record and (record.size, record.modified_ns, record.sha256) == (status.st_size, status.st_mtime_ns, expected):
        return True
    if sha256_file(target) != expected:
        return False
    answer = Answer(wanted.url, record.etag if record else None, record.last_modified if record else None)
    write_record(target, answer, status.st_size, expected, status.st_mtime_ns)
    return True


def _fetch(wanted: Wanted, part: Part, settings: Mapping[str, Any], slots: Path | None) -> None:
    """Try until the part is whole, right and renamed to its target. Raises as `download` does."""
    if not (part.survived or wanted.verifiable):
        part.discard()
    if urlsplit(wanted.url).scheme == "file":
        try:
            _copy(wanted, part)
            _finish(wanted, part)
        except (ContentMismatch, TransferFailed) as error:
            raise Unavailable(str(error), error.reason) from error
        return
    folder = slots or shared_folder()
    host_of = functools.cache(lambda name: Host(name, folder, settings["connections"]))
    host = host_of(host_name(wanted.url))
    failures, furthest = 0, part.size
    wrong: set[str] = set()
    while True:
        try:
            if not (part.complete and part.answer and part.answer.url == wanted.url):
                transfer(wanted, part, host_of)
            _finish(wanted, part)
            host.delivered()
            return
        except NoSuchFile:
            raise
        except Unavailable as error:
            if error.reason in ("unavailable", "wrong_type"):
                _count_failure(host, error)
            raise
        except ContentMismatch as error:
            if error.content in wrong or len(wrong) + 1 >= settings["attempts"]:
                raise Unavailable(str(error), error.reason) from error
            wrong.add(error.content)
            wait = backoff(len(wrong), settings["backoff_s"])
        except TransferFailed as error:
            if part.size >= furthest + _PROGRESS:
                failures, furthest = 0, part.size
            failures += 1
            if failures >= settings["attempts"]:
                raise _gave_up(error, host, failures) from error
            wait = backoff(failures, settings["backoff_s"])
            if error.wait is not None:
                wait = min(error.wait, LONGEST_PAUSE) + random.uniform(0, wait)
            if error.blame == "limit":
                (error.host or host).pause(wait)  # for all its users; our next transfer waits for it, too
                continue
        sleep(wait)


def _gave_up(error: TransferFailed, host: Host, attempts: int) -> Exception:
    """What to raise after the last attempt: the track's fault, or that of the network or host."""
    message = f"{error} ({attempts} attempts)"
    advice = {"connection": "check the network and the address", "limit": "lower data.fetch.connections or wait"}
    if error.blame in advice:
        return UserError(f"{message}; {advice[error.blame]}, then run again: what was fetched is kept")
    unavailable = Unavailable(message)
    _count_failure(host, unavailable)
    return unavailable


def _count_failure(host: Host, error: Unavailable) -> None:
    """Raise UserError when so many files of a host failed in a row that it isn't the files."""
    if (row := host.failed()) >= _FAILED_IN_A_ROW:
        raise UserError(
            f"{host.name}: {row} files in a row could not be had, the last one: {error}; the server is down, turns "
            "this machine away, or wants a log-in: look at that address in a browser, and run again later: what was "
            "fetched is kept"
        ) from error


def _copy(wanted: Wanted, part: Part) -> None:
    """Copy a file of this machine into `part`."""
    path = Path(url2pathname(urlsplit(wanted.url).path))
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Unavailable(f"{wanted.label}: is no file")
            if status.st_size > wanted.limit:
                raise wanted.too_large(part)
            part.begin(Answer(wanted.url, total=status.st_size))
            while block := file.read(min(1 << 20, status.st_size - part.size)):
                part.write(block)
            if not part.complete:
                raise TransferFailed(f"{wanted.label}: became shorter while it was read")
    except FileNotFoundError as error:
        raise NoSuchFile(f"{wanted.label}: no such file") from error
    except OSError as error:
        raise Unavailable(f"{wanted.label}: can't be read: {error.strerror}") from error


def _finish(wanted: Wanted, part: Part) -> None:
    """Verify the whole part and give it its name.

    Raises ContentMismatch, TransferFailed or Unavailable, and keeps nothing then.
    """
    answer, target, label = part.answer, part.target, wanted.label
    if answer is None or (part.size == 0 and wanted.size != 0):
        part.discard()
        raise TransferFailed(f"{label}: an empty answer")
    part.sync()
    whole, modified, sha256 = part.path, part.modified_ns, sha256_file(part.path)
    plain = urlsplit(wanted.url).path.lower().endswith((".gz", ".tgz")) or sha256 == wanted.sha256
    if answer.encoding == "gzip" and not plain:
        whole = _decoded(wanted, part)
        modified, sha256 = whole.stat().st_mtime_ns, sha256_file(whole)
    with open(whole, "rb") as file:
        wanted.check_type(part, file.read(HEAD), label)
    length, earlier = whole.stat().st_size, read_record(target)
    mismatch = None
    if wanted.size not in (None, length):
        mismatch = ContentMismatch(f"{label}: {length} of {wanted.size} bytes arrived", f"{length} bytes")
    elif wanted.sha256 not in (None, sha256):
        message = f"{label}: its SHA-256 is {sha256}, and not the published {wanted.sha256}"
        mismatch = ContentMismatch(message, sha256)
    elif wanted.sha256 is None and earlier and earlier.url == wanted.url and earlier.sha256 != sha256:
        message = (
            f"{label}: is not the file any more that was fetched at {earlier.fetched}: its SHA-256 is {sha256}, and "
            f"not {earlier.sha256}; to take the new one, remove {record_path(target)}"
        )
        mismatch = ContentMismatch(message, sha256, "changed")
    if mismatch:
        part.discard()
        raise mismatch
    write_record(target, answer, length, sha256, modified)
    with disk_errors(target):
        whole.replace(target)
    part.remove()


def _decoded(wanted: Wanted, part: Part) -> Path:
    """The unpacked file of an answer that is gzip although the plain one was asked for."""
    size = 0
    try:
        with gzip.open(part.path) as packed, open(part.decoded, "wb") as file:
            while block := packed.read(1 << 20):
                size += len(block)
                if size > wanted.limit:
                    raise wanted.too_large(part)
                with disk_errors(part.target):
                    file.write(block)
            with disk_errors(part.target):
                file.flush()
                os.fsync(file.fileno())
        return part.decoded
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        part.discard()
        raise TransferFailed(f"{wanted.label}: sent damaged gzip data: {error}") from error
