"""Designs of one stage and of two, under one budget: scores over seeds, and what sets them apart, paired by caption.

A score of a design is the mean over its seeds. All runs answered the same captions and were scored with the same
resamples, so the mean over seeds is taken caption by caption, or resample by resample; intervals are over captions.
How much training anew changes a score is in the tables `seeds` and `seed_tests`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import pandas as pd

from ssmttm.errors import UserError
from ssmttm.settings import EvaluationSettings
from ssmttm.statistics.bootstrap import mean_interval, shifted_interval
from ssmttm.statistics.paired import holm
from ssmttm.study.differences import difference_of
from ssmttm.study.frames import SCORE, frame_of
from ssmttm.study.scores import Measured, Sample, ScoreFile
from ssmttm.study.trained import Trained
from ssmttm.study_rows import Run, StageScore

GROUP = [*SCORE, "budget_kind", "budget", "checkpoint"]
"""What designs have in common where they are compared."""


@dataclass(frozen=True)
class Staged:
    """A checkpoint of a run with its score files."""

    trained: Trained
    checkpoint: str
    files: list[ScoreFile]
    name: str = ""
    """Of the design; empty for its variant."""

    @property
    def run(self) -> Run:
        """The run as a row."""
        return self.trained.run

    @property
    def budget(self) -> tuple[object, ...]:
        """What designs that are compared with one another have in common."""
        return self.run.budget_kind, self.run.budget, self.checkpoint

    @property
    def place(self) -> tuple[object, ...]:
        """What runs of one design have in common, whatever their seeds."""
        return self.run.variant, self.run.size, self.run.levels, self.run.stages, *self.budget


def stages(scored: Iterable[Staged], evaluation: EvaluationSettings) -> pd.DataFrame:
    """The table `stages`, in the order of `scored`; empty for a study without a run of two stages.

    UserError for scores of other captions.
    """
    points = list(scored)
    if all(point.run.stages == 1 for point in points):
        return frame_of([], "stages")
    designs = list(_designs(points))
    rows = [row for same in designs for row in _rows(same, _single(same, designs), evaluation)]
    table = frame_of(rows, "stages")
    tested = table["p_value"].notna()
    groups = table[tested].groupby([*GROUP, "against"])["p_value"]
    table.loc[tested, "p_adjusted"] = groups.transform(lambda p: holm(p.to_numpy(float)))
    return table


def _designs(points: list[Staged]) -> Iterator[list[Staged]]:
    """The runs of each design at each checkpoint, one for each seed.

    Runs that settings outside of the table set apart, such as a run and its ablation, are designs by their own names.
    """
    found: dict[tuple[object, ...], list[Staged]] = {}
    for point in points:
        found.setdefault(point.place, []).append(point)
    for same in found.values():
        if len({point.run.seed for point in same}) == len(same):
            yield same
        else:
            yield from ([replace(point, name=point.run.system)] for point in same)


def _single(same: list[Staged], designs: list[list[Staged]]) -> list[Staged] | None:
    """The design that makes all levels in one stage under the same budget, that of the same layers if there is one."""
    run, levels = same[0].run, max(design[0].run.levels for design in designs if design[0].run.stages == 2)
    found = [
        design
        for design in designs
        if design[0].run.stages == 1 and design[0].run.levels == levels and design[0].budget == same[0].budget
    ]
    alike = [design for design in found if _layers(design[0].run) == _layers(run)]
    nearest = [*(design for design in alike if design[0].run.size == run.size), *alike, *found]
    return nearest[0] if nearest else None


def _layers(run: Run) -> tuple[str | None, ...]:
    return run.mixer, run.feedforward, run.conditioning


def _rows(same: list[Staged], single: list[Staged] | None, evaluation: EvaluationSettings) -> Iterator[StageScore]:
    """The scores of one design at one checkpoint."""
    first = same[0]
    for place in range(len(first.files)):
        for number in range(len(first.files[place].numbers)):
            own = {point.run.seed: _measured(point, place, number, first) for point in same}
            row = _row(same, own, evaluation)
            if single is not None and single is not same:
                theirs = {point.run.seed: _measured(point, place, number, first) for point in single}
                row = _compared(row, own, theirs, single[0].name or single[0].run.variant, evaluation)
            yield row


def _measured(point: Staged, place: int, number: int, like: Staged) -> Measured:
    file = point.files[place]
    if file.clip_ids != like.files[place].clip_ids:
        raise UserError(
            f"{file.system} and {like.files[place].system} were scored on different captions; score both again"
        )
    return file.numbers[number]


def _row(same: list[Staged], own: dict[int | None, Measured], evaluation: EvaluationSettings) -> StageScore:
    runs, scores = [point.run for point in same], [measured.score for measured in own.values()]
    costs = [point.trained.at(point.checkpoint, score) for point, score in zip(same, scores, strict=True)]
    run, score, flops = runs[0], scores[0], fmean(cost.flops for cost in costs)
    share = [flops_of(one) for one in runs]
    sample = mean_sample([measured.sample for measured in own.values()])
    low, high = (score.low, score.high) if len(own) == 1 else _interval(sample, evaluation)
    seconds = [one.generation_seconds for one in runs]
    return StageScore(
        embedder=score.embedder,
        metric=score.metric,
        reference=score.reference,
        variant=same[0].name or run.variant,
        family=same[0].name or run.family,
        size=run.size,
        budget_kind=run.budget_kind,
        budget=run.budget,
        checkpoint=same[0].checkpoint,
        seeds=len(own),
        stages=run.stages,
        levels=run.levels,
        parameters=run.parameters,
        refiner_parameters=run.refiner_parameters,
        flops=flops,
        language_model_flops=flops * fmean(share),
        refiner_flops=flops * (1 - fmean(share)) if run.stages == 2 else None,
        sampler=run.sampler,
        sampler_steps=run.sampler_steps,
        generation_seconds=fmean(seconds),
        generation_low=min(seconds),
        generation_high=max(seconds),
        value=sample.value,
        low=low,
        high=high,
        n=score.n,
        better=score.better,
        confidence=evaluation["confidence"],
    )


def flops_of(run: Run) -> float:
    """The share of a run's training FLOPs that went into its language model."""
    return run.language_model_flops / (run.language_model_flops + (run.refiner_flops or 0.0))


def mean_sample(samples: Sequence[Sample]) -> Sample:
    """The mean of one number over runs that were scored alike: of each caption, or of each resample."""
    per_clip = [sample.per_clip for sample in samples if sample.per_clip is not None]
    replicates = [sample.replicates for sample in samples if sample.replicates is not None]
    return Sample(
        fmean(sample.value for sample in samples),
        np.mean(per_clip, axis=0) if len(per_clip) == len(samples) else None,
        np.mean(replicates, axis=0) if len(replicates) == len(samples) else None,
    )


def _interval(sample: Sample, evaluation: EvaluationSettings) -> tuple[float | None, float | None]:
    confidence = evaluation["confidence"]
    if sample.per_clip is not None:
        return mean_interval(sample.per_clip, confidence)
    if sample.replicates is not None:
        return shifted_interval(sample.replicates, sample.value, confidence)[:2]
    return None, None


def _compared(
    row: StageScore,
    own: dict[int | None, Measured],
    theirs: dict[int | None, Measured],
    against: str,
    evaluation: EvaluationSettings,
) -> StageScore:
    """The row with its difference from the single stage, over the seeds that both have."""
    seeds = [seed for seed in own if seed in theirs]
    if not seeds:
        return row
    one, other = (mean_sample([measured[seed].sample for seed in seeds]) for measured in (own, theirs))
    found = difference_of(one, other, evaluation["confidence"], evaluation["seed"])
    if found is None:
        return replace(row, against=against)
    return replace(
        row,
        against=against,
        difference=found.difference,
        difference_low=found.low,
        difference_high=found.high,
        p_value=found.p_value,
    )
