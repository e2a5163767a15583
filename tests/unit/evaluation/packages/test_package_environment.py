"""An environment is made whole by venv and pip, stays while it is right, and is made anew when it isn't.

The packages here are stand-ins of a few bytes: this is about the environment, not about what they compute.
"""

import json
import shutil
import zipfile

import pytest

from ssmttm.errors import UserError
from ssmttm.evaluation.packages.environment import RECORD, check, imported, make

TRANSFORMERS = "class Any: pass\nBartModel = BertModel = RobertaModel = Any\n" + (
    "RobertaTokenizer = BertTokenizer = BartTokenizer = Any\n"
)
UTILS = "def is_torchaudio_available(): pass\ndef is_torchvision_available(): pass\n"
PINS = "# a comment\ntorch==0.1\ntransformers==0.1\nlaion_clap==0.1\n"


def wheel(folder, name, version="0.1", **files):
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        info = f"{name}-{version}.dist-info"
        for path, text in {f"{name}/__init__.py": "", **files}.items():
            file.writestr(path, text)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes packages from, and nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "torch")
    wheel(folder, "transformers", **{"transformers/__init__.py": TRANSFORMERS, "transformers/utils.py": UTILS})
    for version in ("0.1", "0.2"):
        wheel(folder, "laion_clap", version)
    wheel(folder, "laion_clap", "0.3", **{"laion_clap/__init__.py": "import that_is_not_there\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def pins(tmp_path):
    path = tmp_path / "pins.txt"
    path.write_text(PINS)
    return path


def test_it_is_made_once_and_again_when_its_pins_change_or_it_was_interrupted(index, pins, tmp_path):
    folder = tmp_path / "results" / "envs" / "laion_clap"
    out, mark = folder / RECORD, folder / "mark"
    folder.mkdir(parents=True)  # as Snakemake does
    make("laion_clap", pins, out)
    assert check("laion_clap", folder)["version"] == json.loads(out.read_text())["version"] == "0.1"

    mark.touch()
    out.unlink()  # as Snakemake does before it runs a job again
    make("laion_clap", pins, out)
    assert mark.exists() and check("laion_clap", folder)["version"] == "0.1"

    pins.write_text(PINS.replace("laion_clap==0.1", "laion_clap==0.2"))
    make("laion_clap", pins, out)
    assert not mark.exists() and check("laion_clap", folder)["version"] == "0.2"

    mark.touch()
    (folder / ".made.json").unlink()  # as if it had been killed before the end
    shutil.copytree(folder, folder.with_name(".laion_clap.part"), symlinks=True)
    make("laion_clap", pins, out)
    assert not mark.exists() and not folder.with_name(".laion_clap.part").exists()
    assert check("laion_clap", folder)["version"] == "0.2"


def test_a_package_that_can_t_be_had_or_imported_is_one_message_and_leaves_nothing_that_counts(index, pins, tmp_path):
    out = tmp_path / "envs" / "laion_clap" / RECORD
    pins.write_text(PINS.replace("laion_clap==0.1", "laion_clap==9"))
    with pytest.raises(
        UserError, match=r"pip could not install what .*pins.txt pins for laion_clap: ERROR: .*laion_clap==9"
    ):
        make("laion_clap", pins, out)
    assert not out.exists()
    pins.write_text(PINS.replace("laion_clap==0.1", "laion_clap==0.3"))
    with pytest.raises(
        UserError, match=r"can't import laion_clap: ModuleNotFoundError: No module named 'that_is_not_there'"
    ):
        make("laion_clap", pins, out)
    assert not out.exists()
    with pytest.raises(UserError, match="no environment for laion_clap, or an unfinished one; delete that folder"):
        check("laion_clap", out.parent)


def test_a_package_that_isn_t_known_is_refused(pins, tmp_path):
    for ask in (lambda: make("fadtk", pins, tmp_path / "envs" / RECORD), lambda: check("fadtk", tmp_path)):
        with pytest.raises(
            UserError, match="no package 'fadtk' of metrics; there are frechet_audio_distance, laion_clap"
        ):
            ask()


def test_pins_that_are_missing_or_name_no_torch_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file; it should pin"):
        make("laion_clap", tmp_path / "none.txt", tmp_path / "envs" / RECORD)
    (tmp_path / "some.txt").write_text("numpy==1\n")
    with pytest.raises(UserError, match="should pin torch once"):
        make("laion_clap", tmp_path / "some.txt", tmp_path / "envs" / RECORD)


def test_an_environment_that_is_missing_another_s_or_broken_is_one_message(environment):
    with pytest.raises(UserError, match="no environment for laion_clap"):
        check("laion_clap", environment.with_name("other"))
    with pytest.raises(UserError, match="an environment for laion_clap, not for frechet_audio_distance"):
        check("frechet_audio_distance", environment)
    with pytest.raises(
        UserError, match=r"its Python can't import laion_clap: ModuleNotFoundError.*snakemake .*laion_clap"
    ):
        imported("laion_clap", environment)
    (environment / "bin" / "python").write_text("no program")
    with pytest.raises(UserError, match="can't be started"):
        imported("laion_clap", environment)
    (environment / "bin" / "python").unlink()
    with pytest.raises(UserError, match="its Python is gone"):
        check("laion_clap", environment)
