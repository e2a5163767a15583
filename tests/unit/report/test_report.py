import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
import synthetic
from made_up_study import page_of

from ssmttm.dataset.sharing import REAL, RealMusic
from ssmttm.errors import UserError
from ssmttm.planning import study_of_page
from ssmttm.report.page import script_json
from ssmttm.report.sections import players
from ssmttm.report.sections.corpus import web_address
from ssmttm.stages import report
from ssmttm.tables import REASONS, SCHEMAS, read_table, write_table

VOID = {"meta", "img", "input", "br", "link", "hr"}


class Page(HTMLParser):
    """Checks that elements nest, and collects what a browser would load, show and run."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.links, self.ids, self.text, self.scripts = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [attrs[k] for k in ("src", "srcset", "data", "poster", "action") if attrs.get(k)]
        self.loads += [attrs["href"]] if tag == "link" else []
        self.links += [attrs["href"]] if tag == "a" else []
        self.ids += [attrs["id"]] if "id" in attrs else []
        assert not [k for k in attrs if k.startswith("on")]
        if tag == "script":
            self.scripts.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page)


@pytest.fixture(scope="module")
def text(parsed):
    return re.sub(r"\s+", " ", " ".join(parsed.text))


def test_the_page_is_well_formed_with_unique_ids_and_working_anchors(parsed):
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {a[1:] for a in parsed.links if a.startswith("#")} <= set(parsed.ids)


def test_nothing_is_loaded_from_anywhere(page, parsed):
    assert parsed.loads and all(load.startswith("data:") for load in parsed.loads)
    assert "default-src 'none'" in page  # and the browser is told so
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert not any("url(" in s or "@import" in s for s in styles)


def test_metadata_of_strangers_is_shown_and_never_run(page, parsed, text):
    assert synthetic.HOSTILE in text
    assert "<script>alert" not in page
    assert not any('alert("title")' in s or "alert(1)" in s for s in parsed.scripts)
    assert all(a.startswith(("#", "https://", "studies/", "runs/", "data/")) for a in parsed.links)
    assert "<i>bright" not in page and "<i>bright</i>" in text


def test_every_run_is_there_with_its_costs_and_its_players(parsed, text, results):
    for run in results["runs"]:
        assert text.count(run) >= 1
    for kind in ("data:audio/mpeg", "data:image/png"):
        # the first caption by four systems; the others by ten runs, real clips and the codec
        assert sum(load.startswith(kind) for load in parsed.loads) == 4 + (10 + 2) * 3
    assert "0123456789" in text and "fedcba9876543210" in text and "torch 2.13.0+cpu" in text


def test_every_rejection_reason_is_there_with_its_count(text):
    for reason, sentence in REASONS.items():
        expected = "2 clips" if reason == "silent" else "3 tracks"
        assert re.search(rf"{re.escape(sentence)} {reason} \w+ {expected}", text), reason


def test_the_corpus_adds_up(text):
    assert "28 candidate tracks" in text and "CC-BY-SA-3.0 debian 27 3" in text
    assert "0 artists in more than one" in text


def test_the_study_is_told_in_a_sentence_computed_from_it(text):
    assert "4 designs, 10 runs, 1 seed, 64.0 minutes of openly licensed music" in text
    assert "Loss says how surprised a model is" in text and "not asked here" in text
    assert "8 captions" in text and "One seed per run" in text


def test_cautions_stand_beside_the_scores_and_backends_in_the_methods(text):
    assert "only 8 clips" in text
    assert "musicnn MTT 0123456789ab" in text and "Not CLAP" in text


def test_figures_have_data_for_every_run_and_axis(parsed, results):
    drawn = json.loads(parsed.scripts[0])["laptop"]
    curves = drawn["learning-curves"]["charts"]
    assert set(curves) == {"step", "flops", "seconds"}
    for charts in curves.values():
        series = [s for chart in charts for s in chart["series"]]
        assert {s["name"].removesuffix(", training") for s in series} == set(results["runs"])
        assert all(len(s["x"]) == len(s["y"]) > 1 for s in series)
        assert {s["dash"] for s in series if "quarter" in s["name"]} == {"dash"}


def test_the_page_stays_under_10_mb(page):
    assert len(page.encode()) < 10_000_000


def test_players_stop_at_their_share_of_bytes_but_never_at_none(results):
    folders = dict(list(results["runs"].items())[:2])
    _, clip_ids = players.playable(folders, REAL, RealMusic(results["data"] / "licensed.parquet"))
    assert len(players.examples(folders, clip_ids, 4, limit=1)) == 1
    assert len(players.examples(folders, clip_ids, 99)) == 8


def licensed_anew(results, folder, license):
    """The data set's table of tracks, where `license` gives each track's by its id."""
    rows = read_table(results["data"] / "licensed.parquet", "licensed").to_pylist()
    write_table(folder / "licensed.parquet", "licensed", [r | {"license": license(r["track_id"])} for r in rows])
    return RealMusic(folder / "licensed.parquet")


def test_players_have_no_real_music_that_must_not_be_passed_on(results, tmp_path):
    tracks = ["debian:zaz-data/00.ogg", "debian:zaz-data/01.ogg"]
    every = [f"{track}@{start}" for track in tracks for start in (0, 10000)]
    row = dict.fromkeys(SCHEMAS["generated"].names)
    folders = {name: tmp_path / name for name in ("originals", "run")}
    for folder in folders.values():
        write_table(folder / "generated" / "final.parquet", "generated", [row | {"clip_id": c} for c in every])
    run = {"run": folders["run"]}
    music = licensed_anew(results, tmp_path, lambda t: "CC-BY-ND-3.0" if t == tracks[0] else "CC-BY-NC-4.0")
    shown, clip_ids = players.playable(folders, REAL, music)
    assert shown == folders and clip_ids == every[2:]
    assert "not for commercial use" in music.credit(clip_ids[0])
    music = licensed_anew(results, tmp_path, lambda t: "CC-BY-NC-ND-4.0")
    assert players.playable(folders, REAL, music) == (run, every)
    assert players.playable(run, REAL, music) == (run, every)


def test_the_page_credits_the_real_music_it_plays_or_says_that_it_plays_none(results, page, text, tmp_path):
    credits = re.findall(r'<p class="note credit">Real music: (.*?)</p>', page)
    assert len(credits) == 4 and all("by Artist of" in credit and "CC-" in credit for credit in credits)
    shutil.copytree(results["data"], tmp_path / "data")
    licensed_anew(results, tmp_path / "data", lambda t: "CC-BY-ND-4.0")
    out = results["root"] / "other.html"
    other = page_of(results["studies"], results | {"data": tmp_path / "data"}, out)
    assert "Codec reconstruction and Real clips can't be played" in unescape(other)
    assert other.count('<figure class="player"') == 2 + 10 * 3 and "Real music:" not in other
    assert "can't be played" not in unescape(page)


def test_a_system_without_the_others_clips_is_an_error(results, tmp_path):
    write_table(tmp_path / "generated" / "final.parquet", "generated", [])
    folders = {**dict(list(results["runs"].items())[:1]), "empty": tmp_path}
    with pytest.raises(UserError, match="lacks the clips"):
        players.examples(folders, ["debian:zaz/00.ogg@0"], 2)


def test_a_study_that_was_not_compared_is_named(results, tmp_path):
    with pytest.raises(UserError, match=r"summary\.json: no such file"):
        page_of([tmp_path], results, tmp_path / "report.html")
    with pytest.raises(UserError, match="at least one study"):
        page_of([], results, tmp_path / "report.html")


def test_a_page_in_its_studys_folder_names_it_and_links_from_there(results):
    folder = results["studies"][0]
    shutil.rmtree(folder / "figures", ignore_errors=True)
    report.run(results["spec"], [folder], results["data"], folder / "report.html", write_figures=False)
    assert not (folder / "figures").exists()
    report.run(results["spec"], [folder], results["data"], folder / "report.html")
    assert study_of_page(folder / "report.html") == folder.name
    links = Page((folder / "report.html").read_text(encoding="utf-8")).links
    beside = [unquote(a.partition("#")[0]) for a in links if not a.startswith(("#", "https://"))]
    assert "comparison.csv" in beside
    assert all((folder / a).is_file() for a in beside)


def test_json_inside_a_script_can_not_end_it():
    value = {"a": "</script><!--\u2028&"}
    assert "<" not in script_json(value) and json.loads(script_json(value)) == value


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", " https://x", None, float("nan")])
def test_only_web_addresses_become_links(address):
    assert web_address(address) is None


class Words(HTMLParser):
    """What the page says before its first section, before anything is opened, and in all."""

    def __init__(self, text):
        super().__init__()
        self.inside, self.first, self.before, self.visible, self.every = [], False, 0, 0, 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.first |= tag == "section"
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag):
        self.inside.pop()

    def handle_data(self, data):
        if {"script", "style", "noscript", "title"} & set(self.inside):
            return
        count = len(data.split())
        self.every += count
        self.before += count * (not self.first)
        self.visible += count * ("details" not in self.inside or "summary" in self.inside)


def test_the_page_says_much_with_few_words(page):
    words = Words(page)
    assert words.before <= 600 and words.visible <= 3000 and words.every <= 15_000
