"""Real music in a listening test: only what may be passed on, and with its credits."""

import shutil

import pytest
import tiny_listening

from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.listening import page
from ssmttm.stages import listen


def real_clips(key):
    return {c["clip_id"] for c in read_json(key)["clips"].values() if c["system"] == "originals"}


@pytest.fixture
def own(tmp_path):
    """A study of one's own, whose licenses a test may change."""
    return tiny_listening.write_study(tmp_path / "results")


def test_music_under_nd_is_left_out_and_the_page_credits_the_rest(own, tmp_path):
    tiny_listening.write_licensed(tmp_path / "results", x1="CC-BY-ND-4.0", x2="CC-BY-NC-3.0")
    for seed in range(4):
        out = tmp_path / f"page{seed}"
        said = listen.build(own, out, captions=2, seed=seed)
        assert real_clips(tmp_path / f"page{seed}.key.json") == {"x:2@0", "x:3@0"}
        assert page.read(out)["credits"] == [
            '"Tune x:2" by <b>Ada</b>, from example.org, CC-BY-NC-3.0; not for commercial use',
            '"Tune x:3" by <b>Ada</b>, from example.org, CC0-1.0',
        ]
        text = (out / "index.html").read_text(encoding="utf-8")
        assert "&#34;Tune x:3&#34; by &lt;b&gt;Ada&lt;/b&gt;, from example.org, CC0-1.0" in text
        assert "names 2 tracks" in said


def test_too_little_music_that_may_be_passed_on_is_an_error_that_says_so(own, tmp_path):
    tiny_listening.write_licensed(tmp_path / "results", x1="CC-BY-ND-4.0", x2="CC-BY-NC-ND-3.0")
    with pytest.raises(UserError, match=r"--captions 2: of the 3 clips .* let 1 be passed on .* without real music"):
        listen.build(own, tmp_path / "page", captions=2)
    said = listen.build(own, tmp_path / "page", captions=3, systems=["zebra-run", "quokka-run"])
    assert real_clips(tmp_path / "page.key.json") == set()
    assert "none compares noise with real music" in said and page.read(tmp_path / "page")["credits"] == []
    assert "<footer>" not in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")


def test_real_music_without_known_tracks_or_clips_is_refused(own, tmp_path):
    shutil.rmtree(tmp_path / "results" / "data")
    with pytest.raises(UserError, match=r"data/v/licensed\.parquet: no such file; .* --data"):
        listen.build(own, tmp_path / "page", captions=1)
    tiny_listening.write_licensed(tmp_path / "elsewhere")
    listen.build(own, tmp_path / "page", captions=1, data=tmp_path / "elsewhere" / "data" / "v")
    assert len(page.read(tmp_path / "page")["credits"]) == 1
    summary = own / "summary.json"
    text = summary.read_text(encoding="utf-8").replace('"originals"', '"training_codec"')
    summary.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="--systems training_codec: real music that this test could not credit"):
        listen.build(own, tmp_path / "other", captions=1, systems=["zebra-run", "training_codec"])
