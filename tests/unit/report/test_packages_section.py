"""Numbers of published packages on the page: beside ours, with difference, version and weights; none where none ran."""

import shutil

import pytest

from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.report.sections.packages import packages
from ssmttm.stages import report

HASH = "ab" * 32
NUMBER = {"system": "noise", "embedder": "clap", "metric": "clap", "reference": "captions", "n": 24}
CONTENT = {
    "package": "laion_clap",
    "version": "1.1.7",
    "torch": "2.13.0",
    "python": "3.11.7",
    "pins": "0" * 64,
    "backends": {"clap": {"identity": "clap:0123456789ab", "sha256": HASH, "remark": "It draws <parts>."}},
    "numbers": [NUMBER | {"theirs": 0.25, "ours": 0.2, "difference": 0.05}],
}


def test_a_row_has_both_numbers_and_their_difference_in_full_and_as_a_share(tmp_path):
    write_json(tmp_path / "packages" / "laion_clap.json", CONTENT)
    (package,) = packages(tmp_path)
    (row,) = package.table.rows
    assert [cell.text for cell in row.values()] == [
        "Noise", "CLAP score", "captions", "0.250", "0.200", "+0.05", "24"
    ]  # fmt: skip
    assert row["Difference"].subs == ("+25 %",)
    assert package.table.file == "packages/laion_clap.json"


def test_a_study_without_packages_says_nothing_of_them(tmp_path, page):
    assert packages(tmp_path) == []
    assert "published packages" not in page


def test_the_page_says_which_package_and_weights_made_the_numbers(results, tmp_path):
    root = shutil.copytree(results["root"], tmp_path / "results", symlinks=True)
    studies = [root / study.relative_to(results["root"]) for study in results["studies"]]
    write_json(studies[0] / "packages" / "laion_clap.json", CONTENT)
    out = root / "report.html"
    report.run(results["spec"], studies, root / results["data"].relative_to(results["root"]), out, write_figures=False)
    text = out.read_text(encoding="utf-8")
    assert f'href="#{studies[0].name}-packages"' in text and f'id="{studies[0].name}-packages"' in text
    for part in ("laion_clap 1.1.7", "clap:0123456789ab", HASH, "torch 2.13.0", "It draws &lt;parts&gt;.", "+25 %"):
        assert part in text, part


def test_a_damaged_file_is_one_message(tmp_path):
    write_json(tmp_path / "packages" / "laion_clap.json", {"package": "laion_clap"})
    with pytest.raises(UserError, match=r"laion_clap.json: no numbers of a package .* make it again: snakemake"):
        packages(tmp_path)
