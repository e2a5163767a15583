"""Which real clips stand for prompts: others of their tracks, and those whose captions are nearest."""

import numpy as np
import pytest

from ssmttm.errors import UserError
from ssmttm.evaluation.systems.baselines import same_track
from ssmttm.evaluation.systems.nearest import nearest_captions

CLIPS = {f"t{t}@{i}": f"t{t}" for t in range(3) for i in range(4)}


def test_another_clip_of_the_same_track_is_taken_by_seed():
    prompts = {clip: CLIPS[clip] for clip in ("t0@0", "t1@2", "t2@3")}
    found = same_track(prompts, CLIPS, 1)
    assert all(found[clip] != clip and CLIPS[found[clip]] == track for clip, track in prompts.items())
    assert found == same_track(prompts, dict(reversed(CLIPS.items())), 1)
    assert any(same_track(prompts, CLIPS, seed) != found for seed in range(2, 9))


def test_a_track_of_one_clip_gets_one_of_another_prompt():
    found = same_track({"a@0": "a", "t0@0": "t0"}, {**CLIPS, "a@0": "a"}, 1)
    assert found["a@0"] == "t0@0" and CLIPS[found["t0@0"]] == "t0"


def test_the_nearest_caption_is_by_direction_not_by_length():
    known = {"far": np.array([9.0, 0.0]), "near": np.array([0.1, 0.1]), "twin": np.array([1.0, 1.0])}
    assert nearest_captions({"p": np.array([5.0, 4.0])}, known) == {"p": "near"}
    with pytest.raises(UserError, match="no captions"):
        nearest_captions({"p": np.ones(2)}, {})
