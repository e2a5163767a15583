"""Stage `code_models`: all trivial models of codes, in one process: audio, likelihoods, embeddings, scores."""

from functools import partial
from pathlib import Path

from ssmttm.choices import CODE_MODELS, FINAL
from ssmttm.errors import UserError
from ssmttm.evaluation.evaluator import Evaluator
from ssmttm.evaluation.kept import Kept
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.models.refiner.checkpoint import read_refiner_origin
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE, check_released
from ssmttm.settings import CodeModelsSpec
from ssmttm.stages import likelihood, trivial


def run(
    spec: CodeModelsSpec, data: Path, refiner: Path | None, out: Path, embeddings: Path, threads: int | None
) -> None:
    """Write audio, likelihoods, embeddings and scores of every model of codes, each to its folder in `out`.

    `data` is the data set's folder, `refiner` the file of the refiner that completes their codes, `out` the folder of
    the baselines, which are embedded already; embeddings of clips are kept in the folder `embeddings`. What was made
    before from the same files, settings and code stays, or is put back. Raises UserError before any work if something
    lacks.
    """
    evaluator = Evaluator(spec, data, out, embeddings, threads)
    read_release(data, "codec", "text_encoder")
    if refiner and not refiner.is_file():
        raise UserError(f"{refiner}: no trained refiner; train it first, or leave out --refiner")
    evaluator.check()
    check_released(data, ("tokens", "text"))
    audio_of, likelihood_of = _audio_origin(spec, data, refiner), _likelihood_origin(spec, data)
    prompts, codec = data / "prompts.parquet", data / "codec.safetensors"
    for name in CODE_MODELS:
        audio, table = out / name / "generated" / f"{FINAL}.parquet", out / name / "likelihoods.parquet"
        make = partial(trivial.run, spec["trivial"], name, prompts, data, codec, audio, refiner)
        Kept(out / name).make([audio], {**audio_of, "name": name}, make)
        count = partial(likelihood.run, spec["likelihood"], data, table, system=name)
        Kept(out / name).make([table], {**likelihood_of, "name": name}, count)
        evaluator.embed(out / name, FINAL)
        evaluator.score(out / name, FINAL)


def _audio_origin(spec: CodeModelsSpec, data: Path, refiner: Path | None) -> dict[str, object]:
    """All that decides the audio of every model of codes, but its name."""
    own = spec["trivial"]
    parts: dict[str, str] = {"codec": own["codec"]["name"], "encoder": own["text"]["encoder"]}
    if refiner:
        second = read_refiner_origin(refiner)["spec"]["refiner"]
        parts |= {"backbone": second["backbone"], "objective": second["objective"]}
    vocoder = Path(own["generation"]["vocoder"])
    files = {"prompts": data / "prompts.parquet", "data": data / RELEASE, "refiner": refiner, "vocoder": vocoder}
    hashes = {name: sha256_file(path) for name, path in files.items() if path and path.is_file()}
    return {"code": code_of("trivial", **parts), "settings": dict(own), "files": hashes}


def _likelihood_origin(spec: CodeModelsSpec, data: Path) -> dict[str, object]:
    """The same of their likelihoods."""
    code = code_of("likelihood")
    return {"code": code, "settings": dict(spec["likelihood"]), "data": sha256_file(data / RELEASE)}
