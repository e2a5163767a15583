"""Stage `tune`: one trial of a learning rate, and the table of the best ones."""

import shutil
from dataclasses import replace
from pathlib import Path

from ssmttm.contracts.checks import assure
from ssmttm.files import read_json, sha256_file, write_json
from ssmttm.given import read_release
from ssmttm.progress import notify
from ssmttm.provenance import code_of
from ssmttm.released import RELEASE
from ssmttm.settings import RunSpec
from ssmttm.spec import mixers_of
from ssmttm.tables import read_mapping
from ssmttm.training import parallel
from ssmttm.training.data import load_shared, shared
from ssmttm.training.job import Job
from ssmttm.training.parallel import Workers
from ssmttm.training.products import MANIFEST
from ssmttm.training.step import Diverged
from ssmttm.training.tasks.language_model import LanguageModelTask
from ssmttm.tuning import RatesSpec, TrialResult, best, write_rates


def trial(
    name: str, spec: RunSpec, data: Path, out: Path, device: str, threads: int | None, cache: Path | None = None
) -> None:
    """Train with `spec`, and write to the JSON file `out` the loss on the clips that learning rates are chosen on.

    These are of split `tuning` or, where it has no clips, `validation`. Interrupted, it goes on from the folder that
    is called as `out` without its suffix, which is removed at the end. A loss that isn't finite is a result, too.
    """
    read_release(data)  # before anything is started
    assure("mixers", mixers_of(spec["variant"]))
    splits = list(read_mapping(data / "splits.parquet", "splits", "clip_id", "split").values())
    split = "tuning" if "tuning" in splits else "validation"
    if split == "validation" and parallel.speaks():
        notify(f"{data}: no clips of split tuning; the learning rate is judged on those of split validation")
    folder = out.with_suffix("")

    def open_task(scratch: Path, workers: Workers) -> LanguageModelTask:
        sets = load_shared(data, spec["data"], spec["model"]["codebooks"], cache or scratch, workers)
        return LanguageModelTask.from_spec(spec, replace(sets, test=getattr(sets, split)))

    job = Job(
        stage="tune trial",
        name=name,
        spec=spec,
        settings=spec["training"],
        budget=spec["budget"],
        seed=spec["seed"],
        data={"version": spec["data"]["version"], "sha256": sha256_file(data / RELEASE)},
        out=folder,
        code=code_of("tune", mixer=mixers_of(spec["variant"])),
        open_task=open_task,
    )
    result: TrialResult = {"loss": None, "split": split, "clips": splits.count(split)}
    try:
        job.run(device, threads, {"--name": name, "--data": data, "--out": out} | shared(cache))
    except Diverged as error:
        notify(f"{name}: {error}")
    else:
        if parallel.started_by_launcher():
            return  # the process that launched this one goes on
        made = read_json(folder / MANIFEST)
        result |= {"loss": made["test_loss"], "steps": made["steps"]}
        result |= {"flops_spent": made["flops_spent"], "seconds": made["seconds"]}
    write_json(out, result)
    shutil.rmtree(folder, ignore_errors=True)


def rates(spec: RatesSpec, results: Path, out: Path) -> None:
    """Write the table of the best rates of the designs of `spec` to `out`, from the trials' results in `results`."""
    write_rates(out, best(spec["designs"], results, spec["command"]))
