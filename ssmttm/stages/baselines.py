"""Stage `baselines`: all systems that are no model, in one process: audio, embeddings, scores."""

from pathlib import Path

from ssmttm.choices import FINAL, TRAINED_ON, baselines_of
from ssmttm.contracts.checks import assure, assure_embedders
from ssmttm.evaluation.evaluator import Evaluator
from ssmttm.evaluation.kept import Kept
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE
from ssmttm.settings import BaselinesSpec
from ssmttm.stages import baseline


def run(
    spec: BaselinesSpec,
    data: Path,
    clips: list[Path],
    text: list[Path],
    references: Path | None,
    out: Path,
    embeddings: Path,
    threads: int | None,
) -> None:
    """Write audio, embeddings and scores of every baseline, each to its folder in `out`.

    `data` is the data set's folder, `clips` and `text` its tables of clips and of their captions' embeddings,
    `references` the clips of the prompts where these are not of its test split; embeddings of clips are kept in the
    folder `embeddings`. What was made before from the same clips, settings and code stays, or is put back. Raises
    UserError before any work if something lacks.
    """
    assure_embedders(spec["embedders"], spec["embed"]["models"])
    assure("metrics", spec["score"]["metrics"])
    evaluator = Evaluator(spec, data, out, embeddings, threads)
    codec_name = read_release(data, "codec")["codec"].split(":")[0]
    evaluator.check("originals", "codec")
    prompts, codec, splits = data / "prompts.parquet", data / "codec.safetensors", data / "splits.parquet"
    vocoder = Path(spec["baseline"]["vocoder"])
    files = [prompts, data / RELEASE, *([references] if references else []), *([vocoder] if vocoder.is_file() else [])]
    origin = {
        "code": code_of("baseline", codec=codec_name, encoder=spec["baseline"]["text"]["encoder"]),
        "settings": dict(spec["baseline"]),
        "files": {path.name: sha256_file(path) for path in files},
    }
    names = baselines_of(references is None)
    for name in names:
        audio = out / name / "generated" / f"{FINAL}.parquet"
        own = [references] if references and name not in TRAINED_ON else clips

        def make(name: str = name, audio: Path = audio, own: list[Path] = own) -> None:
            baseline.run(spec["baseline"], name, prompts, own, codec, audio, splits, text)

        Kept(out / name).make([audio], {**origin, "name": name}, make)
        evaluator.embed(out / name, FINAL)
    for name in names:
        evaluator.score(out / name, FINAL)
