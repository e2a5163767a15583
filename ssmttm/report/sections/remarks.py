"""Single clips worth a look: near-copies of training clips by name, and the ones farthest from the originals."""

from ssmttm.numbers import score_text
from ssmttm.report.cells import Table, number, system_name, text
from ssmttm.study.folder import Copy, Outlier, Study

LISTED = 100
"""More rows than these are in summary.json only."""


def copies(study: Study) -> Table:
    """Clips that are near-copies of a training clip: those of the runs first, nearest first.

    The baseline of training clips through the codec is left out: its are no news.
    """
    summary = study.summary
    systems = {**summary["runs"], **summary["baselines"]}
    entries: list[tuple[str, str, Copy]] = [
        (name, embedder, copy)
        for name, system in systems.items()
        for embedder, clips in system["copies"].items()
        for copy in clips
        if name != "training"
    ]
    entries.sort(key=lambda entry: (entry[0] not in summary["runs"], -entry[2]["similarity"]))
    return Table(
        "copies",
        "Near-copies of training clips",
        "Look for runs here, which come first: a model that repeats its training music scores well for the wrong "
        "reason. Real clips may be here too, where a test clip resembles a training clip. The baseline of training "
        "clips through the codec is left out.",
        ("System", "Embedder", "Generated clip", "Training clip", "Similarity"),
        [
            [text(system_name(system)), text(embedder), text(copy["generated"]), text(copy["training"]),
             number(copy["similarity"], lambda v: f"{v:.3f}")]
            for system, embedder, copy in entries[:LISTED]
        ],
        "no clip is nearer to a training clip than the threshold",
        "summary.json",
        max(0, len(entries) - LISTED),
    )  # fmt: skip


def outliers(study: Study) -> Table:
    """The clips of each run that are farthest from the originals."""
    entries: list[tuple[str, str, Outlier]] = [
        (name, embedder, outlier)
        for name, run in study.summary["runs"].items()
        for embedder, clips in run["outliers"].items()
        for outlier in clips
    ]
    return Table(
        "outliers",
        "Clips farthest from the originals",
        "The Fréchet distance of a clip’s own windows to the originals’. Look for clips that come up in every run: "
        "their captions are hard; and for values far above the others: one broken clip moves a run’s score.",
        ("Run", "Embedder", "Clip", "Fréchet distance of the clip"),
        [
            [text(run), text(embedder), text(outlier["clip_id"]),
             number(outlier["value"], lambda v: score_text("frechet", v))]
            for run, embedder, outlier in entries[:LISTED]
        ],
        "the Fréchet distance was not computed clip by clip",
        "summary.json",
        max(0, len(entries) - LISTED),
    )  # fmt: skip
