"""Settings as types: the sections of a config that the code reads by key, and what a run and a stage depend on.

workflow/schemas/config.schema.yaml says what each of them means, and which values it may have.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

Section = Mapping[str, Any]
"""Settings that one room alone takes apart: a source's, an embedder's."""


class ClipSettings(TypedDict):
    """`data.clips`."""

    seconds: float
    sample_rate: int
    loudness_lufs: float
    silence_lufs: float
    max_track_seconds: float
    per_track: NotRequired[int | None]


class Least(TypedDict, total=False):
    """How much a split has to have."""

    artists: int
    tracks: int


class SplitSettings(TypedDict):
    """`data.split`, and `vocoder.split`: shares of artists, and of the tracks by artists in train."""

    seed: int
    validation: float
    test: float
    known: NotRequired[float]
    tuning: NotRequired[float]
    least: NotRequired[Mapping[str, Least]]
    """By split."""
    held_out: NotRequired[Mapping[str, list[str]]]
    """Artists by split, validation or test."""


Analyzer = Literal["essentia", "librosa"]
"""What listens to clips for their captions."""


class CaptionSettings(TypedDict):
    """`data.captions`."""

    tags: int
    tag_threshold: float
    style: Literal["tags", "sentence", "paragraph", "mixed"]
    rewrite: Section | None
    analyzer: NotRequired[Analyzer]
    """essentia unless it is given."""


class CodecSettings(TypedDict):
    """`data.codec`."""

    name: str
    codebooks: int
    codebook_size: int
    model: NotRequired[str]


class TextSettings(TypedDict):
    """`data.text`."""

    encoder: str
    max_tokens: int
    model: NotRequired[str]


class DataSettings(TypedDict):
    """`data`: everything that a data set depends on."""

    version: str
    seed: int
    shards: int
    sources: Mapping[str, Section]
    fetch: Section
    license: Section
    clips: ClipSettings
    vocals: Section
    duplicates: Mapping[str, float]
    split: SplitSettings
    captions: CaptionSettings
    codec: CodecSettings
    text: TextSettings


class ModelSettings(TypedDict):
    """`model`, with the layers of one run's size."""

    d_model: int
    d_state: int
    d_conv: int
    expand: int
    head_dim: int
    chunk: int
    attention_heads: int
    feedforward_factor: int
    dropout: float
    final_norm: bool
    codebooks: int
    positions: Literal["sinusoidal", "rotary"]
    qk_norm: bool
    layers: int


class Budget(TypedDict, total=False):
    """Exactly one of these."""

    iterations: int
    flops: float
    gpu_hours: float


class TrainingSettings(TypedDict):
    """`training`."""

    batch_size: int
    micro_batch: int | Literal["auto"]
    learning_rate: float
    minimum_learning_rate: float
    warmup_steps: int
    schedule: Literal["cosine", "wsd"]
    decay: float
    betas: list[float]
    epsilon: float
    weight_decay: float
    gradient_clip: float
    label_smoothing: float
    caption_dropout: float
    word_dropout: float
    ema_decay: float
    validations: int
    validation_clips: int
    state_every: int
    checkpoints: list[float]
    precision: Literal["fp32", "bf16"]
    activation_checkpointing: bool | Literal["auto"]
    compile: bool
    processes: int
    threads: int
    logger: NotRequired[Literal["tensorboard", "wandb", "trackio"]]
    """In the config alone: it changes nothing that is trained, so specs don't have it."""


class Logging(NamedTuple):
    """Where a curve is watched while a model is trained: beside its spec, for it changes nothing that is trained."""

    logger: str | None = None
    project: str = "ssmttm"
    """The name of the study, which loggers call a project."""

    @property
    def options(self) -> str:
        """The same as options of a command; nothing if no logger is named."""
        return f"--logger {self.logger} --project {self.project}" if self.logger else ""


class Granted(NamedTuple):
    """What a cluster grants a training beside its spec; it changes nothing that is trained."""

    gpus: int = 0
    """More than one: as many processes, one on each, instead of `training.processes`."""
    nodes: int = 1
    """Machines that the processes are spread over evenly; more than one within a job of SLURM only."""

    @property
    def options(self) -> str:
        """The same as options of a command."""
        return f"--gpus {self.gpus} --nodes {self.nodes}"


class RefinerSettings(TypedDict):
    """`refiner`, with what an entry of `refiners` says instead: a second stage, which refines levels 2 to `levels`."""

    backbone: str
    objective: Literal["diffusion", "flow", "masked"]
    levels: int
    d_model: int
    layers: int
    d_state: int
    d_conv: int
    expand: int
    head_dim: int
    chunk: int
    attention_heads: int
    feedforward_factor: int
    dropout: float
    jitter: float
    window: int
    """Frames of a crop in training, and of a window in sampling."""
    overlap: int
    """Frames that two windows have in common."""


class VocoderSettings(TypedDict):
    """What `vocoder` says of the networks, of examples and of the loss."""

    width: int
    inner: int
    layers: int
    projections: int
    dither: float
    crop: int
    levels: list[float]
    judged: int
    adversarial_from: int
    weights: Mapping[str, float]


class GenerationSettings(TypedDict):
    """`generation`."""

    prompts: int
    temperature: float
    top_k: int
    guidance: float
    seed: int
    sampler: Literal["ddim", "dpm", "euler"]
    sampler_steps: int
    refiner_guidance: float
    snap: bool
    vocoder: str


class EvaluationSettings(TypedDict):
    """`evaluation`."""

    embedders: list[str]
    models: Section
    metrics: list[str]
    packages: list[str]
    checkpoints: list[float]
    training_clips: int
    codec_clips: int
    published: bool
    bootstrap: int
    confidence: float
    seed: int
    prompts: Section
    systems: Mapping[str, Section]
    musicgen: Section | None


class TuningSettings(TypedDict):
    """`tuning`: which learning rates are tried for each design."""

    rates: list[float]
    seeds: list[int]
    budget: str | None


class Config(TypedDict):
    """A whole config, validated."""

    title: str
    runs: str
    rates: str | None
    tuning: TuningSettings
    study: NotRequired[str | None]
    studies: list[str]
    data: DataSettings
    variants: Mapping[str, Section]
    model: ModelSettings
    sizes: Mapping[str, Section]
    budgets: Mapping[str, Budget]
    training: TrainingSettings
    refiner: Section
    refiners: Mapping[str, Section]
    vocoder: Section
    generation: GenerationSettings
    evaluation: EvaluationSettings
    report: Section


class VariantSpec(TypedDict):
    """A line of `variants`; the layers whose mixer is attention as numbers, from 1."""

    name: str
    mixer: str
    feedforward: str
    conditioning: str
    attention_layers: list[int]


class RunData(TypedDict):
    """What a run depends on of `data`."""

    version: str
    seconds: float
    sample_rate: int
    codec: CodecSettings
    text: TextSettings


class RunSpec(TypedDict):
    """Everything that one trained model depends on."""

    variant: VariantSpec
    model: ModelSettings
    budget: Budget
    training: TrainingSettings
    data: RunData
    seed: int


class RefinerSpec(TypedDict):
    """Everything that one trained refiner depends on."""

    refiner: RefinerSettings
    budget: Budget
    training: TrainingSettings
    data: RunData
    seed: int


class VocoderData(TypedDict):
    """What a vocoder depends on of `data`."""

    version: str
    sample_rate: int
    codec: CodecSettings


class VocoderSpec(TypedDict):
    """Everything that one trained vocoder depends on."""

    vocoder: VocoderSettings
    split: SplitSettings
    budget: Budget
    training: TrainingSettings
    data: VocoderData
    seed: int


class Run(TypedDict):
    """A row of the run table, with the specs that follow from it."""

    study: str
    variant: str
    size: str
    budget: str
    seed: int
    overrides: str
    refiner: str
    """An entry of `refiners`; empty for a single stage."""
    language_model: str
    """The row whose language model this run has; empty for one of its own."""
    spec: RunSpec
    """Of the language model."""
    generation: GenerationSettings


class JudgingSpec(TypedDict):
    """How audio is embedded and scored: by which embedders, and what the stages `embed` and `score` take."""

    embedders: list[str]
    embed: "StageSpec"
    score: "StageSpec"


class EvaluateSpec(JudgingSpec):
    """Everything that the evaluation of one run depends on, beside its models and the data set."""

    generation: GenerationSettings
    likelihood: "StageSpec"


class BaselinesSpec(JudgingSpec):
    """Everything that the baselines depend on, beside the data set."""

    baseline: "StageSpec"


class CodeModelsSpec(JudgingSpec):
    """Everything that trivial models of codes depend on, beside a refiner and the data set."""

    trivial: "StageSpec"
    likelihood: "StageSpec"


class StageSpec(DataSettings):
    """What a stage takes from the config: those of these keys that `ssmttm.spec` names for it."""

    prompts: int
    vocoder: str
    set: Section
    system: Section
    musicgen: Section | None
    models: Section
    metrics: list[str]
    embedders: list[str]
    training_clips: int
    codec_clips: int
    model: ModelSettings
    bootstrap: int
    confidence: float
    title: str
    data: DataSettings
    generation: GenerationSettings
    evaluation: EvaluationSettings
    report: Section
