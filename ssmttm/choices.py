"""What can be evaluated, and the rules that the settings under `evaluation` keep beyond their schema. No torch."""

from collections.abc import Iterable, Mapping
from typing import Any

from ssmttm import plugins
from ssmttm.errors import UserError
from ssmttm.settings import Config, EvaluationSettings, RefinerSpec, Run

CODE_MODELS = ("unigram", "copy", "bigram", "trigram")
"""Trivial models of the codes of level 1, which know no caption: what a language model has to beat."""

BASELINES = ("originals", "codec", "shuffled", "noise", "same_track", "training_codec", "nearest_caption")
"""Systems that are no model: the references' real clips, the codec's reconstruction of them (ceiling), real clips under
other clips' captions, noise (floor); and through the codec other clips of the same tracks, training clips (what
memorizing would score), and for each caption the training clip whose caption is nearest."""

TRAINED_ON = ("training_codec", "nearest_caption")
"""Those of `BASELINES` whose audio is that of training clips."""

MUSICGEN = "musicgen"
"""The system that `evaluation.musicgen` describes."""

METRICS: dict[str, str | None] = {
    "frechet": None,
    "frechet_infinity": None,
    "kernel": None,
    "kl": "classes",
    "text_audio": "tags",
    "clap": "texts",
    "prdc": None,
    "diversity": None,
    "training_copies": None,
}
"""One file of `ssmttm.evaluation.metrics` each, and what it needs of an embedder beside embeddings; one of another
package says so as `NEEDS`, and as `FEWEST` what stands in the table of that name here."""

EMBEDDERS: dict[str, frozenset[str]] = {
    "musicnn": frozenset({"classes", "tags"}),
    "vggish": frozenset(),
    "pann": frozenset({"classes"}),
    "clap": frozenset({"texts"}),
    "clap_laion": frozenset({"texts"}),
    "encodec": frozenset(),
    "openl3": frozenset(),
    "passt": frozenset({"classes"}),
}
"""One file of `ssmttm.evaluation.embedders` each, and what it gives beside embeddings; one of another package says so
as `GIVES`, and as `WHOLE` whether it is one of those here."""

GIVEN = ("classes", "tags", "texts")
"""What an embedder may give beside embeddings: probabilities of classes, of which musicnn's tags are known to captions,
and embeddings of texts in the same space."""

ELSEWHERE = {"clap_laion": "laion_clap"}
"""Embedders whose packages don't go together with the main environment, and the one of `PACKAGES` whose they run in."""

PACKAGES: dict[str, dict[str, str]] = {
    "frechet_audio_distance": {"vggish": "frechet", "pann": "frechet", "clap": "frechet"},
    "laion_clap": {"clap": "clap"},
}
"""Published metric packages, each with an environment of its own (workflow/envs): of which embedders they read the
weights, and which of our metrics their number stands beside."""

STUDY_TABLES = (
    "comparison", "progress", "differences", "stages", "curves", "fits", "fit_curves", "reach", "scaling",
    "scaling_summary", "seeds", "seed_tests", "losses", "loss_pairs", "efficiency",
)  # fmt: skip
"""What stage `compare` writes of a study, as Parquet; docs/evaluation.md says what is in them."""

LOSS_TABLES = ("losses", "loss_pairs", "efficiency")
"""Those of `STUDY_TABLES` about losses on held-out clips, which are CSV files, too."""

FEWEST = {"prdc": 6, "frechet_infinity": 8}
"""Clips that a metric needs: balls reach to the fifth nearest other clip; a line is fitted over numbers of windows."""

WHOLE = frozenset({"pann", "clap", "clap_laion", "passt"})
"""Embedders that give one row for a whole clip of 10 s, where others give many."""

SAMPLERS = {"diffusion": ("ddim", "dpm"), "flow": ("euler",)}
"""Samplers that fit what a refiner was trained for; a masked one has its own way."""

FINAL = "final"
"""The checkpoint that is the finished model."""


def here(embedders: Iterable[str]) -> list[str]:
    """Those of `embedders` that run in the main environment."""
    return [name for name in embedders if name not in ELSEWHERE]


def metrics_of(metrics: Iterable[str], embedder: str) -> list[str]:
    """Those of `metrics` that `embedder` can serve."""
    gives = gives_of(embedder)
    return [metric for metric in metrics if (needs := needs_of(metric)) is None or needs in gives]


def needs_of(metric: str) -> str | None:
    """What `metric` needs of an embedder beside embeddings; UserError for one that there is not."""
    if metric in METRICS:
        return METRICS[metric]
    needs: str | None = plugins.stated(_plugin("metrics", metric), "NEEDS", None, (None, *GIVEN))
    return needs


def gives_of(embedder: str) -> frozenset[str]:
    """What `embedder` gives beside embeddings; UserError for one that there is not."""
    if embedder in EMBEDDERS:
        return EMBEDDERS[embedder]
    return frozenset(plugins.stated(_plugin("embedders", embedder), "GIVES", (), GIVEN))


def _fewest(metrics: Iterable[str]) -> dict[str, int]:
    """`FEWEST` of those of `metrics` that have one."""
    others = (metric for metric in metrics if metric not in METRICS)
    stated = {metric: plugins.stated(_plugin("metrics", metric), "FEWEST", 0) for metric in others}
    return {metric: fewest for metric, fewest in (FEWEST | stated).items() if fewest}


def _whole(embedder: str) -> bool:
    """Whether `embedder` is one of `WHOLE`."""
    if embedder in EMBEDDERS:
        return embedder in WHOLE
    return bool(plugins.stated(_plugin("embedders", embedder), "WHOLE", False))


def _plugin(kind: str, name: str) -> plugins.Plugin:
    plugin = plugins.find(kind, name)
    if plugin is None:
        word = plugins.KINDS[kind].word
        raise UserError(f"evaluation.{kind}: no {word} {name!r}; there are {', '.join(plugins.known(kind))}")
    return plugin


def checkpoints_of(config: Config, run: Run, refiner: RefinerSpec | None = None) -> list[str]:
    """Names of the checkpoints of a row of the run table that are scored, in order; the last is `final`.

    A row that keeps fewer models than the config, by its overrides, has fewer. At a fraction, both
    stages of a run stand at that fraction of their own budgets; `refiner` keeps models of its own.
    """
    kept = {*run["spec"]["training"]["checkpoints"]}
    if refiner is not None:
        kept &= {*refiner["training"]["checkpoints"]}
    return [*(f"{f:g}" for f in sorted(config["evaluation"]["checkpoints"]) if f in kept), FINAL]


def baselines_of(test: bool) -> list[str]:
    """Those of `BASELINES` that prompts of the test split have, or of another set: there tracks have no other clips."""
    return [name for name in BASELINES if test or name != "same_track"]


def systems_of(config: Config) -> list[str]:
    """The systems that are no run of this project: baselines, audio of others, MusicGen."""
    evaluation = config["evaluation"]
    return [
        *baselines_of(evaluation["prompts"]["set"] == "test"),
        *CODE_MODELS,
        *evaluation["systems"],
        *([MUSICGEN] if evaluation["musicgen"] else []),
    ]


def package_embedders(package: str, embedders: Iterable[str], models: Mapping[str, Any]) -> list[str]:
    """Those of `embedders` whose weights `package` can read, given the settings `models` (`evaluation.models`).

    Of CLAP that are LAION's checkpoints: of a folder that transformers wrote the packages can't read anything.
    """
    able = [name for name in embedders if name in PACKAGES[package]]
    return [name for name in able if name != "clap" or {"weights", "tokenizer"} <= set(models.get(name) or ())]


def vocoder_files(config: Config) -> list[str]:
    """The file that `generation.vocoder` names, if it is one of its own; it may be made by the workflow."""
    setting, codec = config["generation"]["vocoder"], config["data"]["codec"]["name"]
    return [] if setting in ("griffin_lim", "shipped") or codec != "spectral" else [setting]


def check(config: Config, where: str) -> None:
    """Refuse an evaluation that can't be: UserError with the file, the key and what to do."""
    evaluation = config["evaluation"]
    for name in evaluation["systems"]:
        if name in (*BASELINES, *CODE_MODELS, MUSICGEN):
            raise UserError(f"{where}: evaluation.systems.{name}: the workflow's own system has that name; rename it")
    _check_prompts(evaluation["prompts"], where)
    _check_metrics(evaluation, config["generation"]["prompts"], where)
    _check_packages(evaluation, where)
    kept = config["training"]["checkpoints"]
    missing = [fraction for fraction in evaluation["checkpoints"] if fraction not in kept]
    if missing:
        raise UserError(
            f"{where}: evaluation.checkpoints: {missing[0]:g} is not among training.checkpoints {kept}: "
            "no model is kept there"
        )


def _check_metrics(evaluation: EvaluationSettings, prompts: int, where: str) -> None:
    for metric in evaluation["metrics"]:
        if not any(metrics_of([metric], embedder) for embedder in evaluation["embedders"]):
            able = ", ".join(name for name in plugins.known("embedders") if metrics_of([metric], name))
            raise UserError(f"{where}: evaluation.metrics: {metric} needs one of the embedders {able}")
    for metric, fewest in _fewest(evaluation["metrics"]).items():
        few = prompts < fewest and (metric != "frechet_infinity" or any(map(_whole, evaluation["embedders"])))
        if few and metric in evaluation["metrics"]:
            raise UserError(
                f"{where}: evaluation.metrics: {metric} needs {fewest} clips, and generation.prompts is "
                f"{prompts}; raise it, or leave {metric} out"
            )
    for embedder in evaluation["models"]:
        if embedder not in evaluation["embedders"]:
            raise UserError(f"{where}: evaluation.models.{embedder}: evaluation.embedders does not name it")


def _check_packages(evaluation: EvaluationSettings, where: str) -> None:
    """A package needs weights that it can read, and a score of ours to stand beside."""
    for package in evaluation["packages"]:
        at = f"{where}: evaluation.packages: {package}"
        embedders = package_embedders(package, evaluation["embedders"], evaluation["models"])
        if not embedders:
            raise UserError(
                f"{at} needs one of the embedders {', '.join(PACKAGES[package])} in evaluation.embedders, with weights "
                "in evaluation.models; of clap it reads LAION's checkpoints: {clap: {weights: FILE, tokenizer: FOLDER}}"
            )
        for embedder in embedders:
            metric = PACKAGES[package][embedder]
            if metric not in evaluation["metrics"]:
                raise UserError(f"{at} makes numbers to stand beside ours: add {metric} to evaluation.metrics")
            if not evaluation["models"].get(embedder):
                raise UserError(f"{at}: evaluation.models.{embedder}: names no weights, which the package takes, too")


def _check_prompts(prompts: Mapping[str, Any], where: str) -> None:
    """The settings of `evaluation.prompts` must be about the set that it names."""
    at, chosen = f"{where}: evaluation.prompts", prompts["set"]
    given = {key for key, value in prompts.items() if key != "set" and value is not None}
    if chosen == "test":
        if given:
            raise UserError(
                f"{at}: {', '.join(sorted(given))} does not go with set test, the study's own test split; "
                "write set: table, musiccaps or song_describer"
            )
        return
    if "captions" not in given:
        raise UserError(f"{at}.captions: the set {chosen} needs the path of its table of captions")
    if chosen != "musiccaps" and "audio" not in given:
        raise UserError(
            f"{at}.audio: captions without audio have no reference to be compared with; name the folder that holds "
            "the audio of these captions by id (to hear what a model makes of captions alone: ssmttm generate)"
        )
    if chosen != "musiccaps" and "singing" in given:
        raise UserError(f"{at}.singing: a rule for MusicCaps; for {chosen} name a file of the wanted ids in `only`")
    if chosen != "table" and "columns" in given:
        raise UserError(f"{at}.columns: {chosen} is read by its published columns; `columns` goes with set table")
