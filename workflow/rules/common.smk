# The only Python of the workflow: the validated config, names, and one-line helpers that call
# tested functions of the package. Nothing here, and nothing it imports, imports torch.

import shlex
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from ssmttm import provenance, spec
from ssmttm.errors import UserError

# `ssmttm` is the one that belongs to this Snakemake, whether or not its environment is activated.
shell.prefix(f"set -euo pipefail; export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")

try:
    CONFIG = spec.validate_config(config, " + ".join(map(str, workflow.configfiles)))
    RUNS = spec.read_runs(CONFIG)
    spec.check_release(CONFIG, f"results/data/{CONFIG['data']['version']}")
except UserError as error:
    raise WorkflowError(str(error)) from None

VERSION = CONFIG["data"]["version"]
SHARDS = range(CONFIG["data"]["shards"])
CODEC = CONFIG["data"]["codec"]["name"]
ENCODER = CONFIG["data"]["text"]["encoder"]
EMBEDDER = CONFIG["evaluation"]["embedder"]
STUDIES = {row["study"]: spec.runs_of(RUNS, row["study"]) for row in RUNS.values()}
code = cache(provenance.code_of)  # fingerprints are taken once, when planning starts
SYSTEMS = [
    *(f"runs/{run}" for run in RUNS),
    *(f"baselines/{VERSION}/{name}" for name in spec.BASELINES),
]


wildcard_constraints:
    version=spec.one_of([VERSION]),
    shard=spec.one_of(SHARDS),
    run=spec.one_of(RUNS),
    study=spec.one_of(STUDIES),
    baseline=spec.one_of(spec.BASELINES),
    system=spec.one_of(SYSTEMS),
    embedder=spec.one_of([EMBEDDER]),
    metric=spec.one_of(spec.METRICS),


def settings(stage):
    """What stage `stage` takes from the config, as canonical JSON; a function, so that its braces are no wildcards."""
    text = spec.canonical_json(spec.stage_spec(CONFIG, stage))
    return lambda wildcards: text


def section(name):
    """One section of the config as canonical JSON."""
    text = spec.canonical_json(CONFIG[name])
    return lambda wildcards: text


def run_settings(wildcards):
    """The complete spec of the run `{run}` as canonical JSON."""
    return spec.canonical_json(RUNS[wildcards.run]["spec"])


def mixers(run):
    """The mixers of the run `run`."""
    return tuple(spec.mixers_of(RUNS[run]["spec"]["variant"]))


def run_code(stage, **choice):
    """Fingerprint of stage `stage` with the mixers of `{run}`."""
    return lambda wildcards: code(stage, mixer=mixers(wildcards.run), **choice)


def run_threads(wildcards):
    """CPU threads of the run `{run}`, of all its processes."""
    training = RUNS[wildcards.run]["spec"]["training"]
    return training["threads"] * training["processes"]


def shards(product):
    """Every shard of a product of the data set, as `product/{shard}.parquet`."""
    return expand(f"results/data/{VERSION}/{product}", shard=SHARDS)


def scores(system):
    """Every score of a system."""
    return expand(f"results/{system}/scores/{{metric}}.json", metric=spec.METRICS)


def repeated(option, files):
    """The input files `files` as `--option=path`, one option per file."""
    return lambda wildcards, input: [f"--{option}={path}" for path in input[files]]
