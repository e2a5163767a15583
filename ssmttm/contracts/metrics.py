"""The contract of a metric (`ssmttm.evaluation.metric`)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ssmttm.choices import needs_of
from ssmttm.contracts.holding import hold
from ssmttm.evaluation.clipset import Audio, ClipSet
from ssmttm.evaluation.metric import Score, Settings, evaluate, load_metric
from ssmttm.pretrained.musicnn import TAGS

CLIPS, WINDOWS, DIM, RESAMPLES = 24, 5, 6, 50
SETTINGS = Settings(bootstrap=RESAMPLES, confidence=0.95, seed=3, training_clips=100)
REFERENCES = ("originals", "codec", "training")
WORDS = ("slow piano", "fast drums", "quiet strings", "loud guitar")


class Subject(NamedTuple):
    """A metric's module, and clips of a system and of its reference."""

    name: str
    module: ModuleType
    system: ClipSet
    reference: ClipSet

    def score(self, system: ClipSet | None = None, settings: Settings = SETTINGS) -> Score:
        """Of `system`, or of the one that is here."""
        return evaluate(self.name, system or self.system, self.reference, settings)


def subject(name: str, settings: Mapping[str, Any], folder: Path) -> Subject:
    """The metric `name` with what it needs of an embedder; `settings` may have `clips`, their number."""
    module, needs = load_metric(name), needs_of(name)
    reference, system = (_clips(needs, seed, settings.get("clips", CLIPS)) for seed in (1, 2))
    return Subject(name, module, replace(system, name="system"), replace(reference, name="reference"))


def _clips(needs: str | None, seed: int, count: int) -> ClipSet:
    rng = np.random.default_rng(seed)
    windows = rng.normal(size=(count, 1, DIM)) + 0.5 * rng.normal(size=(count, WINDOWS, DIM)) + 0.2 * seed
    classes = len(TAGS) if needs == "tags" else 8
    texts = rng.normal(size=(count, DIM))
    return ClipSet(
        "clips",
        tuple(f"track{i // 2:02}@{i}" for i in range(count)),
        tuple(f"{WORDS[i % 4]} number {i}" for i in range(count)),
        tuple(windows),
        rng.uniform(0.01, 0.9, size=(count, classes)) if needs in ("classes", "tags") else np.zeros((count, 0)),
        "contract:0123456789ab",
        "sigmoid" if needs in ("classes", "tags") else "none",
        texts / np.linalg.norm(texts, axis=1, keepdims=True) if needs == "texts" else None,
        (Audio(10.0, 24000, 1),) * count,
    )


def test_it_says_what_it_is(subject: Subject) -> None:
    """`BETTER`, `DEFINITION`, `INTERVAL` and, where it has them, `REFERENCES`."""
    module = subject.module
    hold(module.BETTER in ("lower", "higher"), f"BETTER is {module.BETTER!r}; it should be lower or higher")
    hold(isinstance(module.DEFINITION, str) and bool(module.DEFINITION), f"DEFINITION is {module.DEFINITION!r}")
    interval = module.INTERVAL
    hold(interval is None or (isinstance(interval, str) and bool(interval)), f"INTERVAL is {interval!r}")
    unknown = set(getattr(module, "REFERENCES", REFERENCES)) - set(REFERENCES)
    hold(not unknown, f"REFERENCES has {sorted(unknown)}; there are {', '.join(REFERENCES)}")


def test_a_score_is_a_number_with_its_interval(subject: Subject) -> None:
    """A finite value, with both ends of its interval around it or neither, as `INTERVAL` says, and its warnings."""
    score = subject.score()
    for one in (score, *score.get("also", [])):
        value, low, high = one["value"], one["low"], one["high"]
        hold(bool(np.isfinite(value)), f"the value is {value}")
        hold((low is None) == (high is None), f"the interval goes from {low} to {high}")
        if low is not None and high is not None:
            hold(low <= high and bool(np.isfinite([low, high]).all()), f"the interval goes from {low} to {high}")
    if subject.module.INTERVAL is None:
        hold(score["low"] is None, "INTERVAL says that it has none, and it has one")
    elif score["low"] is not None and score["high"] is not None:
        hold(score["low"] <= score["value"] <= score["high"], f"{score['value']} is outside of its interval")
    hold(
        isinstance(score.get("warnings"), list),
        f"its warnings are {score.get('warnings')!r}; write [] where there are none",
    )


def test_what_it_was_made_of_is_there(subject: Subject) -> None:
    """`per_clip`, whose mean is the value, or `replicates`, one for each resample: tests between systems take them."""
    score = subject.score()
    clips = len(subject.system.clip_ids)
    if "per_clip" in score:
        hold(score["per_clip"].shape == (clips,), f"per_clip is {score['per_clip'].shape} of {clips} clips")
    if "replicates" in score:
        shape = score["replicates"].shape
        hold(shape == (RESAMPLES,), f"replicates are {shape} of {RESAMPLES} resamples")
    if subject.module.INTERVAL is not None:
        hold("per_clip" in score or "replicates" in score, "it has an interval, and neither per_clip nor replicates")


def test_a_score_can_be_written(subject: Subject) -> None:
    """All of it but its arrays is what JSON takes, with no key that a score doesn't have."""
    unknown = set(subject.score()) - set(Score.__annotations__) - {"value", "low", "high"}
    hold(not unknown, f"a score has no {', '.join(sorted(unknown))}: see ssmttm.evaluation.metric.Score")
    plain = {key: part for key, part in subject.score().items() if key != "also" and not isinstance(part, np.ndarray)}
    json.dumps(plain, allow_nan=False)


def test_the_same_clips_give_the_same_score(subject: Subject) -> None:
    """Computed again it is the same, and the clips are as they were."""
    before = [window.copy() for window in subject.system.windows]
    once, again = subject.score(), subject.score()
    for key in ("value", "low", "high"):
        hold(once[key] == again[key], f"{key} is {once[key]} and then {again[key]}")
    for window, kept in zip(subject.system.windows, before, strict=True):
        np.testing.assert_array_equal(window, kept)


def test_a_score_depends_on_the_clips(subject: Subject) -> None:
    """Of a few sets of clips, not all have one score."""
    other = _clips(needs_of(subject.name), 5, len(subject.system.clip_ids))
    moved = replace(other, name="other", windows=tuple(3 * window + 1 for window in other.windows))
    texts = replace(other, texts=None if other.texts is None else -other.texts, name="another")
    found = {subject.score(clips)["value"] for clips in (subject.system, subject.reference, moved, texts)}
    hold(len(found) > 1, f"four sets of clips have one score, {found}")


def test_resamples_change_no_value(subject: Subject) -> None:
    """The value is of the clips; only the interval may depend on how many resamples are drawn."""
    one, two = subject.score(), subject.score(settings=replace(SETTINGS, bootstrap=RESAMPLES + 10))
    hold(one["value"] == two["value"], f"{one['value']} with {RESAMPLES} resamples, and {two['value']} with more")
