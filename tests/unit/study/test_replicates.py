"""Replicates of score files: over the same captions for all systems, or none."""

import numpy as np
import pytest

from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.statistics.bootstrap import percentile_interval, resamples
from ssmttm.statistics.noise import DRAWS
from ssmttm.study.replicates import Replicates
from ssmttm.study.scores import read_scores, score_file

EVALUATION = {"embedders": ["clap"], "metrics": ["frechet"], "bootstrap": 50, "seed": 3}
NUMBER = {"value": 2.0, "low": 1.0, "high": 3.0}
AUDIO = {"clip_s": 10.0, "sample_rate": 24000, "channels": 1}
METRIC = {"better": "lower", "definition": "d", "backend": "b", "interval": "i"}
ENTRY = {**NUMBER, "confidence": 0.95, "n": 3, "windows": 3, "warnings": []}


def system(root, name, clips=("x", "y", "z"), **entry):
    entries = [{"reference": "codec", **ENTRY, **entry}, {"reference": "originals", **ENTRY}]
    scores = {"system": name, "embedder": "clap", "clip_ids": list(clips), **AUDIO}
    scores["metrics"] = {"frechet": {**METRIC, "entries": entries}}
    write_json(score_file(root / name, "final", "clap"), scores)
    return root / name, name, "final"


def read_replicates(systems, evaluation):
    replicates = Replicates(evaluation)
    for folder, name, checkpoint in systems:
        replicates.add(name, checkpoint, read_scores(folder, evaluation, checkpoint))
    return replicates.by_score


def key(name, metric="frechet"):
    return name, "final", "clap", metric, "codec"


def test_means_over_clips_are_drawn_as_their_interval_was(tmp_path):
    found = read_replicates([system(tmp_path, "a", per_clip=[1.0, 2.0, 3.0])], EVALUATION)
    drawn = np.array([1.0, 2.0, 3.0])[resamples(3, 50, 3)].mean(axis=1)
    assert (found[key("a")] == drawn).all()
    assert percentile_interval(found[key("a")], 0.95) == percentile_interval(drawn, 0.95)


def test_numbers_beside_a_score_have_their_own_and_others_none(tmp_path):
    also = [{"metric": "recall", **NUMBER, "replicates": list(range(50))}, {"metric": "precision", **NUMBER}]
    found = read_replicates([system(tmp_path, "a", also=also)], EVALUATION)
    assert set(found) == {key("a", "recall")}
    assert (found[key("a", "recall")] == np.arange(50)).all()


def test_a_system_with_other_captions_is_not_paired(tmp_path):
    same, other = ({"clips": clips, "per_clip": [1.0, 2.0, 3.0]} for clips in ("xyz", "xyw"))
    systems = [system(tmp_path, name, **more) for name, more in (("a", same), ("b", other), ("c", same))]
    assert set(read_replicates(systems, EVALUATION)) == {key("a"), key("c")}


def test_only_so_many_draws_are_kept_and_another_number_of_them_is_refused(tmp_path):
    many = EVALUATION | {"bootstrap": 3 * DRAWS}
    systems = [system(tmp_path, "a", per_clip=[1.0, 2.0, 3.0]), system(tmp_path, "b", replicates=[1.0] * 3 * DRAWS)]
    assert {len(drawn) for drawn in read_replicates(systems, many).values()} == {DRAWS}
    with pytest.raises(UserError, match=r"clap\.json: frechet has 600 resamples, but evaluation\.bootstrap is 50"):
        read_replicates(systems, EVALUATION)
