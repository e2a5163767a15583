"""Packages by name from the base URL of a Debian mirror, for machines without apt.

Integrity follows the archive's own chain: `Release` states the SHA-256 of `Packages`, which
states those of the packages. The signature of `Release` is not checked (that takes gpg and
Debian's keys): use an https address or a mirror that you trust.
"""

import functools
import gzip
import hashlib
import lzma
import re
import zlib
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from ssmttm.corpus.debian.packages import Package, cached_path, stored, verify
from ssmttm.errors import UserError
from ssmttm.files import atomic_path

_TIMEOUT_SECONDS = 60
_RELEASE_BYTES = 8 << 20
_INDEX_BYTES = 512 << 20
_PACKAGE_BYTES = 4 << 30
_ATTEMPTS = 3
_INDEXES = ("main/binary-all/Packages", "main/binary-amd64/Packages")
_HASHES = re.compile(r"^ ([0-9a-f]{64}) +(\d+) +(\S+)$", re.M)


class _Missing(Exception):
    """The mirror has no such file."""


class Mirror:
    """Finds and downloads packages from a mirror; downloads are kept and verified in `cache`."""

    def __init__(self, base: str, suite: str, cache: Path) -> None:
        if urlsplit(base).scheme not in ("http", "https", "file"):
            raise UserError(f"data.sources.debian.mirror: {base!r} is no http, https or file address")
        if ".." in suite.split("/"):
            raise UserError(f"data.sources.debian.suite: {suite!r} is no suite's name")
        self._base, self._suite, self._cache = base.rstrip("/"), suite, cache.resolve()
        self.find = functools.cache(self._find)

    def _open(self, path: str) -> BinaryIO:
        address = f"{self._base}/{quote(path, safe='/+~:-._%')}"
        try:
            return urlopen(Request(address, headers={"User-Agent": "ssmttm"}), timeout=_TIMEOUT_SECONDS)
        except HTTPError as error:
            if error.code in (404, 410):
                raise _Missing(address) from None
            raise
        except URLError as error:
            if isinstance(error.reason, FileNotFoundError):
                raise _Missing(address) from None
            raise

    def _fetch(self, path: str, target: Path, limit: int) -> tuple[int, str]:
        """Download to `target`; (size, SHA-256). Raises _Missing, and UserError if the network fails."""
        for attempt in range(1, _ATTEMPTS + 1):
            digest, size = hashlib.sha256(), 0
            try:
                with self._open(path) as response, open(target, "wb") as file:
                    while part := response.read(1 << 20):
                        size += len(part)
                        if size > limit:
                            raise UserError(f"{self._base}/{path}: larger than the {limit} bytes that it should have")
                        digest.update(part)
                        file.write(part)
                return size, digest.hexdigest()
            except OSError as error:  # URLError, time-outs and broken connections
                if attempt == _ATTEMPTS:
                    raise UserError(
                        f"{self._base}/{path}: could not be downloaded: {error}; "
                        "check the network and data.sources.debian.mirror, then run again"
                    ) from error
        raise AssertionError("unreachable")

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
                except _Missing:
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
        for name in ("InRelease", "Release"):
            with atomic_path(self._cache / "mirror" / "Release") as target:
                try:
                    self._fetch(f"dists/{self._suite}/{name}", target, _RELEASE_BYTES)
                except _Missing:
                    continue
                return target.read_text(encoding="utf-8", errors="replace")
        raise UserError(
            f"{self._base}: has no suite {self._suite!r} (no dists/{self._suite}/Release); "
            "check data.sources.debian.mirror and data.sources.debian.suite"
        )

    def _index(self, name: str, sha256: str, size: int) -> str:
        path = self._cache / "mirror" / f"Packages-{sha256}"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            with atomic_path(path) as target:
                got, digest = self._fetch(f"dists/{self._suite}/{name}", target, min(size, _INDEX_BYTES))
                if digest != sha256:
                    raise UserError(
                        f"{self._base}/dists/{self._suite}/{name}: its SHA-256 is not the one in Release "
                        f"({got} of {size} bytes); the mirror may be updating, so try again later"
                    )
        opener = {"xz": lzma.open, "gz": gzip.open}.get(name.rpartition(".")[2], open)
        try:
            with opener(path, "rb") as file:
                data = file.read(_INDEX_BYTES + 1)
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
        if found := stored(package, self._cache):
            return found
        path = cached_path(package, self._cache)
        filename = package.filename or ""
        if filename.startswith("/") or ".." in filename.split("/") or not filename.endswith(".deb"):
            raise UserError(f"{self._base}: lists package {package.name} under an unsafe path {filename!r}")
        with atomic_path(path) as target:
            try:
                verify(package, *self._fetch(filename, target, min(package.size, _PACKAGE_BYTES)))
            except _Missing:
                raise UserError(
                    f"Debian package {package.name}: {self._base}/{filename} is listed but not there; "
                    "the mirror may be updating, so try again later or choose another"
                ) from None
        return path


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
