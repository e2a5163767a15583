import random

from ssmttm.corpus.attribution import attribution_page, credit, escape, link

TRACK = {
    "track_id": "debian:p/a.ogg",
    "title": "Song *one*\n# <script>",
    "artist": "A [b](http://example.org)",
    "album": None,
    "homepage": "https://example.org/a b",
    "license": "CC-BY-4.0",
    "license_url": "https://creativecommons.org/licenses/by/4.0/",
}


def test_foreign_text_stays_text() -> None:
    page = attribution_page([TRACK])
    assert r"- **Song \*one\* \# \<script\>**." in page
    assert r"## A \[b\](http\://example.org)" in page
    assert "[CC-BY-4.0](<https://creativecommons.org/licenses/by/4.0/>)" in page
    assert "(<https://example.org/a%20b>)" in page
    assert page.startswith("# Attribution\n\n1 track")
    assert "cut into clips" in page


def test_only_web_addresses_become_links() -> None:
    for url in ("javascript:alert(1)", None, "", "http://", "file:///etc/passwd", "http://[broken"):
        assert link("x", url) == "x"
    assert link("x", "http://example.org/a>b\nc") == "[x](<http://example.org/a%3Eb%0Ac>)"


def test_no_text_breaks_out_of_its_line() -> None:
    generator = random.Random(2)
    for _ in range(300):
        text = "".join(generator.choices("ab *_[]<>|`\\#~&\n\r\t\u2028\x00\x85", k=20))
        escaped = escape(text)
        assert len(escaped.splitlines()) <= 1
        bare = escaped.replace("\\\\", "")
        assert all(bare[i - 1] == "\\" for i, c in enumerate(bare) if c in "*_[]<>|`#~&")


def test_a_credit_names_title_artist_source_license_and_changes() -> None:
    line = credit({**TRACK, "title": "Song", "artist": None}, "CC-BY-4.0", TRACK["license_url"])
    assert line == (
        '"Song" by unknown artist, from https://example.org/a b, CC-BY-4.0, '
        "https://creativecommons.org/licenses/by/4.0/; cut, resampled and normalized in loudness"
    )
