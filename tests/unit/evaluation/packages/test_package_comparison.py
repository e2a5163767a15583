"""What can't be set beside ours is refused with one message. The numbers themselves: tests/reference."""

import ast
import sys
from pathlib import Path

import pytest
import scored_systems
import torch
from tiny_embedders import vggish

from ssmttm.choices import PACKAGES
from ssmttm.errors import UserError
from ssmttm.evaluation.packages import comparison, driver
from ssmttm.evaluation.packages.environment import RECORD
from ssmttm.files import read_json, write_json

NAME = "frechet_audio_distance"


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """Systems with our scores by a tiny VGGish, and its weights."""
    folder = tmp_path_factory.mktemp("study")
    systems, weights = scored_systems.make_audio(folder, count=3), vggish(folder)
    scored_systems.score(systems, "vggish", {"vggish": str(weights)}, folder / "cache")
    return systems, weights


@pytest.fixture
def ask(studied, environment, tmp_path):
    """Asks the package for the systems' numbers by VGGish."""
    systems, weights = studied
    write_json(environment / RECORD, read_json(environment / RECORD) | {"package": NAME})

    def run(model=weights, **changed):
        settings = {"environment": environment, "references": systems["codec"].parent, "cache": tmp_path / "cache"}
        package = comparison.Package(NAME, threads=1, seed=1, **(settings | changed))
        return package.compare(["vggish"], {"vggish": str(model)} if model else {}, list(systems.values()))

    return run


def test_missing_weights_are_one_message(ask, tmp_path):
    with pytest.raises(
        UserError, match=r"evaluation.models.vggish: names no weights; give the path of vggish-10086976"
    ):
        ask(model=None)
    with pytest.raises(UserError, match=r"none.pth: no such file"):
        ask(model=tmp_path / "none.pth")
    with pytest.raises(UserError, match="reads a file of weights, no folder"):
        ask(model=tmp_path)


def test_weights_that_changed_since_our_scores_are_refused(ask, tmp_path):
    with pytest.raises(UserError, match="the weights were changed since; run Snakemake"):
        ask(model=vggish(tmp_path, seed=5))


def test_a_missing_environment_is_one_message(ask, tmp_path):
    with pytest.raises(UserError, match="no environment for frechet_audio_distance, or an unfinished one; delete"):
        ask(environment=tmp_path / "none")


def test_an_environment_without_the_package_is_one_message(ask):
    with pytest.raises(UserError, match=r"frechet_audio_distance in .*: ModuleNotFoundError: No module named"):
        ask()


def test_a_system_without_our_score_is_named(ask, studied):
    path = studied[0]["run"] / "scores" / "final" / "vggish.json"
    kept = path.read_text()
    path.write_text('{"metrics": {}}')
    try:
        with pytest.raises(UserError, match=r"run/scores/final/vggish.json: has no frechet; score the system again"):
            ask()
    finally:
        path.write_text(kept)


@pytest.mark.parametrize("theirs", [float("nan"), None, "1.0", {}])
def test_an_answer_that_is_no_number_is_refused(theirs):
    ours = {"run": {"originals": (1.0, 3), "codec": (2.0, 3)}}
    with pytest.raises(UserError, match="no number"):
        comparison._numbers(NAME, "vggish", "frechet", {"scores": {"run": {"codec": theirs}}}, ours)
    with pytest.raises(UserError, match="says nothing of run"):
        comparison._numbers(NAME, "vggish", "frechet", {"scores": {}}, ours)


def test_the_difference_is_theirs_less_ours():
    ours = {"run": {"originals": (1.0, 3), "codec": (2.0, 3)}}
    (row,) = comparison._numbers(NAME, "vggish", "frechet", {"scores": {"run": {"codec": 2.5}}}, ours)
    assert (row["theirs"], row["ours"], row["difference"], row["n"]) == (2.5, 2.0, 0.5, 3)


def test_every_package_has_a_way_to_be_asked_and_remarks_on_all_its_embedders():
    assert set(driver.PACKAGES) == set(PACKAGES)
    assert {name: set(by) for name, by in PACKAGES.items()} == {n: set(by) for n, by in comparison.REMARKS.items()}


def test_the_driver_needs_nothing_of_ours():
    tree = ast.parse(Path(driver.__file__).read_text(encoding="utf-8"))
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_layers_take_the_shape_of_the_weights_and_other_networks_are_refused():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.Linear(8, 4))
    thin = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 3))
    state = {name: torch.rand_like(t) if t.is_floating_point() else t for name, t in thin.state_dict().items()}
    filled = driver.fill(network, state)
    assert all(torch.equal(tensor, state[name]) for name, tensor in filled.state_dict().items())
    assert filled[0].padding == (1, 1)
    with pytest.raises(ValueError, match=r"another network: missing \['2.bias'\], not known \['other'\]"):
        driver.fill(network, {name: t for name, t in state.items() if name != "2.bias"} | {"other": torch.ones(1)})
