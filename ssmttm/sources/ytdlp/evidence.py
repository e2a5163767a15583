"""What a site states about a video's license, from yt-dlp's `license` field. Nothing else is evidence of a license.

A description that speaks of a license is none: anybody may quote one there about anything. One that reserves
machine learning counts as such a reservation. Where a
site states a license by a short form of its own, MEANINGS says which license it means by it, each
with the public source of that fact. A short form that isn't there (Vimeo's `by`, Jamendo's
`by-nc-sa`, Minds' `attribution-cc`) has no version that anybody can prove: it stays as it is, and
the license engine rejects it as unknown.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ssmttm.licenses.known.creative_commons import FULL
from ssmttm.licenses.policy import Evidence
from ssmttm.licenses.reservations import reservation
from ssmttm.sources.ytdlp.text import clean

_TEXT_CHARACTERS = 1000
_NO_STATEMENT = frozenset(["", "none", "unknown", "n/a", "null"])
"""What PeerTube ("Unknown") and LBRY ("None") say where an uploader stated nothing."""


def _creative_commons(elements: str, version: str) -> str:
    return f"https://creativecommons.org/licenses/{elements}/{version}/"


class Meaning(NamedTuple):
    """The licenses that a site's short forms stand for, by the form in lower case, and who says so."""

    urls: Mapping[str, str]
    source: str


MEANINGS = {
    # SoundCloud's API states cc-by, …; its own Android client links those to version 3.0 (getCCLink of
    # PublicApiTrack), and its track pages do.
    "soundcloud": Meaning(
        {f"cc-{e}": _creative_commons(e, "3.0") for e in FULL},
        "https://github.com/garylaski/userscripts/issues/17",
    ),
    # PeerTube's server writes these versions into its own pages' metadata: peertubeLicenceToSPDX.
    "peertube": Meaning(
        {
            "attribution": _creative_commons("by", "4.0"),
            "attribution - share alike": _creative_commons("by-sa", "4.0"),
            "attribution - no derivatives": _creative_commons("by-nd", "4.0"),
            "attribution - non commercial": _creative_commons("by-nc", "4.0"),
            "attribution - non commercial - share alike": _creative_commons("by-nc-sa", "4.0"),
            "attribution - non commercial - no derivatives": _creative_commons("by-nc-nd", "4.0"),
            "public domain dedication": "https://creativecommons.org/publicdomain/zero/1.0/",
        },
        "https://github.com/Chocobozzz/PeerTube/blob/develop/server/core/helpers/video.ts",
    ),
}
"""By yt-dlp's extractor key in lower case."""

_YOUTUBE_FORM = "creative commons attribution license (reuse allowed)"
_YOUTUBE_CHANGE = "20250801"
_YOUTUBE_SOURCE = (
    "https://support.google.com/youtube/answer/2797468, "
    "version by upload date as in https://github.com/toolforge/video2commons/issues/276"
)
"""YouTube's help links CC BY 3.0, and since August 2025 CC BY 4.0. Wikimedia Commons tells them apart by
the upload date, and so does this. An older video that was marked only after the change counts as 3.0."""


def license_evidence(info: Mapping[str, Any]) -> list[Evidence]:
    """The evidence in a yt-dlp info dict: kind `catalog` if the site states a license.

    `text` is the field as it is, `url` the license's address: the one that the site states, or
    what its short form means by MEANINGS; null if neither is there.
    """
    extractor = clean(info.get("extractor_key"), 60).lower()
    text = clean(info.get("license"), _TEXT_CHARACTERS)
    reserving = _reservation(info, extractor)
    if text.lower() in _NO_STATEMENT:
        return reserving
    where = f"yt-dlp {extractor} info field license"
    url = source = None
    if text.lower().startswith(("http://", "https://")):
        url = text
    elif extractor == "youtube" and text.lower() == _YOUTUBE_FORM:
        date = clean(info.get("upload_date"), 8)
        if len(date) == 8 and date.isdigit():  # undated: the version can't be told
            url = _creative_commons("by", "3.0" if date < _YOUTUBE_CHANGE else "4.0")
            source = f"{_YOUTUBE_SOURCE} (uploaded {date[:4]}-{date[4:6]}-{date[6:]})"
    elif extractor in MEANINGS:
        url = MEANINGS[extractor].urls.get(text.lower())
        source = MEANINGS[extractor].source if url else None
    where = f"{where}; meaning by {source}" if source else where
    return [Evidence("catalog", text, url, where), *reserving]


def _reservation(info: Mapping[str, Any], extractor: str) -> list[Evidence]:
    """The description's sentence that reserves machine learning; nothing else of it is kept."""
    description = info.get("description")
    sentence = reservation(description) if isinstance(description, str) else None
    where = f"yt-dlp {extractor} info field description"
    text = clean(sentence, _TEXT_CHARACTERS)
    return [Evidence("ml_reservation", text, None, where)] if text else []


def same_statement(before: Iterable[Evidence], now: Iterable[Evidence]) -> bool:
    """Whether the site still states what it stated when it was indexed."""
    kinds = ("catalog", "ml_reservation")
    return [(e.text, e.url) for e in before if e.kind in kinds] == [(e.text, e.url) for e in now]
