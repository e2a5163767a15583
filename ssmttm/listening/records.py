"""What the files of a listening test hold: the public part in its page, its key, answers, and results."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from ssmttm.statistics.crossed import Bounds


class Item(TypedDict):
    """A trial as the page knows it: one clip to rate (kind `mos`), or two to compare (`preference`)."""

    kind: str
    caption: str
    clips: list[str]
    instruction: NotRequired[str]
    apart: NotRequired[str]
    """An item that the page keeps away from this one."""


class Public(TypedDict):
    """All that participants can see: opaque names and captions."""

    format: int
    id: str
    title: str
    heard: float
    questions: Sequence[Mapping[str, object]]
    volume: str
    items: dict[str, Item]
    sheets: dict[str, list[list[str]]]
    credits: NotRequired[list[str]]


class Clip(TypedDict):
    """Whose a clip is, and how loud its audio was before it got its gain; None for silence."""

    system: str
    clip_id: str
    loudness_lufs: NotRequired[float | None]
    gain_db: NotRequired[float]


class Trial(TypedDict):
    """The secret part of an item: `role` is `mos`, `preference` or a check, which has a right answer."""

    role: str
    clip_id: str
    system: NotRequired[str]
    systems: NotRequired[list[str]]
    of: NotRequired[str]
    expects: NotRequired[int | str]
    refused: NotRequired[str]


class Key(TypedDict):
    """The file that says which clip is whose."""

    format: int
    study: str
    salt: str
    seed: int
    level_lufs: float
    sample_rate: int
    public: Public
    items: dict[str, Trial]
    clips: dict[str, Clip]


class Answer(TypedDict):
    """What a participant said of an item: `ratings` of one clip, or the `choice` among two."""

    item: str
    clips: list[str]
    heard: list[float]
    seconds: float
    ratings: NotRequired[dict[str, int]]
    choice: NotRequired[str]


class Answers(TypedDict):
    """One participant's file."""

    format: int
    test: str
    participant: str
    session: str
    sheets: dict[str, int]
    started: str
    ended: str
    answers: list[Answer]


class Counts(TypedDict):
    """What a row rests on."""

    answers: int
    participants: int
    captions: int


class MeanRow(Bounds, Counts):
    """A system's mean opinion score."""

    system: str
    question: str
    mean: float


class DifferenceRow(Bounds):
    """By how much `a` scores better than `b`."""

    question: str
    a: str
    b: str
    difference: float


class PreferenceRow(Bounds, Counts):
    """How often `a` is preferred to `b`; ties count half in `win_rate` and not at all in the p-values."""

    a: str
    b: str
    win_rate: float
    wins: int
    losses: int
    ties: int
    p_answers: float
    p_participants: float
    p_holm: float


class RankRow(Bounds):
    """A system's Bradley-Terry strength."""

    system: str
    strength: float


class AgreementRow(TypedDict):
    """Krippendorff's alpha of one question, over the trials with two answers and more; a note where there is none."""

    question: str
    level: str
    alpha: float | None
    trials: int
    note: str | None


class Tables(TypedDict):
    """All that answers say."""

    mos: list[MeanRow]
    differences: list[DifferenceRow]
    preference: list[PreferenceRow]
    ranking: list[RankRow]
    agreement: list[AgreementRow]
    warnings: list[str]


class Excluded(TypedDict):
    """A participant whose answers don't count."""

    participant: str
    file: str
    reasons: list[str]


class Participants(TypedDict):
    """How many there are, how many count, and who doesn't."""

    given: int
    kept: int
    excluded: list[Excluded]


class Results(Tables):
    """What a test's answers say, of whom, and how that was found."""

    test: str
    study: str
    participants: Participants
    screening: str
    interval: str
