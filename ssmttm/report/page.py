"""Rendering: one self-contained HTML file from the templates beside this module."""

import json

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from ssmttm import numbers
from ssmttm.wording import counted, listed


def script_json(value: object) -> Markup:
    """JSON that can stand inside a script element: no `<`, so that nothing can close or open one."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def environment() -> Environment:
    """Where the templates are, with their filters; everything is escaped."""
    made = Environment(
        loader=PackageLoader("ssmttm", "report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (counted, listed, numbers.minus, numbers.significant, script_json)
    made.filters |= {filter.__name__: filter for filter in filters}
    return made


def render(**parts: object) -> str:
    """The page. Everything in `parts` is escaped, except plotly's own script."""
    plotly = get_plotlyjs()
    if "</script" in plotly.lower():
        raise ValueError("plotly's script would close its own element")
    return environment().get_template("template.html.j2").render(plotly=Markup(plotly), **parts)
