"""Stage `vocoder`: train a network that makes audio of the spectral codec's mel frames, and write its model card."""

from pathlib import Path

from ssmttm.codecs.base import load_codec
from ssmttm.codecs.spectral import SpectralCodec
from ssmttm.dataset.heard import read_heard
from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_bytes, write_text
from ssmttm.provenance import code_of
from ssmttm.released import check_inputs, hashes
from ssmttm.settings import Logging, VocoderSpec
from ssmttm.spec import canonical_json
from ssmttm.tables import read_table
from ssmttm.training.job import Job
from ssmttm.training.parallel import Workers
from ssmttm.training.tasks.vocoder import VocoderTask
from ssmttm.training.waves import load_waves
from ssmttm.vocoder.card import model_card

CARD = "card.md"


def run(
    spec: VocoderSpec,
    data: Path,
    splits: Path,
    codec: Path,
    out: Path,
    device: str,
    threads: int | None,
    logging: Logging = Logging(),
) -> None:
    """Write `vocoder.safetensors`, `curve.parquet`, `manifest.json` and `card.md` to `out`.

    `data` is the folder of a data set, of which clips and licensed tracks are enough. See `Job.run` for what happens
    meanwhile, and for `threads`.
    """
    shards = sorted(path for path in (data / "clips").glob("*.parquet") if path.stem.isdigit())
    if not shards:
        raise UserError(f"--data {data}: it has no clips/0.parquet, …; make them first: snakemake --cores all vocoder")
    check_inputs([*shards, codec])
    coder = load_codec(codec)
    _check_codec(spec, coder, codec)
    files = [*shards, splits, codec, data / "licensed.parquet"]
    known = {path.name: hashes(path.parent, [path.name])[path.name] for path in files}
    facts = _facts(splits, data / "licensed.parquet")

    def open_task(folder: Path, workers: Workers) -> VocoderTask:
        assert isinstance(coder, SpectralCodec)
        sets = load_waves(shards, splits, coder.sample_rate, folder, workers)
        return VocoderTask(spec, coder, sets, {"artists": facts["artists"], "licenses": facts["licenses"]})

    job = Job(
        stage="vocoder train",
        name="vocoder",
        spec=spec,
        settings=spec["training"],
        budget=spec["budget"],
        seed=spec["seed"],
        data={"version": spec["data"]["version"], "sha256": sha256_bytes(canonical_json(known).encode()), **facts},
        out=out,
        code=code_of("vocoder"),
        open_task=open_task,
        logging=logging,
    )
    job.run(device, threads, {"--data": data, "--splits": splits, "--codec": codec, "--out": out})
    write_card(out, None)


def write_card(folder: Path, figures: Path | None) -> None:
    """Write `card.md` of the vocoder in `folder`, with the `figures` that benchmarks/vocoder.py measured."""
    curve = read_table(folder / "curve.parquet", "curve").to_pylist()
    measured = None if figures is None else read_json(figures)
    write_text(folder / CARD, model_card(read_json(folder / "manifest.json"), curve, measured))


def _check_codec(spec: VocoderSpec, coder: object, path: Path) -> None:
    wanted = spec["data"]["codec"]
    if not isinstance(coder, SpectralCodec):
        raise UserError(f"{path}: a vocoder is for the spectral codec, which this is not")
    asked = (spec["data"]["sample_rate"], wanted["codebooks"], wanted["codebook_size"])
    if (coder.sample_rate, coder.codebooks, coder.codebook_size) != asked:
        raise UserError(
            f"{path}: has {coder.sample_rate} Hz and {coder.codebooks} codebooks of {coder.codebook_size}, but the "
            f"settings say {asked[0]} Hz and {asked[1]} of {asked[2]}; fit it again"
        )


def _facts(splits: Path, licensed: Path) -> dict[str, object]:
    """What a vocoder's manifest says of the music that it was trained on."""
    heard = read_heard(splits, licensed)
    credits = [track["attribution"] for track in heard.tracks]
    return {"artists": heard.artists, "licenses": heard.licenses, "credits": credits}
