"""The public page of a listening test: one HTML file with its design inside, beside a folder of audio."""

import json
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ssmttm.errors import UserError
from ssmttm.listening.answers import PARTICIPANT
from ssmttm.listening.questions import NO_PREFERENCE
from ssmttm.listening.records import Public

_DESIGN = re.compile(r'<script type="application/json" id="design">(.*?)</script>', re.DOTALL)


def render(public: Public) -> str:
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


def read(folder: Path) -> Public:
    """The public part of the design that the page in `folder` holds; UserError if there is none."""
    page = folder / "index.html"
    try:
        if design := _DESIGN.search(page.read_text(encoding="utf-8")):
            return json.loads(design[1])
        problem = "holds no listening test"
    except (OSError, ValueError) as error:
        problem = str(error)
    raise UserError(f"{page}: {problem}; give a folder that `ssmttm listen build` wrote")
