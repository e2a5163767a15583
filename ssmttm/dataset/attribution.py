"""Credits as the licenses ask for them, such as CC BY 4.0 in section 3(a)(1).

That is: creator, copyright notice as far as one is supplied, a notice of the license with its
address, a notice of its disclaimer of warranties, the address of the work, and what was changed.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlsplit

from ssmttm.licenses.policy import HOLDERS
from ssmttm.wording import one_line

_NOTICES = (
    "Each track is licensed by its creator under the license named beside it, whose full text the link leads to. "
    "The licenses disclaim warranties: the tracks are provided as they are, and their creators are not liable for "
    "them as far as the law allows. Naming the creators does not mean that they endorse this data set.",
    "Every track was changed: {}; models trained on them see codec tokens of these clips. "
    "Earlier changes are those that the pages of the tracks state.",
)
_CUT = "cut into clips of fixed length, mixed down to mono, resampled, normalized in loudness and encoded as FLAC"
_CHANGES = "cut, resampled and normalized in loudness"
_NOTICE = re.compile(r"(?:©|℗|\([cCpP]\)|\bcopyright\b)[^\n\r]*", re.IGNORECASE)
_NOTICE_KINDS = ("catalog", "tag_url", "license_file")
_LONGEST_NOTICE = 200


def credit(track: Mapping[str, Any], license: str, license_url: str | None, vocals_removed: bool = False) -> str:
    """One plain line ready to print for a row of the `index` table."""
    album = f" ({one_line(track['album'])})" if track["album"] else ""
    url = f", {license_url}" if license_url else ""
    title, artist = one_line(track["title"]) or "untitled", one_line(track["artist"]) or "unknown artist"
    if held := copyright_holders(track):
        artist += f", copyright {', '.join(held)}"
    source = one_line(track["homepage"]) or track["track_id"]
    changes = "cut, resampled, normalized in loudness, vocals removed" if vocals_removed else _CHANGES
    return f'"{title}" by {artist}{album}, from {source}, {license}{url}; {changes}'


def copyright_holders(track: Mapping[str, Any]) -> list[str]:
    """The copyright holders that a specific `Files:` pattern names and the artist's name doesn't contain.

    Where the artist is one of several, the others hold other files of the pattern. Of a shorter
    form of the artist's name ("Ada") the full one is a holder to name.
    """
    artist = _words(track["artist"])
    held: list[str] = []
    for row in track.get("license_evidence") or ():
        if row["kind"] != "dep5_files":
            continue
        _, _, below = (row["text"] or "").partition("\n")
        if below.startswith(HOLDERS):
            held += below.partition("\n")[0].removeprefix(HOLDERS).split(", ")
    names = {name: _words(name) for name in map(one_line, held)}
    if any(words <= artist for words in names.values()):
        return []
    return [name for name, words in names.items() if artist and artist <= words] or list(names)


def _words(name: str | None) -> set[str]:
    return set(re.findall(r"\w+", one_line(name).casefold()))


def copyright_notice(track: Mapping[str, Any]) -> str | None:
    """The first copyright notice in what the track's own evidence says, at most 200 characters; None without one."""
    for row in track.get("license_evidence") or ():
        if row["kind"] not in _NOTICE_KINDS or not row["text"]:
            continue
        text = row["text"][:2000]
        lower = text.lower()
        if not any(sign in lower for sign in ("©", "℗", "(c)", "(p)", "copyright")):
            continue
        if match := _NOTICE.search(text):
            notice = one_line(match[0])
            if any(c.isalnum() for c in notice.casefold().replace("copyright", "").strip("(c) ")):
                return one_line(notice, _LONGEST_NOTICE)
    return None


def escape(text: str | None) -> str:
    """Foreign text as literal Markdown within a line: no markup, HTML, links or entities come through."""
    line = one_line(text)
    if not _SPECIAL.search(line) and "www." not in line.lower():
        return line
    # GitHub turns bare addresses into links.
    return re.sub(r"(?i)(www)\.", r"\1\.", line.translate(_ESCAPES).replace("://", r"\://"))


_SPECIAL = re.compile(r"[\\`*_{}\[\]#|~&<>$:]")
_ESCAPES = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]#|~&<>$"})
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9./?=-]*")


def link(text: str, url: str | None) -> str:
    """A Markdown link, or only the escaped text when `url` is no plain http(s) address."""
    if url and _PLAIN_ADDRESS.fullmatch(url):
        plain = text == url and "www." not in url
        label = url.replace("://", r"\://") if plain else escape(text)
        return f"[{label}](<{url}>)"
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return escape(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return escape(text)
    return f"[{escape(text)}](<{quote(str(url), safe=':/?#@!$&*+,;=%~-._')}>)"


def attribution_page(tracks: Iterable[Mapping[str, Any]], vocals_removed: bool = False) -> str:
    """ATTRIBUTION.md for rows of the `licensed` table, grouped by artist."""
    ordered = sorted(((one_line(t["artist"]).casefold(), t["track_id"], t) for t in tracks), key=lambda t: t[:2])
    lines = ["# Attribution", "", f"{len(ordered)} tracks by the artists below, used under their licenses.", ""]
    changes = f"{_CUT}, after its vocals were removed" if vocals_removed else _CUT
    lines += [_NOTICES[0], "", _NOTICES[1].format(changes), ""]
    for _, group in groupby(ordered, key=lambda t: t[0]):
        members = [t[2] for t in group]
        lines += [f"## {escape(members[0]['artist']) or 'Unknown artist'}", ""]
        for track in members:
            album = f" Album: {escape(track['album'])}." if one_line(track["album"]) else ""
            home = track["homepage"]
            source = f"{link(home, home)}, " if home else ""
            notice = copyright_notice(track)
            copyright = f" Notice: {escape(notice).rstrip('.')}." if notice else ""
            if held := copyright_holders(track):
                copyright = f" Copyright: {escape(', '.join(held)).rstrip('.')}.{copyright}"
            lines.append(
                f"- **{escape(track['title']) or 'untitled'}**.{album} Source: {source}{escape(track['track_id'])}. "
                f"License: {_licenses(track['license'], track['license_url'])}.{copyright}"
            )
        lines.append("")
    return "\n".join(lines)


@lru_cache(maxsize=1024)
def _licenses(license: str, urls: str | None) -> str:
    addresses = (urls or "").split()
    if len(addresses) == 1:
        return link(license, addresses[0])
    return escape(license) + "".join(f" {link(address, address)}" for address in addresses)
