"""Train one refiner: tokens, text and the codec in; model, curve and manifest out."""

from pathlib import Path

from ssmttm.codecs.base import load_codec
from ssmttm.errors import UserError
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE, check_released
from ssmttm.settings import Granted, Logging, RefinerSpec
from ssmttm.training.data import load_shared, shared
from ssmttm.training.job import Job
from ssmttm.training.parallel import Workers
from ssmttm.training.tasks.refiner import RefinerTask

_CODEC = "codec.safetensors"


def run(
    name: str,
    spec: RefinerSpec,
    data: Path,
    out: Path,
    device: str,
    threads: int | None,
    logging: Logging = Logging(),
    granted: Granted = Granted(),
    cache: Path | None = None,
) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`, and models to `out/checkpoints`.

    See `Job.run` for what happens meanwhile, and for `threads` and `granted`, `load_shared` for `cache`. Raises
    UserError for a data set whose codec is missing, or isn't the one of its tokens.
    """
    release = read_release(data, "codec")  # before anything is started
    check_released(data, (_CODEC,))
    codec = load_codec(data / _CODEC)
    if codec.identity != release["codec"]:
        raise UserError(
            f"{data / _CODEC}: is {codec.identity}, but the tokens are of {release['codec']}; build the data set again"
        )
    tables, chosen = codec.tables(), spec["refiner"]

    def open_task(folder: Path, workers: Workers) -> RefinerTask:
        sets = load_shared(data, spec["data"], chosen["levels"], cache or folder, workers)
        return RefinerTask.from_spec(spec, sets, *tables)

    job = Job(
        stage="refiner train",
        name=name,
        spec=spec,
        settings=spec["training"],
        budget=spec["budget"],
        seed=spec["seed"],
        data={"version": spec["data"]["version"], "sha256": sha256_file(data / RELEASE)},
        out=out,
        code=code_of("refiner", backbone=chosen["backbone"], objective=chosen["objective"], codec=codec.name),
        open_task=open_task,
        logging=logging,
        granted=granted,
    )
    job.run(device, threads, {"--name": name, "--data": data, "--out": out} | shared(cache))
