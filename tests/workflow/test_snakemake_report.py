"""Snakemake's own report, whose products have captions, and what the workflow catalog reads."""

import re
import zipfile

import yaml

from .conftest import ROOT

CAPTIONS = ROOT / "workflow" / "report"
SHOWN = {
    "results/report.html",
    "results/claims.json",
    "results/tune/{study}/rates.tsv",
    *(f"results/studies/{{study}}/{name}" for name in ("report.html", "comparison.csv", "figures", "{name}.csv")),
}
"""What a user would look at."""


def shown() -> dict[str, str]:
    """Each product that a rule shows in the report, and the rest of what is said of it."""
    found = {}
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for call in re.findall(r"\breport\((.*?labels=\{.*?\},?\s*\))", path.read_text(encoding="utf-8"), re.DOTALL):
            product = re.search(r'PAGE|results/[^"]*', call)
            assert product, call
            found["results/report.html" if product[0] == "PAGE" else product[0].replace("{{study}}", "{study}")] = call
    return found


def test_what_a_user_would_look_at_is_shown_with_a_caption_and_a_category():
    found = shown()
    assert set(found) == SHOWN
    for product, call in found.items():
        caption = re.search(r'caption="\.\./report/(\w+\.rst)"', call)
        assert caption and "category=" in call, product
        assert (CAPTIONS / caption[1]).read_text(encoding="utf-8").strip(), product


def test_no_caption_is_idle():
    text = "".join(shown().values()) + (ROOT / "Snakefile").read_text(encoding="utf-8")
    assert {path.name for path in CAPTIONS.glob("*.rst")} == set(re.findall(r"(\w+\.rst)", text))


def test_a_finished_study_is_packed_with_its_captions(clone, built):
    clone = built.copy(clone.folder.parent / "finished")
    study = next(path for path in (clone.folder / "results" / "studies").iterdir() if (path / "figures").is_dir())
    (study / "figures" / "learning-curves.step.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    done = clone.snakemake("--report", "report.zip")
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(clone.folder / "report.zip") as packed:
        names = {name.rsplit("/", 1)[-1] for name in packed.namelist()}
        page = packed.read("report/report.html").decode()
    assert {"report.html", "comparison.csv", "losses.csv", "learning-curves.step.svg", "claims.json"} <= names
    for words in (
        f"Every score of every system of the study <em>{study.name}</em>",
        "A figure of the study",
        "Begin with",
    ):
        assert words in page, words


def test_the_catalog_finds_what_it_looks_for(clone):
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment"}
    assert {name for name, works in usage["software-stack-deployment"].items() if works} == {"conda", "report"}
    text = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"^\| `([^`]+)`", text, re.MULTILINE):
        assert list(ROOT.glob(path)), f"config/README.md names {path}, which is not there"
    done = clone.snakemake("--dry-run", "--snakefile", "workflow/Snakefile")
    assert done.returncode == 0 and re.search(r"^catalog +1$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^page +1$", done.stdout, re.MULTILINE), "what it asks for is what `all` asks for"
