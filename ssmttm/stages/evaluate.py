"""Stage `evaluate`: all that is asked of one run's models, in one process: audio, embeddings, scores, likelihoods."""

from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from ssmttm.choices import FINAL
from ssmttm.errors import UserError
from ssmttm.evaluation.evaluator import Evaluator
from ssmttm.evaluation.kept import Kept
from ssmttm.evaluation.systems.trained import Generator, TrainedRun
from ssmttm.files import sha256_file
from ssmttm.models.checkpoint import read_origin
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE, check_released
from ssmttm.settings import EvaluateSpec, StageSpec
from ssmttm.spec import mixers_of
from ssmttm.stages import likelihood


def run(
    spec: EvaluateSpec,
    audio: list[Path],
    data: Path,
    baselines: Path,
    refiner: Path,
    embeddings: Path,
    device: str,
    threads: int | None,
) -> None:
    """Write the tables `audio`, RUN/generated/CHECKPOINT.parquet, with their records, embeddings and scores.

    With the finished model go the likelihoods of held-out clips, RUN/likelihoods.parquet.

    `data` is the data set's folder, `baselines` that of the baselines, `refiner` that of the run's second stage or
    `none`; embeddings of clips are kept in the folder `embeddings`. What was made before from the same models, settings
    and code stays, or is put back. Raises UserError before any work if something lacks.
    """
    folder, checkpoints = asked(audio)
    evaluator = Evaluator(spec, data, baselines, embeddings, threads)
    trained = TrainedRun(folder, refiner, spec["generation"], data / "prompts.parquet", data / "codec.safetensors")
    for checkpoint in checkpoints:
        trained.models(checkpoint)
    evaluator.check()
    check_released(data, ("tokens", "text"))
    _generate(trained, checkpoints, device, threads)
    for checkpoint in checkpoints:
        evaluator.embed(folder, checkpoint)
        evaluator.score(folder, checkpoint)
    if FINAL in checkpoints:
        _likelihoods(spec["likelihood"], trained.models(FINAL)[0], data, device, threads)


def asked(audio: list[Path]) -> tuple[Path, list[str]]:
    """The run's folder and the checkpoints that tables of generated audio are of; UserError for other paths."""
    for path in audio:
        if path.suffix != ".parquet" or path.parent.name != "generated" or path.parent != audio[0].parent:
            raise UserError(f"{path}: expected RUN/generated/CHECKPOINT.parquet, such as …/generated/final.parquet")
    return audio[0].parent.parent, [path.stem for path in audio]


def _generate(trained: TrainedRun, checkpoints: list[str], device: str, threads: int | None) -> None:
    with ExitStack() as stack:

        @cache
        def generator() -> Generator:
            return stack.enter_context(trained.generating(device, threads))

        for checkpoint in checkpoints:
            products = [trained.folder / "generated" / f"{checkpoint}.{ending}" for ending in ("parquet", "json")]
            make = partial(lambda *asked: generator().generate(*asked), checkpoint, *products)
            Kept(trained.folder).make(products, trained.origin(checkpoint), make)


def _likelihoods(spec: StageSpec, model: Path, data: Path, device: str, threads: int | None) -> None:
    origin = {
        "code": code_of("likelihood", mixer=mixers_of(read_origin(model)["spec"]["variant"])),
        "settings": dict(spec),
        "model": sha256_file(model),
        "data": sha256_file(data / RELEASE),
    }
    out = model.parent / "likelihoods.parquet"
    Kept(model.parent).make([out], origin, lambda: likelihood.run(spec, data, out, model, None, device, threads))
