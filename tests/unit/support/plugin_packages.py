"""Packages with plug-ins, as pip would leave them: the example, and made-up ones."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "ssmttm-example"


def install_example(folder: Path) -> Path:
    """Install the example to `folder` / `site` without a network; returns that."""
    source, site = folder / "source", folder / "site"
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".toml", ".md") and "build" not in path.parts:
            target = source / path.relative_to(EXAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, str(source)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return site


def write_package(site: Path, name: str, entries: dict[str, str], files: dict[str, str], version: str = "1.0") -> Path:
    """Lay the package `name` out in `site`: `entries` as {"mixers:mine": module}, `files` as {path: text}."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    facts = site / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups: dict[str, list[str]] = {}
    for entry, module in entries.items():
        kind, _, key = entry.partition(":")
        groups.setdefault(f"ssmttm.{kind}", []).append(f"{key} = {module}")
    text = "".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items())
    (facts / "entry_points.txt").write_text(text)
    return site
