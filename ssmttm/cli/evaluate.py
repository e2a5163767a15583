"""Commands that score systems and compare them: prompts, audio, embeddings, scores, tables, the page."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import (
    AllClips,
    AllFingerprints,
    Cache,
    CodecFile,
    DataSet,
    Device,
    EmbeddingCache,
    Out,
    Prompts,
    Spec,
    Splits,
    Threads,
    new_file,
    new_folder,
    option,
)
from ssmttm.config import load_config
from ssmttm.given import (
    baselines_settings,
    check_external_spec,
    code_models_settings,
    evaluate_settings,
    parse_spec,
    stage_settings,
)
from ssmttm.spec import external_spec

app = typer.Typer()


@app.command()
def prompts(
    captions: Annotated[list[Path], option("captions/{shard}.parquet; repeat for every shard.")],
    splits: Splits,
    out: Out,
    references: Annotated[list[Path] | None, option("Reference clips of another set than the test split.")] = None,
    spec: Spec = None,
) -> None:
    """Choose the held-out captions that every system is asked for: of the test split, or of evaluation.prompts."""
    from ssmttm.stages import prompts

    prompts.run(stage_settings("prompts", spec), captions, splits, out, references)


@app.command("reference_clips")
def reference_clips(
    splits: Splits, fingerprints: AllFingerprints, out: Out, spec: Spec = None, cache: Cache = Path("results/cache")
) -> None:
    """Cut the audio of a set of captions (evaluation.prompts) into reference clips; refuse what was trained on."""
    from ssmttm.stages import reference_clips

    reference_clips.run(stage_settings("reference_clips", spec), splits, fingerprints, cache, out)


@app.command()
def baseline(
    name: Annotated[str, option("originals, codec, shuffled, noise, same_track, training_codec or nearest_caption.")],
    prompts: Prompts,
    clips: Annotated[list[Path], option("clips/{shard}.parquet, or reference clips; repeat for every one.")],
    codec: CodecFile,
    out: Out,
    splits: Annotated[Path | None, option("splits.parquet, for training clips.")] = None,
    text: Annotated[list[Path] | None, option("text/{shard}.parquet, for nearest_caption; repeat.")] = None,
    spec: Spec = None,
) -> None:
    """Write the audio of a system that is no model: ceiling, floor and references."""
    from ssmttm.stages import baseline

    baseline.run(stage_settings("baseline", spec), name, prompts, clips, codec, out, splits, text or [])


@app.command()
def trivial(
    name: Annotated[str, option("unigram, copy, bigram or trigram.")],
    prompts: Prompts,
    data: Annotated[Path, option("results/data/<version>: the released data set that it is fitted to.")],
    codec: CodecFile,
    out: Out,
    refiner: Annotated[
        Path | None, option("What completes codes of level 1; without one, each level is alike.")
    ] = None,
    spec: Spec = None,
) -> None:
    """Write audio of a trivial model of codes: what a language model has to beat."""
    from ssmttm.stages import trivial

    trivial.run(stage_settings("trivial", spec), name, prompts, data, codec, out, refiner)


@app.command()
def baselines(
    data: DataSet,
    clips: AllClips,
    text: Annotated[list[Path], option("text/{shard}.parquet; repeat for every shard.")],
    out: Annotated[Path, new_folder("Folder for a folder of each baseline, results/baselines/{data version}.")],
    references: Annotated[Path | None, option("Reference clips of another set than the test split.")] = None,
    cache: EmbeddingCache = Path("results/cache/embeddings"),
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Write audio, embeddings and scores of all systems that are no model; what is right already stays."""
    from ssmttm.stages import baselines

    baselines.run(baselines_settings(spec), data, clips, text, references, out, cache, threads)


@app.command("code_models")
def code_models(
    data: DataSet,
    out: Annotated[Path, new_folder("Folder of the baselines, for a folder of each model.")],
    refiner: Annotated[
        Path | None, option("What completes codes of level 1; without one, each level is alike.")
    ] = None,
    cache: EmbeddingCache = Path("results/cache/embeddings"),
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Write audio, likelihoods, embeddings and scores of trivial models of codes; what is right already stays."""
    from ssmttm.stages import code_models

    code_models.run(code_models_settings(spec), data, refiner, out, cache, threads)


@app.command()
def evaluate(
    audio: Annotated[
        list[Path],
        typer.Argument(help="What to generate, RUN/generated/CHECKPOINT.parquet: embeddings and scores go with it."),
    ],
    data: DataSet,
    baselines: Annotated[Path, option("results/baselines/{data version}, whose originals and codec are embedded.")],
    refiner: Annotated[Path, option("The folder of the run's second stage, or none.")] = Path("none"),
    cache: EmbeddingCache = Path("results/cache/embeddings"),
    spec: Spec = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Generate with a run's models, embed and score, and say how likely held-out clips are; what is right stays."""
    from ssmttm.stages import evaluate

    name = audio[0].absolute().parent.parent.name
    evaluate.run(evaluate_settings(name, spec), audio, data, baselines, refiner, cache, device, threads)


Facts = Annotated[Path, new_file("facts.json: what is known of the system; written, too.", "--facts")]


@app.command()
def external(
    name: Annotated[str, option("A system of evaluation.systems.")],
    prompts: Prompts,
    out: Out,
    facts: Facts,
    spec: Spec = None,
) -> None:
    """Take over another system's audio from its folder, by caption id."""
    from ssmttm.stages import external

    settings = check_external_spec(parse_spec(spec)) if spec else external_spec(load_config(), name)
    external.run(settings, name, prompts, out, facts)


@app.command()
def musicgen(
    prompts: Prompts, out: Out, facts: Facts, spec: Spec = None, device: Device = "auto", threads: Threads = None
) -> None:
    """Generate the prompts' audio with MusicGen, from weights on this machine; interrupted, it goes on."""
    from ssmttm.stages import musicgen

    musicgen.run(stage_settings("musicgen", spec), prompts, out, facts, device, threads)


@app.command("codec_quality")
def codec_quality(
    clips: AllClips,
    tokens: Annotated[list[Path], option("tokens/{shard}.parquet; repeat for every shard.")],
    splits: Splits,
    codec: CodecFile,
    out: Out,
    cache: EmbeddingCache = Path("results/cache/embeddings"),
    spec: Spec = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Measure how well the codec gives test clips back, for each number of levels, and how it uses its codes."""
    from ssmttm.stages import codec_quality

    settings = stage_settings("codec_quality", spec)
    codec_quality.run(settings, clips, tokens, splits, codec, out, cache, threads, device)


@app.command()
def embed(
    embedder: Annotated[str, option("musicnn, or another of evaluation.embedders.")],
    out: Out,
    generated: Annotated[Path | None, option("A table of generated audio.")] = None,
    clips: Annotated[
        list[Path] | None, option("Instead: clips/{shard}.parquet, for its training clips; repeat.")
    ] = None,
    splits: Annotated[Path | None, option("With --clips: splits.parquet.")] = None,
    cache: EmbeddingCache = Path("results/cache/embeddings"),
    spec: Spec = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Compute audio embeddings and class posteriors of a system's clips, or of training clips."""
    from ssmttm.stages import embed

    embed.run(stage_settings("embed", spec), embedder, generated, clips or [], splits, out, cache, threads, device)


@app.command()
def statistics(
    embeddings: Annotated[Path, option("Embeddings of a reference set.")],
    name: Annotated[str, option("What the set is called, such as musiccaps.")],
    out: Out,
) -> None:
    """Write mean and covariance of a reference set's embeddings, which can be passed on without its audio."""
    from ssmttm.stages import statistics

    statistics.run(embeddings, name, out)


@app.command()
def likelihood(
    data: Annotated[Path, option("results/data/<version>: the released data set.")],
    out: Out,
    model: Annotated[Path | None, option("model.safetensors of a trained run.")] = None,
    system: Annotated[
        str | None, option("Instead: unigram, bigram, trigram or copy, fitted to the training clips.")
    ] = None,
    spec: Spec = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Compute the negative log-likelihood of every held-out clip: with its own caption, another's, and none."""
    from ssmttm.stages import likelihood

    likelihood.run(stage_settings("likelihood", spec), data, out, model, system, device, threads)


@app.command()
def score(
    embedder: Annotated[str, option("Which embedder made the embeddings.")],
    system: Annotated[str, option("Name of the system that is scored.")],
    embeddings: Annotated[Path, option("Embeddings of the system's clips.")],
    reference: Annotated[
        list[str], option("NAME=FILE: embeddings of `originals`, `codec` (both needed) and `training`; repeat.")
    ],
    out: Out,
    data: Annotated[
        Path | None, option("results/data/<version>: refuse to score if its files aren't as released.")
    ] = None,
    spec: Spec = None,
) -> None:
    """Compute every metric of one system against its references, with bootstrap intervals."""
    from ssmttm.stages import score

    score.run(stage_settings("score", spec), embedder, system, embeddings, score.named_files(reference), out, data)


@app.command()
def environment(
    package: Annotated[str, option("frechet_audio_distance or laion_clap.")],
    pins: Annotated[Path, option("What it has: workflow/envs/PACKAGE.txt.")],
    out: Annotated[Path, new_file("environment.json in the environment's folder, which is made.", "--out")],
) -> None:
    """Make the environment of a published metric package, by venv and pip; one that is right already stays."""
    from ssmttm.stages import environment

    environment.run(package, pins, out)


@app.command()
def packages(
    package: Annotated[str, option("frechet_audio_distance or laion_clap.")],
    environment: Annotated[Path, option("Its environment, results/envs/PACKAGE.")],
    systems: Annotated[list[Path], option("Folder of a system with audio and our scores; repeat for every one.")],
    baselines: Annotated[
        Path, option("results/baselines/{data version}, whose originals and codec are the references.")
    ],
    out: Out,
    cache: Annotated[Path, option("Folder of embeddings that are there already.")] = Path("results/cache/packages"),
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Have a published metric package score systems in its own environment, and set its numbers beside ours."""
    from ssmttm.stages import packages

    packages.run(stage_settings("packages", spec), package, environment, systems, baselines, out, cache, threads)


@app.command()
def compare(
    study: Annotated[str, option("Name of the study.")],
    runs: Annotated[list[Path], option("results/runs/{run}; repeat for every run.")],
    sizes: Annotated[list[str], option("The name of its size; repeat for every run, in the same order.")],
    baselines: Annotated[list[Path], option("results/baselines/{data version}/{name}; repeat for each.")],
    out: Annotated[Path, new_folder("Folder for comparison.csv, comparison.parquet and curves.parquet.")],
    changes: Annotated[
        list[str] | None,
        option("The overrides that make its design another one, or nothing; repeat for every run, in the same order."),
    ] = None,
    spec: Spec = None,
) -> None:
    """Collect scores, curves and costs of one study's runs into tidy tables."""
    from ssmttm.stages import compare

    compare.run(stage_settings("compare", spec), study, runs, sizes, baselines, out, changes)


@app.command()
def claims(
    out: Annotated[Path | None, new_file("claims.json: the file to write. Default: print.", "--out")] = None,
    spec: Annotated[
        str | None,
        option("Other settings as JSON: preset, size, budget, variants, hours, refiner. Default: the paper's."),
    ] = None,
) -> None:
    """Count the paper's 9 % of MusicGen-small's FLOPs and 2 % of its data by our own and by published conventions."""
    from ssmttm.stages import claims

    text = claims.run(parse_spec(spec) if spec else None, out)
    if out is None:
        print(text)


@app.command()
def report(
    studies: Annotated[list[Path], option("results/studies/{study}; repeat it for several on one page.")],
    data: Annotated[Path, option("results/data/<version>.")],
    out: Out,
    claims: Annotated[Path | None, option("claims.json, which `ssmttm claims` writes.")] = None,
    figures: Annotated[
        bool, option("Also write the studies' figures beside their tables.", "--figures/--no-figures")
    ] = True,
    spec: Spec = None,
) -> None:
    """Write the self-contained report page of a study, and its figures as SVG and CSV beside its tables."""
    from ssmttm.stages import report

    report.run(stage_settings("report", spec), studies, data, out, claims, figures)
