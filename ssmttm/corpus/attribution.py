"""Credits as the licenses ask for them: title, author, source, license, changes."""

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlsplit

_CHANGES = (
    "Every track was changed: cut into clips of fixed length, mixed down to mono, resampled, "
    "normalized in loudness and encoded as FLAC; models trained on them see codec tokens of these clips."
)


def one_line(text: str | None) -> str:
    """Metadata as one printable line: whitespace and control characters collapse to single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


def credit(track: Mapping[str, Any], license: str, license_url: str | None) -> str:
    """One plain line ready to print for a row of the `index` table."""
    album = f" ({one_line(track['album'])})" if track["album"] else ""
    url = f", {license_url}" if license_url else ""
    title, artist = one_line(track["title"]) or "untitled", one_line(track["artist"]) or "unknown artist"
    source = one_line(track["homepage"]) or track["track_id"]
    return f'"{title}" by {artist}{album}, from {source}, {license}{url}; cut, resampled and normalized in loudness'


def escape(text: str | None) -> str:
    """Foreign text as literal Markdown within a line: no markup, HTML, links or entities come through."""
    line = re.sub(r"([\\`*_{}\[\]#|~&<>$])", r"\\\1", one_line(text))
    # GitHub turns bare addresses into links.
    return re.sub(r"(?i)(www)\.", r"\1\.", line.replace("://", r"\://"))


def link(text: str, url: str | None) -> str:
    """A Markdown link, or only the escaped text when `url` is no plain http(s) address."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return escape(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return escape(text)
    return f"[{escape(text)}](<{quote(str(url), safe=':/?#@!$&*+,;=%~-._')}>)"


def attribution_page(tracks: Iterable[Mapping[str, Any]]) -> str:
    """ATTRIBUTION.md for rows of the `licensed` table, grouped by artist."""
    ordered = sorted(tracks, key=lambda t: (one_line(t["artist"]).casefold(), t["track_id"]))
    lines = ["# Attribution", "", f"{len(ordered)} tracks by the artists below, used under their licenses.", ""]
    lines += [_CHANGES, ""]
    for _, group in groupby(ordered, key=lambda t: one_line(t["artist"]).casefold()):
        members = list(group)
        lines += [f"## {escape(members[0]['artist']) or 'Unknown artist'}", ""]
        for track in members:
            album = f" Album: {escape(track['album'])}." if one_line(track["album"]) else ""
            home = track["homepage"]
            source = f"{link(home, home)}, " if home else ""
            lines.append(
                f"- **{escape(track['title']) or 'untitled'}**.{album} Source: {source}{escape(track['track_id'])}. "
                f"License: {_licenses(track['license'], track['license_url'])}."
            )
        lines.append("")
    return "\n".join(lines)


def _licenses(license: str, urls: str | None) -> str:
    found = (urls or "").split()
    if len(found) == 1:
        return link(license, found[0])
    return escape(license) + "".join(f" {link(u, u)}" for u in found)
