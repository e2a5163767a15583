"""Train one run: tokens and text in; model, curve and manifest out."""

from pathlib import Path

from ssmttm.contracts.checks import assure
from ssmttm.files import sha256_file
from ssmttm.given import read_release
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE
from ssmttm.settings import Granted, Logging, RunSpec
from ssmttm.spec import mixers_of
from ssmttm.training.data import load_shared, shared
from ssmttm.training.job import Job
from ssmttm.training.parallel import Workers
from ssmttm.training.tasks.language_model import LanguageModelTask


def run(
    name: str,
    spec: RunSpec,
    data: Path,
    out: Path,
    device: str,
    threads: int | None,
    logging: Logging = Logging(),
    granted: Granted = Granted(),
    cache: Path | None = None,
) -> None:
    """Write `model.safetensors`, `curve.parquet` and `manifest.json` to `out`, and models to `out/checkpoints`.

    See `Job.run` for what happens meanwhile, and for `threads` and `granted`, `load_shared` for `cache`.
    """
    read_release(data)  # before anything is started
    assure("mixers", mixers_of(spec["variant"]))

    def open_task(folder: Path, workers: Workers) -> LanguageModelTask:
        sets = load_shared(data, spec["data"], spec["model"]["codebooks"], cache or folder, workers)
        return LanguageModelTask.from_spec(spec, sets)

    job = Job(
        stage="train",
        name=name,
        spec=spec,
        settings=spec["training"],
        budget=spec["budget"],
        seed=spec["seed"],
        data={"version": spec["data"]["version"], "sha256": sha256_file(data / RELEASE)},
        out=out,
        code=code_of("train", mixer=mixers_of(spec["variant"])),
        open_task=open_task,
        logging=logging,
        granted=granted,
    )
    job.run(device, threads, {"--run": name, "--data": data, "--out": out} | shared(cache))
