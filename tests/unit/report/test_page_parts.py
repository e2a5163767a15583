"""What the page says beside its numbers: methods, why something is missing, and static figures."""

import copy
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote

import made_up_losses
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_up_study import page_of

from ssmttm.errors import UserError
from ssmttm.report.cells import Table
from ssmttm.report.figures import figures, svg
from ssmttm.report.figures.chart import Axis, Chart, Series
from ssmttm.report.page import environment
from ssmttm.report.sections.corpus import corpus
from ssmttm.report.sections.methods import Methods
from ssmttm.study.folder import read_study
from ssmttm.tables import write_table


@pytest.fixture(scope="module")
def study(results):
    return read_study(results["studies"][0])


class Outline(HTMLParser):
    """Headings in order, captions of tables and figures, and links."""

    def __init__(self, text):
        super().__init__()
        self.levels, self.tables, self.captions, self.links, self.scopes = [], 0, [], [], []
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag in ("caption", "figcaption"):
            self.open = ""
        self.tables += tag == "table"
        self.scopes += [attrs.get("scope")] if tag == "th" else []
        self.links += [attrs["href"]] if tag == "a" else []

    def handle_data(self, data):
        if self.open is not None:
            self.open += data

    def handle_endtag(self, tag):
        if tag in ("caption", "figcaption") and self.open is not None:
            self.captions.append((tag, self.open))
            self.open = None


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def test_headings_never_skip_a_level(outline):
    assert outline.levels[0] == 1 and outline.levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.levels, outline.levels[1:], strict=False))


def test_every_table_has_a_caption_that_says_what_to_look_for(outline):
    captions = [text for tag, text in outline.captions if tag == "caption"]
    assert len(captions) == outline.tables
    assert [c for c in captions if not re.search("look (for|at|first)|Look|Sort by", c)] == []
    assert set(outline.scopes) == {"col", "row", "rowgroup"}


def test_links_beside_the_page_lead_to_files_that_are_there(outline, results):
    beside = [link for link in outline.links if link.startswith(("studies/", "runs/"))]
    assert {"studies/laptop/comparison.csv", *(f"runs/{r}/manifest.json" for r in results["runs"])} <= set(beside)
    assert [link for link in beside if not (results["root"] / unquote(link.split("#")[0])).is_file()] == []


def test_a_table_without_rows_is_not_shown_but_says_why(results, tmp_path):
    shutil.copytree(results["root"], tmp_path / "results")
    folder = tmp_path / "results" / "studies" / "unmeasured"
    made_up_losses.without_losses(results["studies"][0], folder)
    page = page_of([folder], results, tmp_path / "results" / "report.html")
    text = re.sub(r"<[^>]+>", "", page[: page.index('id="drawn"')])
    assert "so no claim can be judged" in text and text.count("not asked here") == 3
    assert "Pairs that the questions ask for. Nothing to show, because no pair of runs was compared by loss" in text
    assert "How much less it takes. Nothing to show, because no design was shown to reach" in text
    assert "the claims were not computed" in text


@pytest.mark.parametrize("name", ["progress", "fit_curves"])
def test_a_missing_table_or_column_is_an_error_that_names_it(results, tmp_path, name):
    folder = tmp_path / "study"
    shutil.copytree(results["studies"][0], folder, ignore=shutil.ignore_patterns("figures"))
    path = folder / f"{name}.parquet"
    pq.write_table(pq.read_table(path).drop(["value"]), path)
    other = rf"{name}\.parquet: not a {name} table of this version; it differs in value; compare"
    with pytest.raises(UserError, match=other):
        read_study(folder)
    path.unlink()
    with pytest.raises(UserError, match=rf"{name}\.parquet: no such file"):
        read_study(folder)


def words(study, results, change=lambda settings: None):
    settings = copy.deepcopy(results["spec"])
    change(settings)
    methods = Methods(study, *(settings[section] for section in ("data", "generation", "evaluation")))
    template = environment().get_template("sections/methods.html.j2")
    backends = Table([], "backends", "comparison.csv", empty="this is about the words")
    part = SimpleNamespace(name="s", methods=methods, backends=backends, link=str)
    html = template.render(
        s=part, corpus=corpus(results["data"]), prefix="", m=environment().get_template("macros.html.j2").module
    )
    return " ".join(unescape(re.sub("<[^>]+>", " ", html)).split())


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (lambda s: s["generation"].update(guidance=5.0), "guidance of 2", "guidance of 5"),
        (lambda s: s["generation"].update(guidance=1), "guidance of 2", "no classifier-free guidance"),
        (lambda s: s["data"]["license"].update(noncommercial=True), "Licenses with NC or ND", "CC-BY-NC-4.0"),
        (lambda s: s["data"]["clips"].update(seconds=30.0), "clips of 10 s", "clips of 30 s"),
        (lambda s: s["data"]["codec"].update(name="dac", model="some/dac"), "codec spectral", "codec dac (some/dac)"),
        (lambda s: s["data"]["vocals"].update(mode="drop"), "voices were kept", "voices were heard were dropped"),
        (lambda s: s["evaluation"].update(bootstrap=999), "20 bootstrap", "999 bootstrap resamples"),
        (lambda s: s["data"]["text"].update(encoder="t5"), "encoder is minilm", "encoder is t5"),
    ],
)
def test_the_methods_follow_the_configuration(study, results, change, before, after):
    assert before in words(study, results)
    assert after in words(study, results, change) and after not in words(study, results)


def test_the_methods_follow_what_the_runs_were_trained_with(study, results):
    summary = copy.deepcopy(study.summary)
    for run in summary["runs"].values():
        run["manifest"]["spec"]["training"].update(learning_rate=0.123, ema_decay=0.999)
    text = words(replace(study, summary=summary), results)
    assert "rises to 0.123" in text and "average of the weights with decay 0.999" in text
    assert "average of the weights" not in words(study, results)


def test_the_methods_name_the_processors_that_runs_were_trained_on(study, results):
    summary = copy.deepcopy(study.summary)
    manifest = next(iter(summary["runs"].values()))["manifest"]
    manifest["machine"]["cpu"], manifest["instruction_set"], manifest["threads"] = "Other CPU", "AVX2", 2
    text = words(replace(study, summary=summary), results)
    usual = "Synthetic CPU @ 2.0 GHz, AVX512 instructions, torch 2.13.0+cpu, 1 thread"
    assert f"Other CPU, AVX2 instructions, torch 2.13.0+cpu, 2 threads; {usual}." in text
    assert f"Runs were trained on {usual}." in words(study, results)


def test_a_data_set_without_duplicates_has_its_table_all_the_same(results, tmp_path):
    shutil.copytree(results["data"], tmp_path / "data")
    write_table(tmp_path / "data" / "duplicates.parquet", "duplicates", [])
    rows = corpus(tmp_path / "data").tables["duplicates"].rows
    assert [[cell.text for cell in row.values()][1:] for row in rows] == [["0", "0"], ["0", "0"]]


def test_every_chart_is_a_file_and_every_table_a_csv(results, study, page):
    folder = results["studies"][0] / "figures"
    for figure in figures.figures(study).values():
        for key in figure.charts:
            for name in figures.svg_names(figure, key):
                assert ET.parse(folder / name).getroot().tag.endswith("svg")
    for name in study.tables:
        assert len(pd.read_csv(folder / f"{name}.csv")) == len(study[name])


def circles(text):
    root = ET.fromstring(text)
    return [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("{http://www.w3.org/2000/svg}circle")]


def test_points_of_an_svg_lie_where_their_numbers_say():
    values = [1.0, 10.0, 100.0, 1000.0]
    drawn = Chart("t", Axis("x", log=True), Axis("y"), [Series("a", 0, values, [4.0, 3.0, 2.0, 1.0])])
    points = circles(svg.draw(drawn))[:4]
    across, down = np.diff([p[0] for p in points]), np.diff([p[1] for p in points])
    assert np.allclose(across, across[0], atol=0.11) and across[0] > 0  # decades are equally wide
    assert np.allclose(down, down[0], atol=0.11) and down[0] > 0  # smaller is lower: y grows downward


def test_an_svg_escapes_names_and_refuses_an_empty_chart():
    hostile = Chart("<script>", Axis("a & b"), Axis("y"), [Series('"><x>', 0, [1, 2], [1, 2])])
    assert ET.fromstring(svg.draw(hostile)) is not None and "<x>" not in svg.draw(hostile)
    with pytest.raises(ValueError, match="nothing to draw"):
        svg.draw(Chart("t", Axis("x"), Axis("y"), []))


def test_ticks_are_round_and_inside_the_axis():
    for low, high in ((0.013, 0.31), (-2.0, 7.0), (6.49, 6.51), (0.0, 3e12)):
        scale = svg.Scale([low, high], False, 0, 100)
        ticks = [v for v, _ in scale.ticks()]
        assert 3 <= len(ticks) <= 8 and all(scale.low <= t <= scale.high for t in ticks)
