import json

import pytest

from ssmttm.sources.debian.sidecars import Credit, Malformed, read_album, read_song


def test_an_album_gives_titles_and_artists_by_file_name() -> None:
    album = {
        "title": "Night",
        "author": "Ada",
        "tracks": [
            {"filename": "a.opus", "title": "One", "author": "Bob"},
            {"filename": "b.opus", "title": "Two"},
            {"filename": "a.opus", "title": "Again"},
            {"filename": "../c.opus", "title": "Climbs"},
            {"filename": "d.opus", "title": 7, "author": ["x"]},
            {"filename": "e.opus", "title": "x" * 301},
            {"title": "no file"},
            "nothing",
        ],
    }
    assert read_album(b"\xef\xbb\xbf" + json.dumps(album).encode()) == {
        "a.opus": Credit("One", "Bob", "Night"),
        "b.opus": Credit("Two", "Ada", "Night"),
        "d.opus": Credit(None, "Ada", "Night"),
        "e.opus": Credit(None, "Ada", "Night"),
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"tracks": 3}', b"\xff\xfe", b"[" * 100_000, b'{"tracks": ' + b"9" * 5000 + b"}", b"null"],
)
def test_a_malformed_album_says_so(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_album(data)


def test_a_song_gives_its_credit_whatever_else_is_there() -> None:
    data = "[Song]\nNAME = Feelings 100%\nartist = Jos\xe9\nscores = 63%(x)s\nscores = 1\n; note\n[other]\nname = x\n"
    assert read_song(data.encode("latin-1")) == Credit("Feelings 100%", "José", None)
    assert read_song(b"[song]\n") == Credit()


@pytest.mark.parametrize("data", [b"", b"name = x", b"[library]\nname = x", b"[song]\nnonsense", b"\0\0", b"[song"])
def test_a_malformed_song_says_so(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_song(data)
