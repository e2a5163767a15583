"""Stage `model`: a trained run as a folder that stands by itself, to generate with elsewhere or to pass on."""

from pathlib import Path

from ssmttm import __version__
from ssmttm.codecs.base import load_codec
from ssmttm.dataset.attribution import attribution_page
from ssmttm.dataset.heard import read_heard
from ssmttm.errors import UserError
from ssmttm.files import read_json
from ssmttm.generation.pipeline import find_codec
from ssmttm.generation.second_stage import RECORD, find_refiner
from ssmttm.given import read_release, trained_runs
from ssmttm.models.checkpoint import load_model
from ssmttm.progress import notify
from ssmttm.publishing.card import model_card
from ssmttm.publishing.folder import MODEL, PRECISIONS, write_folder
from ssmttm.publishing.scores import scores_of
from ssmttm.settings import GenerationSettings
from ssmttm.study.folder import read_study
from ssmttm.vocoder import GRIFFIN_LIM, SHIPPED


def run(
    generation: GenerationSettings, run: Path, out: Path, data: Path | None, study: Path | None, precision: str
) -> None:
    """Write the trained run in folder `run` to the new folder `out`.

    `data` is the folder of the data set that it was trained on, which None finds beside the runs; `study` one of
    results/studies, whose scores the card then has. Raises UserError for a run that isn't whole, and a study without
    it.
    """
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision}: expected {' or '.join(PRECISIONS)}")
    if generation["vocoder"] not in (GRIFFIN_LIM, SHIPPED):
        raise UserError(
            f"generation.vocoder {generation['vocoder']}: a file of its own isn't carried with a model; "
            f"set it to {SHIPPED} or {GRIFFIN_LIM} in --spec"
        )
    if not (run / MODEL).is_file():
        raise UserError(f"{run / MODEL}: no trained model; {trained_runs(run)}")
    manifest = read_json(run / "manifest.json")
    refiner = find_refiner(run)
    version = manifest["spec"]["data"]["version"]
    data = data or run.absolute().parent.parent / "data" / version
    release = read_release(data, "settings")
    codec = find_codec(data, version, manifest["codec"])
    if (found := load_codec(codec).identity) != manifest["codec"]:
        raise UserError(f"{codec}: is {found}, but {run} was trained on tokens of {manifest['codec']}; name its --data")
    load_model(run / MODEL)
    heard = read_heard(data / "splits.parquet", data / "licensed.parquet")
    scores, title = [], ""
    if study is not None:
        read = read_study(study)
        scores, title = scores_of(read, manifest["run"]), read.summary["title"]
        if not scores:
            raise UserError(f"--study {study}: has no scores of {manifest['run']}; name the study that it is a run of")
    second = None if refiner is None else read_json(run / RECORD)
    made_by = f"ssmttm {__version__}"
    card = model_card(manifest, second, heard, scores, title, precision, out.name, generation["vocoder"], made_by)
    credits = attribution_page(heard.tracks, release["settings"]["vocals"]["mode"] == "separate")
    write_folder(out, manifest["run"], run, codec, precision, generation, card, credits)
    megabytes = sum(path.stat().st_size for path in out.iterdir()) / 1e6
    notify(f"{out}: {manifest['run']}, {megabytes:.1f} MB; ssmttm generate --model {out} --prompt … --out NAME.wav")
