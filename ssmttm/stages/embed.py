"""Stage `embed`: embeddings and class posteriors of a system's clips, or of the clips that models train on."""

from pathlib import Path

from ssmttm.contracts.checks import assure_embedders
from ssmttm.device import claim_device
from ssmttm.errors import UserError
from ssmttm.evaluation.embedder import load_embedder
from ssmttm.evaluation.embedding import write_embeddings
from ssmttm.evaluation.systems.training import training_order
from ssmttm.settings import StageSpec
from ssmttm.tables import count_rows, iter_clips, iter_rows


def run(
    spec: StageSpec,
    embedder: str,
    generated: Path | None,
    clips: list[Path],
    splits: Path | None,
    out: Path,
    cache: Path,
    threads: int | None,
    device: str = "auto",
) -> None:
    """Write the embeddings of the table `generated`, or of training clips from the tables `clips`.

    Of the latter at most `evaluation.training_clips`, by hash, those of the baseline `training` first.
    Embeddings are kept in `cache`, by audio and weights. Raises UserError for a clip that can't be
    embedded, by its id. A network computes on `device`.
    """
    if (generated is None) == (splits is None or not clips):
        raise UserError("give either --generated, or --clips with --splits")
    assure_embedders([embedder], spec["models"])
    if generated is not None:
        count, rows = count_rows(generated, "generated"), iter_rows(generated, "generated")
    else:
        assert splits is not None
        wanted = set(training_order(splits, clips, spec["seed"])[: spec["training_clips"]])
        count, rows = len(wanted), ({**clip, "caption": ""} for clip in iter_clips(clips, wanted))
    model = load_embedder(embedder, spec["models"])
    with claim_device(device if model.takes_gpu else "cpu", threads) as place:
        model.to(place)
        write_embeddings(rows, count, model, cache, out)
