"""Write docs/licenses.md: every package that is needed at run time, as requirements.lock pins it, with its license.

    python benchmarks/software_licenses.py

Needed at run time is what pyproject.toml's dependencies and the extras of a checkout need, down to the last one. A
license is what the installed package's metadata states: its SPDX expression; else its field or classifiers, brought
into that form; else the license file that comes with it, where its words are unmistakable.
"""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licenses.md"
LOCK = ROOT / "requirements.lock"
IN_PART = {"demucs"}
"""Packages of which only a part is used: their own dependencies are not all wanted."""

EXTRAS = ("slurm", "tensorboard", "listen")
"""Of pyproject.toml, that a checkout runs with."""

NAMES = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause License": "BSD-3-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages call licenses, where that is one license: "BSD License" is not, so it stands as it is."""

FILES = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy",
    "BSD-3-Clause": "Neither the name of",
    "Apache-2.0": "Apache License Version 2.0, January 2004",
}
"""Words by which a license file is known."""

COPYLEFT = re.compile(r"\b[AL]?GPL-|\bMPL-")

HEAD = """# Licenses of the software

ssmttm itself is Apache-2.0. These are the {count} packages that it needs at run time, in the versions of
`requirements.lock`, with the license that each one's own metadata states; `python benchmarks/software_licenses.py`
writes this page, and a test compares it with the lock. A name that is no SPDX identifier, such as "BSD License", stands
as the package has it. The extras `slurm`, `tensorboard` and `listen` are among them, tools of developers (`dev` in
pyproject.toml) are not. What wheels bundle, such as FFmpeg in `av`, has licenses of its own, which lie in the wheel.

Most ask for no more than that their notice goes along. Those that ask for more, in short and without being legal
advice:

{copyleft}

## All

| package | version | license | stated in |
| --- | --- | --- | --- |
{rows}
"""

DUTIES = {
    "essentia": "Whoever ships it with a program, or lets others use such a program over a network, owes them the "
    "source of the whole under the AGPL's terms. It analyzes clips for captions (`ssmttm captions`) and takes the "
    "fingerprints by which recordings are known again (`ssmttm clips`, `ssmttm reference_clips`). Training, generating "
    "and scoring don't load it. Who must do without it uninstalls it, installs the extra `librosa` and the system's "
    "libchromaprint, and sets `analyzer: librosa` under `data.captions`: then librosa (ISC) analyzes, and pyacoustid "
    "(MIT) takes the same fingerprints (docs/benchmarks.md says how far the captions agree).",
    "python-debian": "Whoever ships it with a program does so under the GPL, whose version 3 goes with Apache-2.0. It "
    "reads the copyright files of Debian packages (`ssmttm index`, source `debian`).",
    "docutils": "Its metadata names several licenses, by file. Snakemake's reports use it.",
}
"""What follows from a license that asks for more, and where the package is used."""

LESSER = "Whoever ships it passes on its source, with their changes to it; what is around it keeps its own license."


class Row(NamedTuple):
    """A package, and where its license is stated: expression, field, classifiers or file."""

    package: str
    version: str
    license: str
    stated: str


def needed() -> list[str]:
    """Names of all packages that the dependencies need on this Python, by what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    seen: dict[str, set[str]] = {}
    extras_here = [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    waiting = [Requirement(text) for text in [*project["dependencies"], *extras_here]]
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), {"", *requirement.extras}
        if name in seen and extras <= seen[name]:
            continue
        seen.setdefault(name, set()).update(extras)
        for text in [] if name in IN_PART else importlib.metadata.requires(name) or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return sorted(seen)


def row(name: str) -> Row:
    """What the installed package says of its license."""
    distribution = importlib.metadata.distribution(name)
    facts = distribution.metadata
    field = (facts.get("License") or "").strip()
    classifiers = [text.rsplit(" :: ", 1)[-1] for text in facts.get_all("Classifier") or [] if "License ::" in text]
    if expression := facts.get("License-Expression"):
        return Row(name, distribution.version, expression, "expression")
    if field and len(field) < 60:
        return Row(name, distribution.version, NAMES.get(field, field), "field")
    if classifiers:
        return Row(name, distribution.version, " / ".join(NAMES.get(c, c) for c in classifiers), "classifiers")
    for file in distribution.files or []:
        if re.match(r"(licen[cs]e|copying)", file.name, re.IGNORECASE) and file.locate().is_file():
            text = " ".join(file.locate().read_text(encoding="utf-8", errors="replace").split())
            for license, words in FILES.items():
                if words in text:
                    return Row(name, distribution.version, license, "file")
    return Row(name, distribution.version, "not stated", "nowhere")


def page(rows: list[Row]) -> str:
    """The page of `rows`."""
    more = [one for one in rows if one.package in DUTIES or COPYLEFT.search(one.license)]
    copyleft = "\n".join(f"- `{one.package}`, {one.license}. {DUTIES.get(one.package, LESSER)}" for one in more)
    return HEAD.format(count=len(rows), copyleft=copyleft, rows="\n".join(f"| {' | '.join(one)} |" for one in rows))


def main() -> int:
    PAGE.write_text(page([row(name) for name in needed()]), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
