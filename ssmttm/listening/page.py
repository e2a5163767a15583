"""The public page of a listening test: one HTML file with its design inside, beside a folder of audio."""

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ssmttm.errors import UserError
from ssmttm.listening.answers import PARTICIPANT
from ssmttm.listening.questions import NO_PREFERENCE

_DESIGN = re.compile(r'<script type="application/json" id="design">(.*?)</script>', re.DOTALL)


def render(public: dict[str, Any]) -> str:
    """The page for the public part of a design."""
    environment = Environment(
        loader=PackageLoader("ssmttm", "listening"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = json.dumps(public, allow_nan=False, separators=(",", ":"))
    for character in "<>&":  # so that no caption can close the element
        text = text.replace(character, f"\\u{ord(character):04x}")
    return environment.get_template("page.html.j2").render(
        title=public["title"],
        credits=public["credits"],
        design=Markup(text),
        participant=PARTICIPANT,
        no_preference=NO_PREFERENCE,
    )


def read(folder: Path) -> dict[str, Any]:
    """The public part of the design that the page in `folder` holds; UserError if there is none."""
    page = folder / "index.html"
    try:
        found = _DESIGN.search(page.read_text(encoding="utf-8"))
        return json.loads(found[1]) if found else _no_test(page)
    except (OSError, ValueError) as error:
        raise UserError(f"{page}: {error}; give a folder that `ssmttm listen build` wrote") from error


def _no_test(page: Path) -> dict[str, Any]:
    raise UserError(f"{page}: holds no listening test; give a folder that `ssmttm listen build` wrote")
