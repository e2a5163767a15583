"""What the workflow decides about jobs before the first of them."""

import re
from types import SimpleNamespace

import pytest

from ssmttm.planning import evaluations, separate, share_resources


def test_runs_of_the_same_checkpoints_share_a_rule_and_the_most_are_called_evaluate():
    runs = [["0.5", "final"], ["final"], ["0.25", "0.5", "final"], ["0.5", "final"]]
    assert evaluations(runs) == {
        "evaluate": ["0.25", "0.5", "final"],
        "evaluate_0.5_final": ["0.5", "final"],
        "evaluate_final": ["final"],
    }
    assert evaluations([["final"]]) == {"evaluate": ["final"]}


def test_what_is_set_for_the_first_rule_holds_for_all_that_have_nothing_of_their_own():
    settings = SimpleNamespace(
        overwrite_resources={"evaluate": {"gpu": 1}, "evaluate_0.5_final": {"gpu": 2}, "train": {"gpu": 3}},
        overwrite_threads={"train": 8},
    )
    share_resources(settings, ["evaluate", "evaluate_0.5_final", "evaluate_final"])
    assert settings.overwrite_resources == {
        "evaluate": {"gpu": 1},
        "evaluate_0.5_final": {"gpu": 2},
        "evaluate_final": {"gpu": 1},
        "train": {"gpu": 3},
    }
    assert settings.overwrite_threads == {"train": 8}


@pytest.mark.parametrize(
    ("path", "alone"),
    [
        ("runs/a/embeddings/0.5/musicnn.parquet", False),
        ("runs/a/embeddings/0.5/clap_laion.parquet", True),
        ("runs/a/scores/final/clap_laion.json", True),
        ("baselines/v/noise/scores/final/musicnn.json", False),
        ("baselines/v/other/scores/final/musicnn.json", True),
        ("runs/b/scores/final/clap_laion.json", False),
    ],
)
def test_a_job_of_its_own_scores_systems_of_others_and_by_embedders_of_another_environment(path, alone):
    expression = separate(["runs/a", "baselines/v/noise", "baselines/v/other"], ["baselines/v/other"])
    assert bool(re.fullmatch(rf"(?P<system>{expression})/.*", path)) == alone
