"""Single clips worth a look: near-copies of training clips by name, and the ones farthest from the originals."""

from collections.abc import Mapping
from typing import Any, Literal

from ssmttm.numbers import score_text
from ssmttm.report.cells import Listing, number, system_name, text
from ssmttm.report.inputs import Study

SHOWN = 100
"""More rows than these are in summary.json only."""


def copies(study: Study) -> Listing:
    """Clips that are near-copies of a training clip: those of the runs first, nearest first.

    The baseline of training clips through the codec is left out: its are no news.
    """
    runs = study.summary["runs"]
    found = [entry for entry in _entries(study, "copies") if entry[0] != "training"]
    found.sort(key=lambda entry: (entry[0] not in runs, -entry[2]["similarity"]))
    return Listing(
        "copies",
        "Near-copies of training clips",
        "Look for runs here, which come first: a model that repeats its training music scores well for the wrong "
        "reason. Real clips may be here too, where a test clip resembles a training clip. The baseline of training "
        "clips through the codec is left out.",
        [("System", False), ("Embedder", False), ("Generated clip", False), ("Training clip", False),
         ("Similarity", True)],
        [
            [text(system_name(system)), text(embedder), text(clip["generated"]), text(clip["training"]),
             number(clip["similarity"], lambda v: f"{v:.3f}")]
            for system, embedder, clip in found[:SHOWN]
        ],
        "no clip lies nearer to a training clip than the threshold",
        max(0, len(found) - SHOWN),
    )  # fmt: skip


def outliers(study: Study) -> Listing:
    """The clips of each run that are farthest from the originals."""
    runs = study.summary["runs"]
    found = [entry for entry in _entries(study, "outliers") if entry[0] in runs]
    return Listing(
        "outliers",
        "Clips farthest from the originals",
        "The Fréchet distance of a clip’s own windows to the originals’. Look for clips that come up in every run: "
        "their captions are hard; and for values far above the others: one broken clip moves a run’s score.",
        [("Run", False), ("Embedder", False), ("Clip", False), ("Fréchet distance of the clip", True)],
        [
            [text(system), text(embedder), text(clip["clip_id"]),
             number(clip["value"], lambda v: score_text("frechet", v))]
            for system, embedder, clip in found[:SHOWN]
        ],
        "the Fréchet distance was not computed clip by clip",
        max(0, len(found) - SHOWN),
    )  # fmt: skip


def _entries(study: Study, kind: Literal["copies", "outliers"]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """System, embedder and clip of every remark of one kind."""
    systems = {**study.summary["runs"], **study.summary["baselines"]}
    return [
        (name, embedder, clip)
        for name, told in systems.items()
        for embedder, clips in told[kind].items()
        for clip in clips
    ]
