"""Names of plug-ins: ours, others', unknown ones, and those that two packages bring; what a look-up costs."""

import importlib.metadata
import sys

import pytest
from plugin_packages import write_package

from ssmttm import plugins
from ssmttm.choices import gives_of, metrics_of
from ssmttm.codecs.base import fit_codec
from ssmttm.config import ROOT, load_config, merge, validate_config
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.provenance import code_of, packages

METRIC = """BETTER, DEFINITION, INTERVAL = "lower", "x", None
{more}
def evaluate(system, reference, settings):
    return {{"value": 1.0, "low": None, "high": None, "warnings": []}}
"""


def metric(site, package="pack", name="mine", more="", **files):
    module = package.replace("-", "_")
    files = {f"{module}/__init__.py": "", f"{module}/{name}.py": METRIC.format(more=more), **files}
    return write_package(site, package, {f"metrics:{name}": f"{module}.{name}"}, files)


@pytest.fixture
def config():
    return load_config(ROOT / "config.yaml")


def asking(config, **evaluation):
    return validate_config(merge(config, {"evaluation": evaluation}))


def test_a_name_of_ours_is_never_looked_up(monkeypatch, config):
    def look_up(**_):
        raise AssertionError("entry points were looked up")

    monkeypatch.setattr(importlib.metadata, "entry_points", look_up)
    validate_config(config)
    load_embedder("musicnn")
    code_of("score", metric=config["evaluation"]["metrics"])
    assert "torch" in packages()


def test_a_name_of_ours_can_not_be_taken_over(use, tmp_path, ssmttm):
    use(metric(tmp_path / "site", name="frechet", more="raise SystemExit"))
    module = plugins.load("ssmttm.evaluation.metrics", "frechet", "metric", "here")
    assert module.__name__ == "ssmttm.evaluation.metrics.frechet"
    assert plugins.known("metrics").count("frechet") == 1 and plugins.find("metrics", "frechet") is None
    status, output, _ = ssmttm("plugin", "test", "frechet")
    assert status == 1
    assert (
        "BROKEN  test_its_name_is_free: the name of one of ours, which is taken instead; pack should rename it"
        in output
    )


def test_two_packages_with_one_name_are_both_named(use, tmp_path, config, ssmttm):
    site = metric(metric(tmp_path / "site"), package="other-pack")
    use(site)
    message = "two installed packages bring a metric 'mine': other-pack 1.0 and pack 1.0; uninstall one of them"
    with pytest.raises(UserError, match=message):
        asking(config, metrics=["frechet", "mine"])
    status, output, _ = ssmttm("plugin", "test")
    assert status == 1 and output.count("brings the same name; uninstall one of them") == 2
    asking(config, metrics=["frechet"])  # which isn't concerned


def test_an_unknown_name_says_what_there_is(use, tmp_path, config):
    use(metric(tmp_path / "site"))
    with pytest.raises(UserError, match=r"evaluation\.metrics\.0: 'minee' is not one of clap, .*, mine"):
        asking(config, metrics=["minee"])
    with pytest.raises(UserError, match=r"data\.codec\.name: no codec 'flac'; there are dac, encodec, spectral"):
        fit_codec({"name": "flac", "codebooks": 1, "codebook_size": 2}, [], 0, 24000, 1)
    with pytest.raises(UserError, match=r"data\.sources: no source 'tape'; there are debian, jamendo, local, ytdlp"):
        validate_config(merge(config, {"data": {"sources": {"tape": {}}}}))


def test_what_a_plug_in_needs_is_read_without_importing_it(use, tmp_path, config):
    use(metric(tmp_path / "site", more="NEEDS = 'texts'\nFEWEST = 9\nimport no_such_module"))
    assert metrics_of(["mine", "frechet"], "musicnn") == ["frechet"]
    assert metrics_of(["mine"], "clap") == ["mine"]
    with pytest.raises(UserError, match="mine needs one of the embedders clap, clap_laion"):
        asking(config, metrics=["mine"])
    with pytest.raises(UserError, match=r"mine needs 9 clips, and generation\.prompts is 8"):
        validate_config(
            merge(config, {"generation": {"prompts": 8}, "evaluation": {"metrics": ["frechet", "mine"],
                  "embedders": ["musicnn", "clap"]}})
        )  # fmt: skip
    assert "pack.mine" not in sys.modules


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("NEEDS = 'smells'", "NEEDS is 'smells'; it may have None, classes, tags, texts"),
        ("NEEDS = str(1)", "NEEDS must be a literal"),
    ],
)
def test_what_it_says_of_itself_must_be_sound(use, tmp_path, config, more, message):
    use(metric(tmp_path / "site", more=more))
    with pytest.raises(UserError, match=message):
        asking(config, metrics=["mine"])


def test_an_embedder_says_what_it_gives(use, tmp_path):
    text = "GIVES = ('classes',)\nWHOLE = True\n"
    files = {"pack/__init__.py": "", "pack/ears.py": text}
    use(write_package(tmp_path / "site", "pack", {"embedders:ears": "pack.ears"}, files))
    assert gives_of("ears") == {"classes"} and metrics_of(["kl", "text_audio"], "ears") == ["kl"]


@pytest.mark.parametrize(
    ("files", "module", "message"),
    [
        (
            {},
            "pack.mine",
            r"the metric 'mine' of pack 1.0 can't be imported: pack.mine: ModuleNotFoundError: .*; what is",
        ),
        (
            {"pack/__init__.py": "", "pack/mine.py": "1 / 0"},
            "pack.mine",
            "ZeroDivisionError: division by zero; what is",
        ),
        ({"pack/__init__.py": "", "pack/mine.py": "BETTER = 1"}, "pack.mine", "pack.mine has no `DEFINITION`; what is"),
        ({"pack/__init__.py": "mine = 1"}, "pack:mine", "its entry point is 'pack:mine'; it should name a module"),
    ],
)
def test_what_can_not_be_loaded_is_named_with_its_package(use, tmp_path, files, module, message):
    use(write_package(tmp_path / "site", "pack", {"metrics:mine": module}, files))
    with pytest.raises(UserError, match=message):
        plugins.load("ssmttm.evaluation.metrics", "mine", "metric", "here")


def test_its_code_counts_and_that_of_its_package_and_no_other(use, tmp_path):
    site = metric(tmp_path / "site", more="from . import helper\nfrom pack.deep import thing\nimport json")
    for path, text in (
        ("helper.py", "A = 1"),
        ("deep/__init__.py", ""),
        ("deep/thing.py", "B = 1"),
        ("idle.py", "C = 1"),
    ):
        (site / "pack" / path).parent.mkdir(exist_ok=True)
        (site / "pack" / path).write_text(text)
    use(site)
    ours, seen = code_of("score", metric="frechet"), [code_of("score", metric="mine")]
    for path in ("mine.py", "helper.py", "deep/thing.py"):
        (site / "pack" / path).write_text((site / "pack" / path).read_text() + "\nEDITED = 1\n")
        seen.append(code_of("score", metric="mine"))
    assert len(set(seen)) == 4
    (site / "pack" / "mine.tsv").write_text("1")
    seen.append(code_of("score", metric="mine"))
    assert seen[-1] != seen[-2]
    for path, text in (("idle.py", "C = 2"), ("mine.py", (site / "pack" / "mine.py").read_text() + "\n# Why.\n")):
        (site / "pack" / path).write_text(text)
    assert code_of("score", metric="mine") == seen[-1]
    assert code_of("score", metric="frechet") == ours
    assert "pack.mine" not in sys.modules


def test_a_package_called_like_ours_is_another_one(use, tmp_path):
    files = {"ssmttm_pack/__init__.py": "", "ssmttm_pack/files.py": METRIC.format(more="")}
    use(write_package(tmp_path / "site", "ssmttm-pack", {"metrics:mine": "ssmttm_pack.files"}, files))
    before = code_of("score", metric="mine")
    (tmp_path / "site" / "ssmttm_pack" / "files.py").write_text(METRIC.format(more="A = 1"))
    assert code_of("score", metric="mine") != before


def test_loaded_ones_stand_among_the_packages_that_decide_numbers(use, tmp_path):
    use(metric(tmp_path / "site"))
    assert "pack" not in packages()
    plugins.load("ssmttm.evaluation.metrics", "mine", "metric", "here")
    assert packages()["pack"] == "1.0"


def test_listing_none_says_so(ssmttm):
    status, output, _ = ssmttm("plugin", "list")
    assert status == 0 and output.startswith("no installed package brings a plug-in")


def test_names_that_no_plug_in_has_are_refused(ssmttm, use, tmp_path):
    use(metric(tmp_path / "site"))
    for words, message in (
        (["nothing"], "nothing: no such plug-in; there are mixers:attention"),
        (["mixer:mine"], "there is no kind 'mixer'; there are mixers, metrics"),
        (["mixers:mine"], "mixers:mine: no such plug-in; there are mixers:attention"),
        (["mine", "--settings", "{"], "--settings: not valid JSON"),
    ):
        status, _, told = ssmttm("plugin", "test", *words)
        assert status == 2 and message in told
