"""Single clips worth a look: near-copies of training clips by name, and the ones farthest from the originals."""

from ssmttm.choices import TRAINED_ON
from ssmttm.numbers import score_text
from ssmttm.report.cells import Table, number, system_name, text
from ssmttm.study.folder import Study

LISTED = 100
"""More rows than these are in summary.json only."""

_FILE = "summary.json"


def copies(study: Study) -> Table:
    """Clips that are near-copies of a training clip: those of the runs first, nearest first.

    The baselines of training clips through the codec are left out: theirs are no news.
    """
    runs, baselines = study.summary["runs"], study.summary["baselines"]
    by_system = [(name, run["copies"]) for name, run in runs.items()]
    by_system += [(name, baseline["copies"]) for name, baseline in baselines.items() if name not in TRAINED_ON]
    entries = [
        (name, embedder, clip)
        for name, by_embedder in by_system
        for embedder, clips in by_embedder.items()
        for clip in clips
    ]
    entries.sort(key=lambda entry: (entry[0] not in runs, -entry[2]["similarity"]))
    rows = [
        {"System": text(system_name(system)), "Embedder": text(embedder), "Generated clip": text(clip["generated"]),
         "Training clip": text(clip["training"]), "Similarity": number(clip["similarity"], "{:.3f}".format)}
        for system, embedder, clip in entries[:LISTED]
    ]  # fmt: skip
    return Table(rows, "copies", _FILE, len(entries) - len(rows))


def outliers(study: Study) -> Table:
    """The clips of each run that are farthest from the originals."""
    entries = [
        {"Run": text(name), "Embedder": text(embedder), "Clip": text(clip["clip_id"]),
         "Fréchet distance of the clip": number(clip["value"], lambda v: score_text("frechet", v))}
        for name, run in study.summary["runs"].items()
        for embedder, clips in run["outliers"].items()
        for clip in clips
    ]  # fmt: skip
    return Table(entries[:LISTED], "outliers", _FILE, max(0, len(entries) - LISTED))
