"""A kept study: small, whole, and refused once anything in it is changed."""

import json
import re
import shutil

import pytest

from ssmttm.errors import UserError
from ssmttm.stages import archive
from ssmttm.study.archive import FILES, MANIFEST, PAGE


@pytest.fixture(scope="module")
def kept(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("kept") / "laptop"
    data = results["data"]
    if not (data / "dataset.json").is_file():
        (data / "dataset.json").write_text(json.dumps({"settings": {"version": "laptop"}}))
    archive.run(results["spec"], results["studies"][0], data, out, "make report", 0.25, None)
    return out


@pytest.fixture
def own(kept, tmp_path):
    """A copy to damage."""
    return shutil.copytree(kept, tmp_path / "kept")


def test_a_kept_study_has_a_page_tables_and_a_manifest_that_says_what_made_them(kept, results):
    assert {path.name for path in kept.iterdir()} == {PAGE, MANIFEST, *FILES}
    manifest = json.loads((kept / MANIFEST).read_text())
    assert (manifest["command"], manifest["hours"], manifest["runs"]) == ("make report", 0.25, 10)
    assert manifest["training_core_hours"] > 0 and manifest["machines"] and manifest["packages"]
    assert [answer["claim"] for answer in manifest["answers"]] == ["compute", "stages", "size"]
    assert set(manifest["files"]) == {PAGE, *FILES}


def test_its_page_links_to_nothing_that_is_not_kept(kept):
    page = re.sub(r"<script.*?</script>", "", (kept / PAGE).read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"', page)
    assert "comparison.csv" in links
    assert {link for link in links if not link.startswith(("#", "http"))} <= set(FILES)
    voices = re.findall(r'<audio [^>]*aria-label="([^"]*)"', page)
    assert len(voices) == 2 and not {"Real clips", "Codec reconstruction"} & set(voices)


def test_a_kept_study_is_kept_again_in_its_place(own, results, ssmttm):
    archive.run(results["spec"], results["studies"][0], results["data"], own, "make report", 0.5, None)
    assert json.loads((own / MANIFEST).read_text())["hours"] == 0.5
    status, _, messages = ssmttm("archive", "check", str(own))
    assert (status, messages) == (0, f"ssmttm: {own}: study laptop, 10 runs, 0.5 hours: as it was kept\n")


def test_a_half_written_study_is_written_anew(own, results, kept):
    (own / MANIFEST).unlink()
    (own / "losses.csv").write_text("half")
    (own / ".report.html.x.part").write_text("half")
    archive.run(results["spec"], results["studies"][0], results["data"], own, "make report", 0.25, None)
    assert (own / MANIFEST).read_text() == (kept / MANIFEST).read_text()
    archive.verify(own)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda own: (own / "loss_pairs.csv").open("a").write("x"), "loss_pairs.csv: not the file that manifest.json"),
        (lambda own: (own / PAGE).unlink(), "report.html: manifest.json names it, and it is gone"),
        (lambda own: (own / "more.txt").write_text("x"), "more.txt in a kept study that manifest.json doesn't name"),
        (lambda own: (own / MANIFEST).write_text("{}"), "`files` should name report.html and comparison.csv"),
        (lambda own: (own / MANIFEST).write_text("{"), "manifest.json: not valid JSON"),
        (lambda own: (own / MANIFEST).unlink(), "manifest.json: no such file"),
    ],
)
def test_what_was_changed_is_one_message(own, ssmttm, damage, message):
    damage(own)
    status, _, messages = ssmttm("archive", "check", str(own))
    assert status == 2 and message in messages and "Traceback" not in messages


def test_a_folder_of_something_else_is_left_alone(tmp_path, results):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"has other files, such as thesis\.tex"):
        archive.run(results["spec"], results["studies"][0], results["data"], tmp_path, "make report", 1, None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
