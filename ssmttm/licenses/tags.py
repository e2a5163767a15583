"""What an audio file's own tags say about its license, as evidence; judged nowhere here."""

import re
from collections.abc import Mapping

from ssmttm.licenses.policy import Evidence
from ssmttm.licenses.reservations import reservation
from ssmttm.licenses.skeleton import license_address

_LICENSE_TAGS = frozenset(["license", "licence", "licenseurl", "licenceurl", "wcop", "wxxx:license", "webstatement"])
_COPYRIGHT_TAGS = frozenset(["copyright", "copyrightmessage", "copyrighturl", "tcop", "©cpy", "cprt", "rights"])
_SPEAKS_OF_LICENSE = re.compile(
    r"https?://|licen[sc]|lizenz|public.domain|domaine public|rights reserved|copyleft|\bcc[ _-]?(by|0|zero)", re.I
)
_TITLES = frozenset(["title", "album", "artist", "albumartist", "lyrics", "unsyncedlyrics"])
"""A song may be called "No Machine Learning"."""

_KEPT = 20_000


def tag_evidence(tags: Mapping[str, str]) -> list[Evidence]:
    """Evidence of kind `tag_url` for the tags that speak about a license; `where` names the tag.

    A license tag always does, a copyright tag if it mentions a license or reserves rights, any
    other one (a comment, a description) only by the address of a Creative Commons license. Texts are cut at 20,000
    characters. One that states no license but reserves machine learning is of kind `ml_reservation`.
    """
    evidence = []
    for key, value in tags.items():
        text = value.strip()[:_KEPT]
        name = re.sub(r"[\s_-]", "", key.casefold())
        url = license_address(text)
        if not text:
            continue
        if name in _LICENSE_TAGS or url or (name in _COPYRIGHT_TAGS and _SPEAKS_OF_LICENSE.search(text)):
            evidence.append(Evidence("tag_url", text, url, f"tag {key}"))
        elif name not in _TITLES and (sentence := reservation(text) or reservation(f"{key}: {text}")):
            evidence.append(Evidence("ml_reservation", sentence, None, f"tag {key}"))
    return evidence
