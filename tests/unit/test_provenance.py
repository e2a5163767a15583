import subprocess
import sys
from pathlib import Path

import pytest

from ssmttm import provenance
from ssmttm.choices import METRICS
from ssmttm.provenance import code_of, fingerprint, manifest

SOURCE = '''"""A module."""
from ssmttm.b import twice


def f(x: float) -> float:
    """Docstring."""
    return twice(x) + 1
'''


@pytest.fixture
def package(tmp_path) -> Path:
    """A package of two modules: a imports b."""
    root = tmp_path / "ssmttm"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text(SOURCE)
    (root / "b.py").write_text("def twice(x):\n    return 2 * x\n")
    (root / "errors.py").write_text("X = 1\n")
    return root


def test_layout_comments_and_docstrings_do_not_count(package):
    before = fingerprint("ssmttm.a", root=package)
    changed = SOURCE.replace('"""Docstring."""', '"""Another,\n    longer one."""\n    # Why.').replace("A module", "M")
    (package / "a.py").write_text(
        changed.replace("return twice(x) + 1", "return (\n        twice(x)\n        + 1\n    )")
    )
    assert fingerprint("ssmttm.a", root=package) == before


@pytest.mark.parametrize(("file", "old", "new"), [("a.py", "+ 1", "+ 2"), ("b.py", "2 * x", "x + x")])
def test_code_counts_and_so_does_imported_code(package, file, old, new):
    before = fingerprint("ssmttm.a", root=package)
    (package / file).write_text((package / file).read_text().replace(old, new))
    assert fingerprint("ssmttm.a", root=package) != before


@pytest.mark.parametrize("name", ["b.tsv", "b.yaml"])
def test_a_table_beside_a_module_counts(package, name):
    found = {fingerprint("ssmttm.a", root=package)}
    for text in ("x\t1\n", "x\t2\n"):
        (package / name).write_text(text)
        found.add(fingerprint("ssmttm.a", root=package))
    assert len(found) == 3


def test_none_false_and_zero_are_not_the_same_code(package):
    found = set()
    for value in ("None", "False", "0", "''", "[]"):
        (package / "b.py").write_text(f"twice = {value}\n")
        found.add(fingerprint("ssmttm.b", root=package))
    assert len(found) == 5


def test_plumbing_counts_only_where_it_is_asked_for(package):
    (package / "b.py").write_text("from ssmttm.errors import X\n")
    before = fingerprint("ssmttm.b", root=package), fingerprint("ssmttm.errors", root=package)
    (package / "errors.py").write_text("X = 2\n")
    after = fingerprint("ssmttm.b", root=package), fingerprint("ssmttm.errors", root=package)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_module_that_does_not_exist_is_an_error(package):
    with pytest.raises(ValueError, match=r"ssmttm\.c"):
        fingerprint("ssmttm.c", root=package)


def test_mixers_metrics_and_stages_have_fingerprints_of_their_own():
    found = [code_of("train", mixer="mamba2"), code_of("train", mixer="attention"), code_of("compare")]
    found += [code_of("score", metric=metric) for metric in METRICS]
    found.append(code_of("train", mixer=["attention", "mamba2"]))
    assert len(set(found)) == len(found)
    assert code_of("compare") == code_of("compare")
    assert code_of("train", mixer=["mamba2"]) == code_of("train", mixer="mamba2")


@pytest.mark.parametrize(
    ("stage", "choice", "table"),
    [
        ("prompts", {}, "captions"),
        ("train", {"mixer": "mamba2"}, "curve"),
        ("generate", {"mixer": "mamba2", "codec": "spectral", "encoder": "minilm"}, "generated"),
        ("baseline", {"codec": "spectral"}, "generated"),
        ("external", {}, "generated"),
        ("musicgen", {}, "generated"),
        ("reference_clips", {}, "clips"),
        ("embed", {"embedder": "musicnn"}, "embeddings"),
    ],
)
def test_the_columns_that_a_stage_writes_count(monkeypatch, stage, choice, table):
    from ssmttm import tables

    before = code_of(stage, **choice), code_of("compare")
    monkeypatch.setitem(tables.SCHEMAS, table, tables.SCHEMAS[table].remove(0))
    assert code_of(stage, **choice) != before[0]
    assert code_of("compare") == before[1]


def test_a_manifest_says_what_decided_the_numbers():
    found = manifest("train", {"seed": 1}, run="a")
    assert found["spec"] == {"seed": 1}
    assert found["run"] == "a"
    assert found["packages"]["torch"]
    assert found["machine"]["cores"] >= 1


def test_a_processor_is_told_by_the_numbers_of_its_model(tmp_path):
    block = "processor\t: {}\ncpu family\t: 6\nmodel\t\t: {}\nmodel name\t: Tiny CPU\nstepping\t: 8\n\n"
    (tmp_path / "cpuinfo").write_text(block.format(0, 143) + block.format(1, 144))
    assert provenance.processor(tmp_path / "cpuinfo") == "Tiny CPU (family 6, model 143, stepping 8)"
    assert provenance.processor(tmp_path / "none")


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert provenance.git_commit(tmp_path) is None


def test_specs_and_fingerprints_need_no_torch(tmp_path):
    program = "import sys; import ssmttm.cli; from ssmttm.provenance import code_of; code_of('compare')"
    program += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=120).returncode == 0
