"""A file:// mirror of tiny packages."""

import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from debs import sha256


@pytest.fixture
def mirror(tmp_path: Path) -> Callable[..., str]:
    """A function that builds a file:// mirror of {package: .deb bytes} and returns its base URL.

    `published` overrides the SHA-256 that is published for a package, `index_sha256` the one of
    the index in Release.
    """

    def build(
        packages: Mapping[str, bytes],
        published: Mapping[str, str] | None = None,
        index_sha256: str | None = None,
        compression: str = ".xz",
    ) -> str:
        root = tmp_path / "mirror"
        stanzas = []
        for name, data in packages.items():
            file = root / f"pool/main/{name}_1.0_all.deb"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            checksum = (published or {}).get(name, sha256(data))
            stanzas.append(
                f"Package: {name}\nVersion: 1.0\nFilename: pool/main/{file.name}\nSize: {len(data)}\n"
                f"SHA256: {checksum}\nDescription: a test\n with a second line\n"
            )
        text = "\n".join(stanzas).encode()
        index = {".xz": lzma.compress, ".gz": gzip.compress, "": bytes}[compression](text)
        path = f"main/binary-all/Packages{compression}"
        target = root / "dists/stable" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(index)
        release = f"Suite: stable\nSHA256:\n {index_sha256 or sha256(index)} {len(index)} {path}\n"
        (root / "dists/stable/Release").write_text(release)
        return root.as_uri()

    return build
