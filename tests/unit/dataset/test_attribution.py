import random
import time
from typing import Any

import pytest

from ssmttm.dataset.attribution import (
    attribution_page,
    copyright_holders,
    copyright_notice,
    credit,
    escape,
    link,
)
from ssmttm.wording import one_line

TRACK: dict[str, Any] = {
    "track_id": "debian:p/a.ogg",
    "title": "Song *one*\n# <script>",
    "artist": "A [b](http://example.org)",
    "album": None,
    "homepage": "https://example.org/a b",
    "license": "CC-BY-4.0",
    "license_url": "https://creativecommons.org/licenses/by/4.0/",
}


def stated(kind: str, text: str) -> dict[str, Any]:
    return {**TRACK, "license_evidence": [{"kind": kind, "text": text, "url": None, "where": "here"}]}


def test_foreign_text_stays_text() -> None:
    page = attribution_page([TRACK])
    assert r"- **Song \*one\* \# \<script\>**." in page
    assert r"## A \[b\](http\://example.org)" in page
    assert "[CC-BY-4.0](<https://creativecommons.org/licenses/by/4.0/>)" in page
    assert "(<https://example.org/a%20b>)" in page
    assert page.startswith("# Attribution\n\n1 track")


def test_the_page_has_what_cc_by_asks_for() -> None:
    page = attribution_page([stated("tag_url", "© 2010 Jane *Doe*. CC BY 4.0")])
    assert "licensed by its creator under the license named beside it" in page  # 3(a)(1)(A)(iii)
    assert "disclaim warranties" in page  # (iv)
    assert r"## A \[b\]" in page and "**Song" in page  # (i)
    assert r"Notice: © 2010 Jane \*Doe\*. CC BY 4.0." in page  # (ii)
    assert "https://example.org/a%20b" in page  # (v)
    assert "Every track was changed: cut into clips" in page  # (B)
    assert "https://creativecommons.org/licenses/by/4.0/" in page  # (C)


def test_removed_vocals_are_a_change_that_is_named() -> None:
    assert "vocals" not in attribution_page([TRACK]) + credit(TRACK, "CC-BY-4.0", None)
    assert "vocals were removed" in attribution_page([TRACK], vocals_removed=True)
    assert credit(TRACK, "CC-BY-4.0", None, vocals_removed=True).endswith("vocals removed")


@pytest.mark.parametrize(
    ("kind", "text", "notice"),
    [
        ("tag_url", "2004 Jane. Licensed to the public under CC BY", None),
        ("tag_url", "(C) 2004 Jane Doe\nCC BY 4.0", "(C) 2004 Jane Doe"),
        ("catalog", "License: CC BY 4.0. Copyright 2010 Jane", "Copyright 2010 Jane"),
        ("license_file", "Copyright\n", None),
        ("package_text", "Copyright 2010 Jane", None),
        ("tag_url", "©" + "x" * 5000, "©" + "x" * 199 + "…"),
    ],
)
def test_a_copyright_notice_is_taken_from_the_track_s_own_evidence(kind: str, text: str, notice: str | None) -> None:
    assert copyright_notice(stated(kind, text)) == notice


def test_only_web_addresses_become_links() -> None:
    for url in ("javascript:alert(1)", None, "", "http://", "file:///etc/passwd", "http://[broken"):
        assert link("x", url) == "x"
    assert link("x", "http://example.org/a>b\nc") == "[x](<http://example.org/a%3Eb%0Ac>)"
    assert link("x", "http://example.org/a/b?c=1") == "[x](<http://example.org/a/b?c=1>)"


def test_no_text_breaks_out_of_its_line() -> None:
    generator = random.Random(2)
    for _ in range(300):
        text = "".join(generator.choices("ab *_[]<>|`\\#~&\n\r\t\u2028\x00\x85", k=20))
        escaped = escape(text)
        assert len(escaped.splitlines()) <= 1
        assert one_line(escaped) == escaped
        bare = escaped.replace("\\\\", "")
        assert all(bare[i - 1] == "\\" for i, c in enumerate(bare) if c in "*_[]<>|`#~&")


def test_a_credit_names_title_artist_source_license_and_changes() -> None:
    line = credit({**TRACK, "title": "Song", "artist": None}, "CC-BY-4.0", TRACK["license_url"])
    assert line == (
        '"Song" by unknown artist, from https://example.org/a b, CC-BY-4.0, '
        "https://creativecommons.org/licenses/by/4.0/; cut, resampled and normalized in loudness"
    )


def test_the_page_of_many_tracks_groups_artists_and_takes_seconds() -> None:
    tracks = [
        {
            **TRACK,
            "track_id": f"s:{i}",
            "title": f"T {i}",
            "artist": f"a {i % 3000}",
            "homepage": f"http://example.org/{i}",
        }
        for i in range(12_000)
    ]
    started = time.process_time()
    page = attribution_page(tracks)
    assert time.process_time() - started < 2  # about 0.2 s on an idle machine
    assert page.count("\n## ") == 3000 and page.count("\n- **T") == 12_000


@pytest.mark.parametrize(
    ("artist", "holders", "credited"),
    [
        ("NeonCorridor", "Ada Tune", ["Ada Tune"]),
        ("Ada Tune", "Ada Tune", []),
        ('Ada "Keys" Tune', "Ada Tune", []),
        ("ada tune", "Ada Tune, Bob Bee", []),  # whose files are the pattern's other ones
        ("Ada", "Bob Bee, Ada Tune", ["Ada Tune"]),
        ("NeonCorridor", "Ada Tune, Bob Bee", ["Ada Tune", "Bob Bee"]),
        ("Ada", "Ada Tune", ["Ada Tune"]),  # it says more
        (None, "Ada Tune", ["Ada Tune"]),
    ],
)
def test_the_copyright_holder_is_credited_beside_the_artist(
    artist: str | None, holders: str, credited: list[str]
) -> None:
    track = {**stated("dep5_files", f"CC-BY-4.0\nCopyright: {holders}\nCopyright (C) of the license"), "artist": artist}
    assert copyright_holders(track) == credited
    page, line = attribution_page([track]), credit(track, "CC-BY-4.0", None)
    for name in credited:
        assert name in line and f"Copyright: {', '.join(credited)}." in page
    assert bool(credited) == ("copyright" in line) == ("Copyright:" in page)


def test_a_catch_all_names_nobody_to_credit() -> None:
    assert copyright_holders(stated("catch_all", "CC-BY-4.0\nCopyright: Ada Tune")) == []
    assert copyright_holders(stated("dep5_files", "CC-BY-4.0")) == []
