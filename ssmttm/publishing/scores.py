"""What a study measured of one run, each figure beside those of systems that anybody could have instead."""

from typing import Any, NamedTuple

from ssmttm.study.folder import Study


class Line(NamedTuple):
    """One figure of a run, and the same of its rivals."""

    metric: str
    what: str
    value: float
    low: float
    high: float
    rivals: dict[str, float]
    """By name in words."""


_FRECHET = {
    "codec": "the clips themselves through the codec",
    "training_codec": "training clips through the codec",
    "bigram": "counted pairs of codes",
    "noise": "noise",
}
_TRIVIAL = {"bigram": "counted pairs of codes", "trigram": "counted triples", "unigram": "single codes by frequency"}


def scores_of(study: Study, run: str) -> list[Line]:
    """Loss on the test split and Fréchet distance to its originals of `run`; none where the study has none of it."""
    lines = []
    tests = {row["system"]: row for row in _rows(study, "losses") if row["split"] == "test"}
    if run in tests:
        rivals = {words: tests[name]["loss"] for name, words in _TRIVIAL.items() if name in tests}
        lines.append(
            _line("loss", "loss on artists that it never heard, nats per code of level 1", tests[run], "loss", rivals)
        )
    wanted = ("frechet", "originals")
    scores = [row for row in _rows(study, "comparison") if (row["metric"], row["reference"]) == wanted]
    for embedder in study.embedders:
        found = {row["system"]: row for row in scores if row["embedder"] == embedder}
        if run in found:
            rivals = {words: found[name]["value"] for name, words in _FRECHET.items() if name in found}
            what = f"Fréchet distance to held-out clips ({embedder}, {found[run]['n']} clips)"
            lines.append(_line("frechet", what, found[run], "value", rivals))
    return lines


def _rows(study: Study, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = study[table].to_dict("records")
    return rows


def _line(metric: str, what: str, row: dict[str, Any], value: str, rivals: dict[str, float]) -> Line:
    return Line(metric, what, row[value], row["low"], row["high"], rivals)
