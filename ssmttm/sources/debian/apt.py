"""Packages by name through this machine's apt, without root and without touching the system's lists."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ssmttm.errors import UserError
from ssmttm.sources.debian.packages import Package, keep, stored

_SHOW_SECONDS, _UPDATE_SECONDS, _DOWNLOAD_SECONDS = 120, 600, 3600


def _run(arguments: list[str], timeout: int, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            arguments,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise UserError(
            f"{arguments[0]} is not on this machine; set data.sources.debian.mirror in the config "
            "to the base URL of a Debian mirror (and data.sources.debian.suite)"
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{' '.join(arguments[:2])} did not finish within {timeout} s; is the network up?") from None


def _tail(text: str, lines: int = 4) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


class Apt:
    """Finds and downloads packages with apt; downloads are kept and verified in `cache`."""

    def __init__(self, cache: Path) -> None:
        if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
            raise UserError(
                "there is no apt on this machine; set data.sources.debian.mirror in the config "
                "to the base URL of a Debian mirror (and data.sources.debian.suite)"
            )
        self._cache = cache.resolve()
        self._options: list[str] = []
        self._update_said: str | None = None
        self.find = functools.cache(self._find)

    def _find(self, name: str, version: str | None = None) -> Package | None:
        """The package as apt's lists state it, or None if they have no such package or version.

        The system's lists are asked first, then lists of our own, fetched if need be.
        """
        found = self._show(name, version)
        if found is None and not self._options:
            self._use_private_lists()
            found = self._show(name, version)
        if found is None and self._update_said is None:
            update = _run(["apt-get", *self._options, "-q", "update"], _UPDATE_SECONDS)
            self._update_said = update.stderr if update.returncode or "Failed to fetch" in update.stderr else ""
            found = self._show(name, version)
        if found is None and self._update_said:
            raise UserError(
                f"Debian package {name}{f'={version}' if version else ''}: apt doesn't know it, "
                f"and its lists could not be updated:\n{_tail(self._update_said)}\n"
                "check the network, or set data.sources.debian.mirror in the config"
            )
        return found

    def _use_private_lists(self) -> None:
        state = self._cache / "apt"
        (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        # As root, apt drops to a user who may not be able to write in our cache.
        settings = {
            "Dir::State::lists": state / "lists",
            "Dir::Cache": state / "cache",
            "APT::Sandbox::User": "root",
            "APT::Update::Post-Invoke-Success::": "",
        }
        self._options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def _show(self, name: str, version: str | None) -> Package | None:
        query = f"{name}={version}" if version else name
        shown = _run(["apt-cache", *self._options, "--no-all-versions", "show", query], _SHOW_SECONDS)
        fields = dict(re.findall(r"^([A-Za-z0-9-]+): *(.*)$", shown.stdout.split("\n\n")[0], re.M))
        if shown.returncode or fields.get("Package") != name:
            return None
        if not {"Version", "SHA256", "Size"} <= set(fields):
            raise UserError(f"Debian package {name}: apt's lists state no SHA-256; is it only installed locally?")
        return Package(
            name, fields["Version"], fields["SHA256"].lower(), int(fields["Size"]), homepage=fields.get("Homepage")
        )

    def path(self, package: Package) -> Path:
        """The verified .deb on disk, downloaded if it isn't there."""
        if found := stored(package, self._cache):
            return found
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".download-") as folder:
            command = ["apt-get", *self._options, "-q", "-o", "APT::Sandbox::User=root", "download"]
            result = _run([*command, f"{package.name}={package.version}"], _DOWNLOAD_SECONDS, Path(folder))
            files = list(Path(folder).glob("*.deb"))
            if result.returncode or len(files) != 1:
                raise UserError(
                    f"Debian package {package.name}: apt-get could not download it:\n{_tail(result.stderr)}\n"
                    "check the network and the free disk space, then run again; what was fetched is kept"
                )
            return keep(files[0], package, self._cache)
