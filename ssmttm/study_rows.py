"""The rows of a study's tables as types, which are also CSV files beside its figures; columns in the fields' order.

A number that there is not is None in a row, and missing in a table.
"""

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What makes scores comparable: no fit, mean or test mixes scores of several kinds."""

    embedder: str
    metric: str
    reference: str

    @property
    def key(self) -> tuple[str, str, str]:
        """The three of them."""
        return self.embedder, self.metric, self.reference


@dataclass(frozen=True, kw_only=True)
class Design(Kind):
    """What a curve of scores is of: a variant at one size, by one kind of score."""

    variant: str
    size: str


@dataclass(frozen=True, kw_only=True)
class Score(Kind):
    """A number of a score file, with its interval and how it was made."""

    value: float
    low: float | None = None
    high: float | None = None
    bias: float | None = None
    """Mean excess of the resamples over the value, by which the interval was moved."""
    n: int
    """Clips that were scored."""
    clip_s: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    definition: str
    slope: float | None = None
    """Of the line behind an extrapolated distance, as `r_squared`."""
    r_squared: float | None = None
    confidence: float
    windows: int | None = None
    better: Better
    backend: str
    interval: str
    """How the interval was made."""
    warnings: str = ""
    """Joined by `; `."""


@dataclass(frozen=True, kw_only=True)
class System:
    """Whatever is scored: a run with its design, budget and costs, or a system of which little is known."""

    system: str
    kind: Literal["run", "baseline", "external"]
    variant: str | None = None
    mixer: str | None = None
    feedforward: str | None = None
    conditioning: str | None = None
    size: str | None = None
    layers: int | None = None
    d_model: int | None = None
    budget_kind: str | None = None
    budget: float | None = None
    seed: int | None = None
    parameters: int | None = None
    steps: int | None = None
    tokens: int | None = None
    flops_per_step: float | None = None
    flops_planned: float | None = None
    flops_spent: float | None = None
    seconds: float | None = None
    test_loss: float | None = None
    test_clips: int | None = None
    core_parameters: int | None = None
    """Outside embeddings and heads; None where the manifest doesn't count those separately."""
    clips_seen: int | None = None
    gpu_hours: float | None = None
    final_loss: float | None = None
    final_validation_loss: float | None = None
    family: str | None = None
    """The variant, less how many steps its refiner takes."""
    stages: int | None = None
    """1, or 2 with a refiner: parameters, steps, tokens, clips, FLOPs and time are then those of both together."""
    codebooks: int | None = None
    """Levels that the language model makes."""
    levels: int | None = None
    """Levels that are heard."""
    backbone: str | None = None
    objective: str | None = None
    sampler: str | None = None
    sampler_steps: int | None = None
    refiner_parameters: int | None = None
    refiner_flops: float | None = None
    language_model_flops: float | None = None
    generation_seconds: float | None = None
    """For a second of audio, with so many threads."""
    generation_threads: int | None = None
    hours: float | None = None
    """Of music that an external system was trained on, as others state it."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run(System):
    """A system that was trained here, of which all this is known."""

    variant: str
    family: str
    stages: int
    codebooks: int
    levels: int
    language_model_flops: float
    generation_seconds: float
    size: str
    budget_kind: str
    budget: float
    parameters: int
    clips_seen: int


@dataclass(frozen=True, kw_only=True)
class SystemScore(Score, System):
    """A row of `comparison`: a final score of a system."""

    study: str
    ranks_real: bool | None = None
    """Whether scores of this kind tell real music from drawn codes (`ssmttm.study.ranking`); None where that is not
    known. Scores that don't take no part in verdicts."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint of a run, and what it had cost."""

    run: str
    variant: str | None
    size: str
    seed: int | None = None
    budget_kind: str
    budget: float
    parameters: int
    checkpoint: str
    """A fraction of the run, or final."""
    steps: int
    clips_seen: int
    tokens: int
    flops: float
    seconds: float | None = None
    gpu_hours: float | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointScore(Kind, Checkpoint):
    """A row of `progress`: a score of a run's checkpoint, or a published one."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    better: Better
    slope: float | None = None
    r_squared: float | None = None
    error: float | None = None
    """Of reading or rounding a published score."""
    source: str | None = None
    how: str | None = None


@dataclass(frozen=True, kw_only=True)
class Difference(Kind):
    """A row of `differences`: run `a` less run `b` under one budget, paired by caption."""

    budget_kind: str
    budget: float
    a: str
    b: str
    difference: float
    low: float
    high: float
    p_value: float
    confidence: float
    n: int
    better: Better
    p_adjusted: float | None = None


@dataclass(frozen=True, kw_only=True)
class StageScore(Kind):
    """A row of `stages`: a design at a checkpoint, over its seeds, beside the single stage under the same budget."""

    variant: str
    family: str
    size: str
    budget_kind: str
    budget: float
    checkpoint: str
    seeds: int
    stages: int
    levels: int
    parameters: int
    refiner_parameters: int | None = None
    flops: float
    language_model_flops: float
    refiner_flops: float | None = None
    sampler: str | None = None
    sampler_steps: int | None = None
    generation_seconds: float
    """For a second of audio, with the finished models: the mean over seeds, and the least and greatest."""
    generation_low: float
    generation_high: float
    value: float
    """Mean over seeds; its interval is over captions."""
    low: float | None = None
    high: float | None = None
    n: int
    better: Better
    against: str | None = None
    """The single stage that predicts all levels, under the same budget; None where there is none, or for itself."""
    difference: float | None = None
    """Less the single stage's score, over the seeds that both have, paired by caption."""
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    """Holm's, over the designs that are compared with one single stage by one kind of score at one checkpoint."""
    confidence: float


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """A row of `curves`: a run at one of its optimizer steps."""

    run: str
    step: int
    tokens: int
    flops: float
    seconds: float
    loss: float
    validation_loss: float | None = None
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class Fit(Kind):
    """A row of `fits`: the power law of a design's scores against a cost; without numbers where `note` says why."""

    variant: str
    cost: str
    limit: float | None = None
    limit_low: float | None = None
    limit_high: float | None = None
    scale: float | None = None
    exponent: float | None = None
    exponent_low: float | None = None
    exponent_high: float | None = None
    points: int
    r2: float | None = None
    note: str
    size: str


@dataclass(frozen=True, kw_only=True)
class FitPoint(Design):
    """A row of `fit_curves`: a fitted curve at one cost."""

    cost: str
    at: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Reach(Kind):
    """A row of `reach`: the cost at which a design's score is the target's, and its share of the target's own."""

    variant: str
    target: str
    target_value: float
    cost: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    """None also where it is infinite."""
    note: str
    target_cost: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    size: str


@dataclass(frozen=True, kw_only=True)
class SizeScore(Kind):
    """A row of `scaling`: a design's score at one of its sizes, over all seeds."""

    variant: str
    basis: str
    size: str
    parameters: int
    seeds: int
    value: float
    low: float | None
    high: float | None
    budget: float
    fraction: float
    """Of the largest size's parameters."""
    core_parameters: int | None = None
    core_fraction: float | None = None
    interval: Literal["seeds", "captions"]
    better: Better


@dataclass(frozen=True, kw_only=True)
class SmallerSize(Kind):
    """A row of `scaling_summary`: what a design's score loses with fewer parameters."""

    variant: str
    basis: str
    budget: float
    sizes: int
    slope: float | None = None
    """Change of the score with each halving of the parameters."""
    slope_low: float | None = None
    slope_high: float | None = None
    slope_note: str
    smaller: str
    """The size that stands for a fourth of the largest, whose score is taken off."""
    fraction: float
    core_fraction: float | None = None
    difference: float
    low: float | None
    high: float | None
    seeds: int
    paired: Literal["by seed", "by caption", "no"]
    better: Better


@dataclass(frozen=True, kw_only=True)
class DesignMean(Kind):
    """A row of `seeds`: a design's mean over seeds."""

    budget_kind: str
    budget: float
    size: str
    variant: str
    seeds: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class DesignTest(Kind):
    """A row of `seed_tests`: design `a` less design `b` over the seeds that both were trained with."""

    budget_kind: str
    budget: float
    size: str
    a: str
    b: str
    difference: float
    low: float
    high: float
    p_value: float
    seeds: int
    p_adjusted: float


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A row of `losses`: a system's loss on the clips of one split, in nats per token of level 1.

    Intervals are over tracks within artists. A gain is a loss under other conditions, less that under the clip's own
    caption: positive where the caption helps. `over_bigram` is the loss of counted pairs of codes, less the system's.
    """

    system: str
    kind: Literal["run", "trivial"]
    variant: str | None = None
    mixer: str | None = None
    feedforward: str | None = None
    conditioning: str | None = None
    size: str | None = None
    stages: int | None = None
    seed: int | None = None
    budget_kind: str | None = None
    budget: float | None = None
    flops: float | None = None
    steps: int | None = None
    seconds: float | None = None
    split: str
    """`test`, of new artists, or `known`, held-out tracks of artists in training."""
    loss: float
    low: float | None = None
    high: float | None = None
    clips: int
    tracks: int
    artists: int
    other_gain: float | None = None
    """Under another clip's caption."""
    other_gain_low: float | None = None
    other_gain_high: float | None = None
    null_gain: float | None = None
    """Without a caption."""
    null_gain_low: float | None = None
    null_gain_high: float | None = None
    over_bigram: float | None = None
    over_bigram_low: float | None = None
    over_bigram_high: float | None = None
    levels: int | None = None
    """That the system predicts; None for one that stops at level 1."""
    all_levels: float | None = None
    """Its loss over all of them."""


@dataclass(frozen=True, kw_only=True)
class LossPair:
    """A row of `loss_pairs`: two designs that a question sets against each other, paired by clip and seed."""

    question: str
    """`mixer`, `conditioning`, `stages` or `size`; `twins` of what two designs give up with their size: `a` and `b` are
    then the state-space model and its Transformer twin, and the difference is what `b` gives up less what `a` does."""
    a: str
    b: str
    """Designs; where the question is of size, of the same design, `a` is the larger."""
    size: str | None = None
    budget_kind: str | None = None
    budget: float | None = None
    split: str
    seeds: int
    difference: float
    """Loss of `b` less that of `a`: positive where `a` is better."""
    low: float
    high: float
    p: float
    adjusted: float
    """Holm's, over the pairs of one question of one size, under one budget."""
    verdict: Literal["a is better", "b is better", "not told apart"]


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """A row of `efficiency`: how many times less `a` needs until its loss is that with which `b` ends."""

    a: str
    b: str
    unit: Literal["flops", "steps", "seconds"]
    times: float | None = None
    low: float | None = None
    """None also where nothing bounds it, as `high`."""
    high: float | None = None
    note: str
    """How it was found, or why there is none."""
    size: str
    split: str
    seeds: int
    target: float
    """The loss that is to be reached."""


STUDY_ROWS: dict[str, type] = {
    "comparison": SystemScore,
    "progress": CheckpointScore,
    "differences": Difference,
    "stages": StageScore,
    "curves": CurvePoint,
    "fits": Fit,
    "fit_curves": FitPoint,
    "reach": Reach,
    "scaling": SizeScore,
    "scaling_summary": SmallerSize,
    "seeds": DesignMean,
    "seed_tests": DesignTest,
    "losses": Loss,
    "loss_pairs": LossPair,
    "efficiency": Efficiency,
}
"""The type of each table's rows."""

FIRST = ("study", "system", "kind", "embedder", "metric", "reference", "value", "low", "high", "bias", "n")
"""The first columns of `comparison`."""

OPTIONAL = {"comparison": ("hours", "note"), "progress": ("error", "source", "how")}
"""Columns at the end of a table that it has only if one of its rows does."""
