"""What is known of a package before it is opened, and the cache of verified .deb files."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.files import sha256_file


@dataclass(frozen=True)
class Package:
    """One version of a binary package with the SHA-256 and size that the archive publishes."""

    name: str
    version: str
    sha256: str
    size: int
    homepage: str | None = None
    filename: str | None = None  # path on a mirror


def cached_path(package: Package, cache: Path) -> Path:
    """Where the package's .deb lies in the cache; the name holds the checksum that it must have."""
    if not re.fullmatch(r"[0-9a-f]{64}", package.sha256):
        raise UserError(f"Debian package {package.name}: the archive states no valid SHA-256: {package.sha256!r}")
    version = re.sub(r"[^A-Za-z0-9.+~-]", "%", package.version)
    return cache / f"{package.name}_{version}_{package.sha256}.deb"


def stored(package: Package, cache: Path) -> Path | None:
    """The cached .deb if it is there and still is what it was; a damaged one is removed."""
    path = cached_path(package, cache)
    if not path.is_file():
        return None
    if sha256_file(path) == package.sha256:
        return path
    path.unlink(missing_ok=True)
    return None


def keep(downloaded: Path, package: Package, cache: Path) -> Path:
    """Verify a finished download and rename it into the cache. Raises UserError on a wrong one."""
    verify(package, downloaded.stat().st_size, sha256_file(downloaded))
    with open(downloaded, "rb+") as f:
        os.fsync(f.fileno())
    path = cached_path(package, cache)
    downloaded.replace(path)
    return path


def verify(package: Package, size: int, sha256: str) -> None:
    """Raise UserError unless size and checksum are the published ones."""
    if size != package.size or sha256 != package.sha256:
        what = f"{size} of {package.size} bytes arrived" if size != package.size else "its SHA-256 is wrong"
        raise altered(package, what)


def altered(package: Package, what: str) -> UserError:
    """What to raise about a download that isn't the package."""
    return UserError(
        f"Debian package {package.name} {package.version}: the download is truncated or altered: {what}; "
        "nothing of it was kept, so run again, or choose another mirror"
    )
