"""Licenses named in a skeleton (see `text`): where each is named, and which one it is."""

import re
from collections.abc import Callable, Iterator

from ssmttm.licenses.known.cc_names import creative_commons_names, public_domain_names, sampling_names
from ssmttm.licenses.known.links import HARMLESS, PROBLEMS
from ssmttm.licenses.known.mentions import Mention
from ssmttm.licenses.known.other_names import (
    fixed_names,
    free_art_names,
    gnu_names,
    open_audio_names,
    open_game_art_names,
)

_LINK = re.compile(r" <(?P<what>[^> ]+)>")


def find_mentions(skeleton: str) -> list[Mention]:
    """Every license that a skeleton names, in its order, without overlaps; the longer name wins."""
    found: list[Mention] = []
    for make in _MAKERS:
        found += make(skeleton)
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start, -m.end)):
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _links(skeleton: str) -> Iterator[Mention]:
    for match in _LINK.finditer(skeleton):
        what = match["what"]
        if what == "url" or what[1:] in HARMLESS:
            continue
        if what[0] == "!":
            yield Mention(*match.span(), problem=PROBLEMS[what[1:]], link=True)
        elif what[0] == "~":
            yield Mention(*match.span(), vague=what[1:], link=True)
        else:
            yield Mention(*match.span(), license=what, link=True)


_MAKERS: tuple[Callable[[str], Iterator[Mention]], ...] = (
    _links,
    creative_commons_names,
    public_domain_names,
    sampling_names,
    gnu_names,
    free_art_names,
    open_audio_names,
    open_game_art_names,
    fixed_names,
)
