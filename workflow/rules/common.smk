# The only Python of the workflow: the validated config, names, and one-line helpers that call
# tested functions of the package. Nothing here, and nothing it imports, imports torch.

import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

from ssmttm import choices, cluster, planning, provenance, remote, run_table, spec, tuning
from ssmttm.codecs.base import check_codec
from ssmttm.config import ROOT, validate_config
from ssmttm.errors import UserError
from ssmttm.pretrained.identity import model_files
from ssmttm.evaluation.systems.audio_folder import audio_files

shell.prefix(planning.shell_prefix(DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method))
planning.summarize_dry_run(workflow.output_settings, logger.info)

try:
    CONFIG = validate_config(config, " + ".join(map(str, workflow.configfiles)))
    check_codec(CONFIG["data"]["codec"], CONFIG["data"]["clips"]["sample_rate"])
    TABLE = run_table.read_studies(CONFIG, tuned=not planning.asks_for_tuning(sys.argv[1:]))
    STUDY = planning.shown_study(CONFIG, TABLE.runs)
    RELEASED = remote.is_released(workflow, CONFIG, f"results/data/{CONFIG['data']['version']}")
except UserError as error:
    raise WorkflowError(str(error)) from None

RUNS, REFINERS = TABLE.runs, TABLE.refiners
VERSION = CONFIG["data"]["version"]
SHARDS = range(CONFIG["data"]["shards"])
CODEC = CONFIG["data"]["codec"]["name"]
ENCODER = CONFIG["data"]["text"]["encoder"]
VOCODER = [local(file) for file in choices.vocoder_files(CONFIG)]
EMBEDDERS = CONFIG["evaluation"]["embedders"]
HERE = tuple(choices.here(EMBEDDERS))
CODEC_EMBEDDERS = HERE[:1]
METRICS = CONFIG["evaluation"]["metrics"]
SHARED_REFINER = [f"results/refiners/{name}/model.safetensors" for name in run_table.shared_refiner(TABLE)]
SCORED_BY = {"embedder": HERE, "metric": tuple(METRICS)}
TRAINED = [run for run, row in RUNS.items() if not row["language_model"]]
BORROWING = [run for run, row in RUNS.items() if row["language_model"]]
TWO_STAGE = [run for run, row in RUNS.items() if row["refiner"]]
CHECKPOINTS = {run: choices.checkpoints_of(CONFIG, row, REFINERS.get(row["refiner"])) for run, row in RUNS.items()}
EVALUATIONS = planning.evaluations(CHECKPOINTS.values())
planning.share_resources(workflow.resource_settings, EVALUATIONS)
PROMPTS = CONFIG["evaluation"]["prompts"]
EXTERNAL = CONFIG["evaluation"]["systems"]
REFERENCES = [] if PROMPTS["set"] == "test" else [f"results/references/{PROMPTS['set']}/clips.parquet"]
STUDIES = {study: run_table.runs_of(RUNS, study) for study in TABLE.configs}
code = cache(provenance.code_of)  # fingerprints are taken once, when planning starts
BASELINES = [f"baselines/{VERSION}/{name}" for name in choices.systems_of(CONFIG)]
SYSTEMS = [*(f"runs/{run}" for run in RUNS), *BASELINES]
SWEEPS = {
    study: tuning.sweep(TABLE.configs[study], {run: RUNS[run] for run in STUDIES[study]}) for study in TABLE.configs
}
OWN = choices.baselines_of(not REFERENCES)
TOGETHER = (*OWN, *choices.CODE_MODELS)
SEPARATE = planning.separate(SYSTEMS, [system for system in BASELINES if Path(system).name not in TOGETHER])
PAGE = "results/report.html"


wildcard_constraints:
    version=planning.one_of([VERSION]),
    unreleased=planning.one_of([] if RELEASED else [VERSION]),
    shard=planning.one_of(SHARDS),
    run=planning.one_of(RUNS),
    refiner=planning.one_of(REFINERS),
    study=planning.one_of(STUDIES),
    external=planning.one_of(EXTERNAL),
    set=planning.one_of([PROMPTS["set"]]),
    system=planning.one_of(SYSTEMS),
    embedder=planning.one_of(EMBEDDERS),
    package=planning.one_of(sorted(choices.PACKAGES)),
    trial=planning.one_of({trial for sweep in SWEEPS.values() for trial in sweep.specs}),
    checkpoint=planning.one_of({name for names in CHECKPOINTS.values() for name in names}),


def settings(stage):
    """What stage `stage` takes from the config, as canonical JSON; a function, so that its braces are no wildcards."""
    text = spec.canonical_json(spec.stage_spec(CONFIG, stage))
    return lambda wildcards: text


def section(name):
    """One section of the config as canonical JSON."""
    text = spec.canonical_json(CONFIG[name])
    return lambda wildcards: text


def study_settings(stage):
    """What stage `stage` takes from the config of the study `{study}`, as canonical JSON."""
    return lambda wildcards: spec.canonical_json(spec.stage_spec(TABLE.configs[wildcards.study], stage))


def page_settings():
    """What the stage `report` takes from the config of the study that results/report.html is of, as canonical JSON."""
    text = spec.canonical_json(spec.stage_spec(TABLE.configs[STUDY], "report"))
    return lambda wildcards: text


def run_settings(wildcards):
    """The complete spec of the run `{run}` as canonical JSON."""
    return spec.canonical_json(RUNS[wildcards.run]["spec"])


def evaluate_settings(wildcards):
    """How the run `{run}` generates, is embedded and scored, as canonical JSON."""
    return spec.canonical_json(spec.evaluate_spec(CONFIG, RUNS[wildcards.run]["generation"]))


def baselines_settings():
    """What the stage `baselines` takes from the config, as canonical JSON."""
    text = spec.canonical_json(spec.baselines_spec(CONFIG))
    return lambda wildcards: text


def code_models_settings():
    """What the stage `code_models` takes from the config, as canonical JSON."""
    text = spec.canonical_json(spec.code_models_spec(CONFIG))
    return lambda wildcards: text


def refiner_settings(wildcards):
    """The complete spec of the refiner `{refiner}` as canonical JSON."""
    return spec.canonical_json(REFINERS[wildcards.refiner])


def own_refiner_settings(wildcards):
    """The complete spec of the refiner that the run `{run}` has, as canonical JSON."""
    return spec.canonical_json(REFINERS[RUNS[wildcards.run]["refiner"]])


def mixers(run):
    """The mixers of the run `run`."""
    return tuple(spec.mixers_of(RUNS[run]["spec"]["variant"]))


def refiner_parts(refiner):
    """The parts of the network of the refiner `refiner` that are chosen by name, as plug-ins of a fingerprint."""
    chosen = REFINERS[refiner]["refiner"]
    return {name: chosen[name] for name in ("backbone", "objective")}


def train_code(wildcards):
    """Fingerprint of the training of the run `{run}`."""
    return code("train", mixer=mixers(wildcards.run))


def refiner_code(wildcards):
    """Fingerprint of the training of the refiner `{refiner}`."""
    return code("refiner", **refiner_parts(wildcards.refiner), codec=CODEC)


def evaluate_code(wildcards):
    """Fingerprint of all that the run `{run}` goes through once it is trained."""
    refiner = RUNS[wildcards.run]["refiner"]
    parts = (refiner_parts(refiner) if refiner else {}) | SCORED_BY
    return code("evaluate", mixer=mixers(wildcards.run), **parts, codec=CODEC, encoder=ENCODER)


def code_models_code():
    """Fingerprint of making trivial models of codes, embedding and scoring them."""
    parts = [refiner_parts(name) for name in run_table.shared_refiner(TABLE)]
    return code("code_models", **(parts[0] if parts else {}), **SCORED_BY, codec=CODEC, encoder=ENCODER)


def threads_of(training):
    """CPU threads of a training, of all its processes."""
    return training["threads"] * training["processes"]


def run_threads(wildcards):
    """CPU threads of the run `{run}`."""
    return threads_of(RUNS[wildcards.run]["spec"]["training"])


def refiner_threads(wildcards):
    """CPU threads of the refiner `{refiner}`."""
    return threads_of(REFINERS[wildcards.refiner]["training"])


def run_logger(wildcards):
    """Where the curve of the run `{run}` is watched, as options."""
    return run_table.logging_of_run(TABLE, wildcards.run).options


def refiner_logger(wildcards):
    """Where the curve of the refiner `{refiner}` is watched, as options."""
    return run_table.logging_of_refiner(TABLE, wildcards.refiner).options


def trial_spec(wildcards):
    """The spec of the trial `{trial}` of the study `{study}`."""
    return SWEEPS[wildcards.study].specs[wildcards.trial]


def trial_settings(wildcards):
    """The same as canonical JSON."""
    return spec.canonical_json(trial_spec(wildcards))


def trial_code(wildcards):
    """Fingerprint of the trial `{trial}`."""
    return code("tune", mixer=tuple(spec.mixers_of(trial_spec(wildcards)["variant"])))


def trial_threads(wildcards):
    """CPU threads of the trial `{trial}`."""
    return threads_of(trial_spec(wildcards)["training"])


def trial_results(wildcards):
    """The results of all trials of the study `{study}`."""
    return expand(f"results/tune/{wildcards.study}/{{trial}}.json", trial=SWEEPS[wildcards.study].specs)


def rates_settings(wildcards):
    """What the table of rates of the study `{study}` is made by, as canonical JSON."""
    command = planning.tuning_command(workflow.configfiles)
    return spec.canonical_json({"designs": SWEEPS[wildcards.study].designs, "command": command})


def lender(wildcards):
    """The folder of the run whose language model `{run}` has."""
    return f"results/runs/{RUNS[wildcards.run]['language_model']}"


def stage_files(run):
    """The models of the run `run` and what made them."""
    names = ["model.safetensors", "curve.parquet", "manifest.json"]
    second = ["refiner.safetensors", "refiner.json"] if RUNS[run]["refiner"] else []
    return [f"results/runs/{run}/{name}" for name in names + second]


def refiner_files(wildcards):
    """The second stage of the run `{run}`, if it has one: as it was trained, and as the run has it."""
    refiner = RUNS[wildcards.run]["refiner"]
    trained = [f"results/refiners/{refiner}/{name}" for name in ("model.safetensors", "manifest.json") if refiner]
    return trained + [file for file in stage_files(wildcards.run) if Path(file).stem == "refiner"]


def refiner_option(wildcards, input):
    """The option that names the folder of the second stage of the run `{run}`, or says that it has none."""
    refiner = RUNS[wildcards.run]["refiner"]
    return f"--refiner={remote.beside(input.dataset, f'results/refiners/{refiner}')}" if refiner else "--refiner=none"


def vocoder_settings(stage):
    """What stage `stage` of the vocoder takes from the config, as canonical JSON."""
    return lambda wildcards: spec.canonical_json(vocoder_stage(stage))


def vocoder_stage(stage):
    """The same as plain values."""
    try:
        return spec.vocoder_stage_spec(CONFIG, stage)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def vocoder_threads(wildcards):
    """CPU threads of the vocoder's training."""
    training = vocoder_stage("vocoder")["training"]
    return training["threads"] * training["processes"]


def shards(product):
    """Every shard of a product of the data set, as `product/{shard}.parquet`."""
    return expand(f"results/data/{VERSION}/{product}", shard=SHARDS)


def own(files):
    """Files of this machine: where results are kept in a storage, these aren't."""
    return [local(file) for file in files]


def released(files):
    """Files of the data set as later stages read them: once it is released, copying or touching it reruns nothing.

    Before, their jobs may still run: ancient() would hide that from the jobs that need their files.
    """
    return ancient(files) if RELEASED else files


def in_folder(product):
    """Every shard of a product of the data set, for a job that finds them in its folder by itself.

    The manifest is made after all of them, and stands for them; only to be fetched from a storage, they have to be named.
    """
    return released(shards(product)) if remote.is_remote(workflow) else []


def scores(system, checkpoints=(choices.FINAL,)):
    """Every score of a system."""
    return expand(
        f"results/{system}/scores/{{checkpoint}}/{{embedder}}.json", checkpoint=checkpoints, embedder=EMBEDDERS
    )


def judged(*checkpoints):
    """Embeddings and scores of a system at `checkpoints`, as they lie in its folder, by embedders of this environment."""
    names = ["embeddings/{checkpoint}/{embedder}.parquet", "scores/{checkpoint}/{embedder}.json"]
    return expand(names, checkpoint=checkpoints, embedder=HERE)


def systems_folder(wildcards, output):
    """The folder of the systems that a job makes, whose first output is the audio of one of them."""
    return str(Path(output[0]).parents[2])


def training_embeddings(wildcards):
    """The embeddings of training clips that scores need, if a metric asks for them."""
    tables = expand(f"results/data/{VERSION}/training/{{embedder}}.parquet", embedder=HERE)
    return tables if "training_copies" in METRICS else []


def reference_embeddings(wildcards):
    """The embeddings of the clips that runs are scored against."""
    return expand(
        f"results/baselines/{VERSION}/{{name}}/embeddings/final/{{embedder}}.parquet",
        name=["originals", "codec"],
        embedder=HERE,
    )


def run_scores(run):
    """Every score of the run `run`, of all its checkpoints."""
    return scores(f"runs/{run}", CHECKPOINTS[run])


def run_records(run):
    """What generating took, of every checkpoint of the run `run`."""
    return expand(f"results/runs/{run}/generated/{{checkpoint}}.json", checkpoint=CHECKPOINTS[run])


def data_facts():
    """Where a page has what it says of the data set from."""
    tables = expand("{name}.parquet", name=["index", "licensed", "rejected", "duplicates", "splits"])
    by_shard = ["audio/{shard}.rejected.parquet", "clips/{shard}.parquet", "clips/{shard}.rejected.parquet"]
    names = ["dataset.json", "ATTRIBUTION.md", *tables, *by_shard]
    return [file for name in names for file in released(shards(name))]


def parts(study):
    """What a page of `study` is made from, down to the released data set, the models and all scores."""
    systems = [f"runs/{run}" for run in STUDIES[study]] + BASELINES
    return [
        *data_facts(),
        f"results/data/{VERSION}/codec_quality.parquet",
        "results/claims.json",
        *expand(f"results/studies/{study}/{{name}}.parquet", name=choices.STUDY_TABLES),
        f"results/studies/{study}/summary.json",
        *(file for run in STUDIES[study] for file in stage_files(run)),
        *(file for run in STUDIES[study] for file in run_scores(run)),
        *(file for system in BASELINES for file in scores(system)),
        *likelihoods(study),
        *expand("results/{system}/generated/final.parquet", system=systems),
        *expand("results/{system}/generated/facts.json", system=[s for s in BASELINES if Path(s).name not in TOGETHER]),
        *package_numbers(study),
        *expand(f"results/references/{VERSION}/{PROMPTS['set']}.{{embedder}}.safetensors", embedder=EMBEDDERS),
    ]


def study_products(study):
    """All that a study is asked for by its name: its parts, its page and its figures."""
    return parts(study) + expand(f"results/studies/{study}/{{name}}", name=["report.html", "figures"])


def study_page_parts(wildcards):
    """What the page of the study `{study}` is made from."""
    page = f"results/studies/{wildcards.study}/report.html"
    return planning.page_parts(workflow.dag, page, wildcards.study, parts(wildcards.study))


def page_parts(wildcards):
    """What results/report.html is made from."""
    return planning.page_parts(workflow.dag, PAGE, STUDY, study_products(STUDY))


def references(wildcards):
    """Embeddings of what systems are scored against, {name: path}; of training clips only if a metric asks for them."""
    found = {
        name: f"results/baselines/{VERSION}/{name}/embeddings/{choices.FINAL}/{wildcards.embedder}.parquet"
        for name in ("originals", "codec")
    }
    training = f"results/data/{VERSION}/training/{wildcards.embedder}.parquet"
    return found | ({"training": training} if "training_copies" in METRICS else {})


def prompt_captions():
    """The tables that prompts are chosen from: the data set's, or that of `evaluation.prompts`."""
    return own([PROMPTS["captions"]]) if REFERENCES else released(shards("captions/{shard}.parquet"))


def reference_files(wildcards):
    """What the reference clips of a set are made from, as far as it lies on this machine."""
    tables = [PROMPTS[key] for key in ("captions", "only") if PROMPTS.get(key)]
    return own(tables + (list(map(str, audio_files(Path(PROMPTS["audio"])))) if PROMPTS.get("audio") else []))


def likelihoods(study):
    """How likely held-out clips are to every system of `study` that says so."""
    return [
        *expand("results/runs/{run}/likelihoods.parquet", run=STUDIES[study]),
        *expand(f"results/baselines/{VERSION}/{{name}}/likelihoods.parquet", name=choices.CODE_MODELS),
    ]


def external_files(wildcards):
    """The audio of the system `{external}`."""
    return own(map(str, audio_files(Path(EXTERNAL[wildcards.external]["folder"]))))


def external_settings(wildcards):
    """What stage `external` takes from the config for `{external}`, as canonical JSON."""
    return spec.canonical_json(spec.external_spec(CONFIG, wildcards.external))


def weights(wildcards):
    """The weights of `{embedder}`, if it takes any from this machine."""
    return own(model_files(CONFIG["evaluation"]["models"].get(wildcards.embedder)))


def embedder_weights(wildcards):
    """The weights of all embedders of this environment, as far as they take any from this machine."""
    return own(file for name in HERE for file in model_files(CONFIG["evaluation"]["models"].get(name)))


def codec_embedder_weights(wildcards):
    """The weights of the embedder that the codec's quality is measured with, if it takes any from this machine."""
    return own(file for name in CODEC_EMBEDDERS for file in model_files(CONFIG["evaluation"]["models"].get(name)))


def own_environment(wildcards):
    """The record of the environment that `{embedder}` runs in, if that isn't the main one."""
    return [environment_record(package) for name, package in choices.ELSEWHERE.items() if name == wildcards.embedder]


def environment_record(package):
    """What the environment of `package` was made from, in its folder."""
    return local(f"results/envs/{package}/environment.json")


def pins(wildcards):
    """What the environment of `{package}` has; it lies with the rules."""
    return local(str(ROOT / "workflow" / "envs" / f"{wildcards.package}.txt"))


def program(wildcards):
    """What runs `ssmttm embed`: for an embedder that can't share the main environment, the Python of its own one."""
    package = choices.ELSEWHERE.get(wildcards.embedder)
    return f'PYTHONPATH="$SSMTTM_ROOT" results/envs/{package}/bin/python -m ssmttm.cli' if package else "ssmttm"


def package_weights(wildcards):
    """The weights that `{package}` reads, as far as they lie on this machine."""
    evaluation = CONFIG["evaluation"]
    embedders = choices.package_embedders(wildcards.package, evaluation["embedders"], evaluation["models"])
    return own(file for name in embedders for file in model_files(evaluation["models"].get(name)))


def package_systems(wildcards):
    """The systems of the study `{study}`, in their folders."""
    return [f"results/{system}" for system in [*(f"runs/{run}" for run in STUDIES[wildcards.study]), *BASELINES]]


def package_scores(wildcards):
    """Our scores of these systems by the embedders whose weights `{package}` reads."""
    evaluation = CONFIG["evaluation"]
    embedders = choices.package_embedders(wildcards.package, evaluation["embedders"], evaluation["models"])
    return expand("{system}/scores/final/{embedder}.json", system=package_systems(wildcards), embedder=embedders)


def package_numbers(study):
    """What published packages say of the systems of `study`."""
    return expand(f"results/studies/{study}/packages/{{package}}.json", package=CONFIG["evaluation"]["packages"])


def repeated(option, files):
    """The input files `files` as `--option=path`, one option per file."""
    return lambda wildcards, input: [f"--{option}={path}" for path in input[files]]
