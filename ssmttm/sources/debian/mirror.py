"""Packages by name from the base URL of a Debian mirror, for machines without apt.

Integrity follows the archive's own chain: `Release` states the SHA-256 of `Packages`, which
states those of the packages. The signature of `Release` is not checked (that takes gpg and
Debian's keys): use an https address or a mirror that you trust.
"""

import functools
import gzip
import lzma
import re
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ssmttm.errors import UserError
from ssmttm.fetch.download import DEFAULTS, download
from ssmttm.fetch.failures import NoSuchFile, Unavailable
from ssmttm.fetch.web import public
from ssmttm.sources.debian.packages import Package, altered, cached_path

_RELEASE_BYTES = 8 << 20
_INDEX_BYTES = 512 << 20
_PACKAGE_BYTES = 4 << 30
_INDEXES = ("main/binary-all/Packages", "main/binary-amd64/Packages")
_HASHES = re.compile(r"^ ([0-9a-f]{64}) +(\d+) +(\S+)$", re.M)


class Mirror:
    """Finds and downloads packages from a mirror; downloads are kept and verified in `cache`."""

    def __init__(self, base: str, suite: str, cache: Path, fetching: Mapping[str, Any] = DEFAULTS) -> None:
        if urlsplit(base).scheme not in ("http", "https", "file"):
            raise UserError(f"data.sources.debian.mirror: {base!r} is no http, https or file address")
        if ".." in suite.split("/"):
            raise UserError(f"data.sources.debian.suite: {suite!r} is no suite's name")
        self._base, self._suite, self._cache = base.rstrip("/"), suite, cache.resolve()
        self._fetching = fetching
        self.find = functools.cache(self._find)

    def _download(self, path: str, target: Path, **options: Any) -> Path:
        """`target`, which is the mirror's `path` now; `options` and errors are those of `download`."""
        return download(self._address(path), target, fetching=self._fetching, **options)

    def _address(self, path: str) -> str:
        return f"{self._base}/{quote(path, safe='/+~:-._%')}"

    @functools.cached_property
    def _packages(self) -> dict[str, list[Package]]:
        """Every package of the suite's main section, by name."""
        release = self._release()
        hashes = {name: (sha256, int(size)) for sha256, size, name in _HASHES.findall(release)}
        found: dict[str, list[Package]] = {}
        for index in _INDEXES:
            offered = [index + suffix for suffix in (".xz", ".gz", "") if index + suffix in hashes]
            for name in offered:
                try:
                    text = self._index(name, *hashes[name])
                except NoSuchFile:
                    continue  # a mirror need not hold every compression that Release lists
                for package in _parse_index(text):
                    known = found.setdefault(package.name, [])
                    if package not in known:
                        known.append(package)
                break
        if not found:
            raise UserError(f"{self._base}: suite {self._suite!r} lists no packages in main for all or amd64")
        return found

    def _release(self) -> str:
        with tempfile.TemporaryDirectory(dir=self._folder(), prefix="release-") as folder:  # never an old one
            for name in ("InRelease", "Release"):
                path = f"dists/{self._suite}/{name}"
                try:
                    file = self._download(path, Path(folder, name), max_bytes=_RELEASE_BYTES, kind="text")
                    return file.read_text(encoding="utf-8", errors="replace")
                except NoSuchFile:
                    continue
                except Unavailable as error:
                    raise _refused(str(error)) from error
        raise UserError(
            f"{self._base}: has no suite {self._suite!r} (no dists/{self._suite}/Release); "
            "check data.sources.debian.mirror and data.sources.debian.suite"
        )

    def _folder(self) -> Path:
        folder = self._cache / "mirror"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _index(self, name: str, sha256: str, size: int) -> str:
        """The text of one index. Raises NoSuchFile if the mirror has no such file."""
        path = f"dists/{self._suite}/{name}"
        file, kind = self._folder() / f"Packages-{sha256}", "archive" if Path(name).suffix else "text"
        try:
            self._download(path, file, sha256=sha256, size=size, max_bytes=_INDEX_BYTES, kind=kind)
        except NoSuchFile:
            raise
        except Unavailable as error:
            if error.reason != "checksum_mismatch":
                raise _refused(str(error)) from error
            raise UserError(
                f"{self._base}/{path}: its SHA-256 is not the one in Release: {error}; "
                "the mirror may be updating, so try again later"
            ) from error
        openers: dict[str, Callable[..., Any]] = {"xz": lzma.open, "gz": gzip.open}
        opener = openers.get(name.rpartition(".")[2], open)
        try:
            with opener(file, "rb") as stream:
                data: bytes = stream.read(_INDEX_BYTES + 1)
        except (lzma.LZMAError, zlib.error, EOFError, OSError) as error:
            raise UserError(f"{self._base}/dists/{self._suite}/{name}: damaged: {error}") from error
        if len(data) > _INDEX_BYTES:
            raise UserError(f"{self._base}/dists/{self._suite}/{name}: unpacks to more than {_INDEX_BYTES >> 20} MiB")
        return data.decode("utf-8", "replace")

    def _find(self, name: str, version: str | None = None) -> Package | None:
        """The package as the mirror lists it, or None if it has no such package or version."""
        candidates = self._packages.get(name, [])
        return next((p for p in reversed(candidates) if version is None or p.version == version), None)

    def path(self, package: Package) -> Path:
        """The verified .deb on disk, downloaded if it isn't there."""
        path, filename = cached_path(package, self._cache), package.filename or ""
        if filename.startswith("/") or ".." in filename.split("/") or not filename.endswith(".deb"):
            raise UserError(f"{self._base}: lists package {package.name} under an unsafe path {filename!r}")
        known = {"sha256": package.sha256, "size": package.size}
        try:
            return self._download(filename, path, max_bytes=_PACKAGE_BYTES, kind="archive", **known)
        except NoSuchFile:
            raise UserError(
                f"Debian package {package.name}: {self._base}/{filename} is listed but not there; "
                "the mirror may be updating, so try again later or choose another"
            ) from None
        except Unavailable as error:
            if error.reason != "checksum_mismatch":
                raise _refused(f"Debian package {package.name} {package.version}: {error}") from error
            raise altered(package, str(error).removeprefix(f"{public(self._address(filename))}: ")) from error


def _refused(message: str) -> UserError:
    return UserError(f"{message}; check data.sources.debian.mirror, or choose another, then run again")


def _parse_index(text: str) -> list[Package]:
    """The packages of a `Packages` file that state a SHA-256, a size and a file name."""
    packages = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): *(.*)$", stanza, re.M))
        if {"Package", "Version", "SHA256", "Filename"} <= set(fields) and fields.get("Size", "").isdigit():
            packages.append(
                Package(
                    fields["Package"],
                    fields["Version"],
                    fields["SHA256"].lower(),
                    int(fields["Size"]),
                    fields.get("Homepage"),
                    fields["Filename"],
                )
            )
    return packages
