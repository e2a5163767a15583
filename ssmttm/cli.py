"""The command line: one subcommand per stage. Imports lazily; holds no logic."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ssmttm import __version__
from ssmttm.errors import UserError
from ssmttm.given import alike, check_external_spec, check_run_spec, check_section, check_stage_spec, check_writable
from ssmttm.spec import (
    ROOT,
    generation_settings,
    load_config,
    load_preset,
    parse_spec,
    presets,
    read_runs,
    stage_spec,
    stages,
)
from ssmttm.stages._threads import wait_asleep

app = typer.Typer(
    name="ssmttm",
    help="Data, training and evaluation of state-space text-to-music models, one stage per command.\n\n"
    "The workflow (snakemake --cores all results/report.html) calls these commands; each can be run by hand. "
    "Settings come from --spec (JSON, or a file of it) or, without it, from config.yaml in this folder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 110},
)


def _file(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """Refuse a file that can't be written, before any work is done for it."""
    if path is not None:
        check_writable(path, parameter.opts[0], folder=False)
    return path


def _folder(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """The same for a folder."""
    if path is not None:
        check_writable(path, parameter.opts[0], folder=True)
    return path


def _file_or_folder(parameter: typer.CallbackParam, path: Path | None) -> Path | None:
    """The same where either may be asked for."""
    if path is not None:
        check_writable(path, parameter.opts[0])
    return path


Spec = Annotated[
    str | None, typer.Option("--spec", help="Settings as JSON or a JSON file. Default: from ./config.yaml.")
]
Out = Annotated[Path, typer.Option("--out", callback=_file, help="The file to write.")]
Shard = Annotated[int, typer.Option(min=0, help="Which shard, from 0.")]
Cache = Annotated[Path, typer.Option("--cache", help="Folder for downloads, verified and reused.")]
CodecFile = Annotated[Path, typer.Option("--codec", help="The fitted codec (codec.safetensors).")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="CPU threads. Default: torch's choice.")]
Splits = Annotated[Path, typer.Option("--splits", help="splits.parquet.")]


def _spec(stage: str, text: str | None) -> dict[str, Any]:
    return check_stage_spec(stage, parse_spec(text)) if text else stage_spec(load_config(), stage)


def _version(asked: bool) -> None:
    if asked:
        print(f"ssmttm {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def index(out: Out, spec: Spec = None, cache: Cache = Path("results/cache")) -> None:
    """List candidate tracks of all configured sources with their license evidence."""
    from ssmttm.stages import index

    index.run(_spec("index", spec), cache, out)


license_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(license_app, name="license")


@license_app.callback()
def license(
    context: typer.Context,
    index: Annotated[Path | None, typer.Option(help="index.parquet.")] = None,
    licensed: Annotated[
        Path | None, typer.Option(callback=_file, help="Tracks that may be used: the table to write.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(callback=_file, help="Tracks that may not, with reasons: the table to write.")
    ] = None,
    attribution: Annotated[Path | None, typer.Option(callback=_file, help="ATTRIBUTION.md: the file to write.")] = None,
    spec: Spec = None,
) -> None:
    """Decide by evidence which tracks may be used under the policy; every rejection has a reason."""
    if context.invoked_subcommand:
        return
    paths = {"--index": index, "--licensed": licensed, "--rejected": rejected, "--attribution": attribution}
    if missing := [option for option, path in paths.items() if path is None]:
        raise UserError(f"license: {', '.join(missing)} must be given; see ssmttm license --help")
    from ssmttm.stages import license

    license.run(_spec("license", spec), *paths.values())


@license_app.command()
def explain(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="License names, SPDX expressions, addresses or sentences. Without any: standard input, one a line."
        ),
    ] = None,
    index: Annotated[Path | None, typer.Option(help="With --track: explain a track of this index.parquet.")] = None,
    track: Annotated[str | None, typer.Option(help="A track_id of that table.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    spec: Spec = None,
) -> None:
    """Show what license statements are understood as, and what the policy says of them.

    The policy is that of ./config.yaml or, elsewhere, that of the default study.
    """
    from ssmttm.stages import explain

    here = Path("config.yaml")
    settings = stage_spec(load_config(here if here.is_file() else ROOT / here), "license")
    if spec:
        settings = check_stage_spec("license", parse_spec(spec))
    piped = None if texts or track or sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer
    for shown in explain.run(settings, texts or [], piped, index, track, as_json):
        sys.stdout.write(shown + "\n")


@app.command()
def audio(
    licensed: Annotated[Path, typer.Option(help="licensed.parquet.")],
    shard: Shard,
    shards: Annotated[int, typer.Option(min=1, help="How many shards there are.")],
    out: Out,
    rejected: Annotated[
        Path, typer.Option(callback=_file, help="Tracks that failed, with reasons: the table to write.")
    ],
    spec: Spec = None,
    cache: Cache = Path("results/cache"),
) -> None:
    """Fetch, verify and store the encoded audio of one shard's tracks."""
    from ssmttm.stages import audio

    audio.run(_spec("audio", spec), licensed, shard, shards, cache, out, rejected)


@app.command()
def clips(
    audio: Annotated[Path, typer.Option(help="audio/{shard}.parquet.")],
    out: Out,
    fingerprints: Annotated[Path, typer.Option(callback=_file, help="Fingerprints of the tracks: the table to write.")],
    rejected: Annotated[Path, typer.Option(callback=_file, help="Dropped clips, with reasons: the table to write.")],
    spec: Spec = None,
) -> None:
    """Cut tracks into clips of fixed length, resampled, mono, loudness-normalized; take their fingerprints."""
    from ssmttm.stages import clips

    clips.run(_spec("clips", spec), audio, out, fingerprints, rejected)


@app.command()
def duplicates(
    fingerprints: Annotated[list[Path], typer.Option(help="fingerprints/{shard}.parquet; repeat for every shard.")],
    licensed: Annotated[Path, typer.Option(help="licensed.parquet.")],
    out: Out,
    spec: Spec = None,
) -> None:
    """Find recordings that are there more than once, exactly or nearly, and choose which one is kept."""
    from ssmttm.stages import duplicates

    duplicates.run(_spec("duplicates", spec), fingerprints, licensed, out)


@app.command()
def splits(
    clips: Annotated[list[Path], typer.Option(help="clips/{shard}.parquet; repeat for every shard.")],
    licensed: Annotated[Path, typer.Option(help="licensed.parquet.")],
    duplicates: Annotated[Path, typer.Option(help="duplicates.parquet.")],
    out: Out,
    spec: Spec = None,
) -> None:
    """Assign clips to train, validation and test by a hash of the artist; duplicates to none."""
    from ssmttm.stages import splits

    splits.run(_spec("splits", spec), clips, licensed, duplicates, out)


@app.command()
def captions(
    clips: Annotated[Path, typer.Option(help="clips/{shard}.parquet.")],
    licensed: Annotated[Path, typer.Option(help="licensed.parquet.")],
    out: Out,
    spec: Spec = None,
    cache: Cache = Path("results/cache"),
) -> None:
    """Analyze clips (essentia, musicnn) and write captions for each, reworded by a language model if one is set."""
    from ssmttm.stages import captions

    captions.run(_spec("captions", spec), clips, licensed, out, cache)


@app.command()
def codec(
    clips: Annotated[list[Path], typer.Option(help="clips/{shard}.parquet; repeat for every shard.")],
    splits: Splits,
    out: Out,
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Fit the codec on the training split."""
    from ssmttm.stages import codec

    codec.run(_spec("codec", spec), clips, splits, out, threads)


@app.command()
def tokens(
    clips: Annotated[Path, typer.Option(help="clips/{shard}.parquet.")],
    codec: CodecFile,
    out: Out,
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Encode clips to codec tokens."""
    from ssmttm.stages import tokens

    tokens.run(_spec("tokens", spec), clips, codec, out, threads)


@app.command()
def text(
    captions: Annotated[Path, typer.Option(help="captions/{shard}.parquet.")],
    out: Out,
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Encode captions to token embeddings with the frozen text encoder."""
    from ssmttm.stages import text

    text.run(_spec("text", spec), captions, out, threads)


@app.command()
def release(
    folder: Annotated[Path, typer.Option(help="results/data/<version>, with all shards finished.")],
    out: Out,
    spec: Annotated[
        str | None, typer.Option(help="The config's `data` section as JSON. Default: from ./config.yaml.")
    ] = None,
) -> None:
    """Check a finished data set for consistency and write its manifest, dataset.json."""
    from ssmttm.stages import release

    release.run(check_section("data", parse_spec(spec)) if spec else load_config()["data"], folder, out)


dataset_app = typer.Typer(help="Pass a released data set on.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(dataset_app, name="dataset")


@dataset_app.command("export")
def export(
    data: Annotated[Path, typer.Option(help="results/data/<version>, released.")],
    out: Annotated[
        Path, typer.Option(callback=_folder, help="The new folder to write; `datasets.load_dataset(FOLDER)` reads it.")
    ],
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="With the clips themselves, as FLAC.")] = True,
    tokens: Annotated[bool, typer.Option("--tokens/--no-tokens", help="With the codec tokens.")] = False,
    private: Annotated[
        bool,
        typer.Option(
            "--private",
            help="Also clips whose license forbids passing on changed versions (ND): for your own use only.",
        ),
    ] = False,
    shard_megabytes: Annotated[int, typer.Option(min=1, help="A Parquet file ends beyond this size.")] = 500,
) -> None:
    """Write clips, captions and credits as Parquet with a data card and ATTRIBUTION.md."""
    from ssmttm.stages import export

    export.run(data, out, audio, tokens, private, shard_megabytes << 20)


@app.command()
def train(
    run: Annotated[str, typer.Option(help="The run's name in the run table.")],
    data: Annotated[Path, typer.Option(help="results/data/<version>, released.")],
    out: Annotated[
        Path, typer.Option(callback=_folder, help="Folder for model.safetensors, curve.parquet, manifest.json.")
    ],
    spec: Annotated[str | None, typer.Option(help="The run's spec as JSON. Default: from ./config.yaml.")] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of all processes. Default: training.threads for each.")
    ] = None,
) -> None:
    """Train one run under its budget; interrupted, it resumes from out/state."""
    from ssmttm.stages import train

    train.run(run, check_run_spec(parse_spec(spec)) if spec else _run(run)["spec"], data, out, device, threads)


def _run(name: str) -> dict[str, Any]:
    config = load_config()
    runs = read_runs(config)
    if name not in runs:
        raise UserError(f"{config['runs']}: no run {name!r}; {alike(name, runs)}")
    return runs[name]


@app.command()
def prompts(
    captions: Annotated[list[Path], typer.Option(help="captions/{shard}.parquet; repeat for every shard.")],
    splits: Splits,
    out: Out,
    references: Annotated[
        list[Path] | None, typer.Option(help="Reference clips of another set than the test split.")
    ] = None,
    spec: Spec = None,
) -> None:
    """Choose the held-out captions that every system is asked for: of the test split, or of evaluation.prompts."""
    from ssmttm.stages import prompts

    prompts.run(_spec("prompts", spec), captions, splits, out, references)


@app.command("reference_clips")
def reference_clips(
    splits: Splits,
    fingerprints: Annotated[list[Path], typer.Option(help="fingerprints/{shard}.parquet; repeat for every shard.")],
    out: Out,
    spec: Spec = None,
    cache: Cache = Path("results/cache"),
) -> None:
    """Cut the audio of a set of captions (evaluation.prompts) into reference clips; refuse what was trained on."""
    from ssmttm.stages import reference_clips

    reference_clips.run(_spec("reference_clips", spec), splits, fingerprints, cache, out)


@app.command()
def generate(
    model: Annotated[Path, typer.Option(help="A trained run, such as results/runs/prefix-simba-base-iters.")],
    out: Annotated[
        Path,
        typer.Option(
            callback=_file_or_folder,
            help="A .wav or .flac file (with --prompt); with --prompts a folder, for a .wav per prompt, "
            "or a .parquet file.",
        ),
    ],
    prompt: Annotated[str | None, typer.Option(help="What the music should be like.")] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            help="Many prompts: a .txt file, one a line, or a .csv or .parquet table with a column `caption` "
            "and, to name them, `clip_id` or `name`."
        ),
    ] = None,
    continue_from: Annotated[
        Path | None,
        typer.Option(
            "--continue-from",
            help="An audio file of at most 10 minutes to go on from. The output holds it, as the codec renders it, "
            "and then --seconds of new audio.",
        ),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option(
            "--stream",
            help="Write to NAME.partial.wav, which can be played meanwhile and becomes NAME.wav at the end. Loud peaks "
            "are bent, where otherwise the whole clip is turned down.",
        ),
    ] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, max=3600, help="Length of the new audio. Default: as trained.")
    ] = None,
    temperature: Annotated[float | None, typer.Option(min=1e-3, help="Softmax temperature.")] = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Sample among this many likeliest codes.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance scale; 1 is off.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the sampler.")] = None,
    codec: Annotated[
        Path | None,
        typer.Option(
            help="The fitted codec. Default: codec.safetensors in the run's folder or, else, of the run's data set."
        ),
    ] = None,
    spec: Annotated[
        str | None,
        typer.Option(
            help="The config's `generation` section as JSON. Default: ./config.yaml or, where there is none, "
            "the default study's."
        ),
    ] = None,
    device: Device = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads. Default: by the model's size.")] = None,
    precision: Annotated[
        str, typer.Option(help="fp32, or bf16: weights of half the size; states and logits stay in fp32.")
    ] = "fp32",
) -> None:
    """Generate music from a prompt, or from a file of prompts."""
    from ssmttm.stages import generate

    settings = check_section("generation", parse_spec(spec)) if spec else generation_settings()
    given = {"temperature": temperature, "top_k": top_k, "guidance": guidance, "seed": seed}
    settings |= {k: v for k, v in given.items() if v is not None}
    generate.run(
        settings, model, out, prompt, prompts, seconds, codec, device, threads, continue_from, stream, precision
    )


@app.command()
def baseline(
    name: Annotated[str, typer.Option(help="originals, codec, shuffled, noise or training.")],
    prompts: Annotated[Path, typer.Option(help="prompts.parquet.")],
    clips: Annotated[list[Path], typer.Option(help="clips/{shard}.parquet, or reference clips; repeat for every one.")],
    codec: CodecFile,
    out: Out,
    splits: Annotated[Path | None, typer.Option(help="splits.parquet, for training.")] = None,
    spec: Spec = None,
) -> None:
    """Write the audio of a system that is no model: ceiling, floor and references."""
    from ssmttm.stages import baseline

    baseline.run(_spec("baseline", spec), name, prompts, clips, codec, out, splits)


Facts = Annotated[
    Path, typer.Option("--facts", callback=_file, help="facts.json: what is known of the system; written, too.")
]


@app.command()
def external(
    name: Annotated[str, typer.Option(help="A system of evaluation.systems.")],
    prompts: Annotated[Path, typer.Option(help="prompts.parquet.")],
    out: Out,
    facts: Facts,
    spec: Spec = None,
) -> None:
    """Take over another system's audio from its folder, by caption id."""
    from ssmttm.spec import external_spec
    from ssmttm.stages import external

    settings = check_external_spec(parse_spec(spec)) if spec else external_spec(load_config(), name)
    external.run(settings, name, prompts, out, facts)


@app.command()
def musicgen(
    prompts: Annotated[Path, typer.Option(help="prompts.parquet.")],
    out: Out,
    facts: Facts,
    spec: Spec = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Generate the prompts' audio with MusicGen, from weights on this machine; interrupted, it goes on."""
    from ssmttm.stages import musicgen

    musicgen.run(_spec("musicgen", spec), prompts, out, facts, device, threads)


@app.command()
def embed(
    embedder: Annotated[str, typer.Option(help="musicnn, or another of evaluation.embedders.")],
    out: Out,
    generated: Annotated[Path | None, typer.Option(help="A table of generated audio.")] = None,
    clips: Annotated[
        list[Path] | None,
        typer.Option(help="Instead: clips/{shard}.parquet, for its training clips; repeat."),
    ] = None,
    splits: Annotated[Path | None, typer.Option(help="With --clips: splits.parquet.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder of embeddings that are there already.")] = Path(
        "results/cache/embeddings"
    ),
    spec: Spec = None,
    threads: Threads = None,
) -> None:
    """Compute audio embeddings and class posteriors of a system's clips, or of training clips."""
    from ssmttm.stages import embed

    embed.run(_spec("embed", spec), embedder, generated, clips or [], splits, out, cache, threads)


@app.command()
def statistics(
    embeddings: Annotated[Path, typer.Option(help="Embeddings of a reference set.")],
    name: Annotated[str, typer.Option(help="What the set is called, such as musiccaps.")],
    out: Out,
) -> None:
    """Write mean and covariance of a reference set's embeddings, which can be passed on without its audio."""
    from ssmttm.stages import statistics

    statistics.run(embeddings, name, out)


@app.command()
def score(
    embedder: Annotated[str, typer.Option(help="Which embedder made the embeddings.")],
    system: Annotated[str, typer.Option(help="Name of the system that is scored.")],
    embeddings: Annotated[Path, typer.Option(help="Embeddings of the system's clips.")],
    reference: Annotated[
        list[str],
        typer.Option(help="NAME=FILE: embeddings of `originals`, `codec` (both needed) and `training`; repeat."),
    ],
    out: Out,
    data: Annotated[
        Path | None, typer.Option(help="results/data/<version>: refuse to score if its files aren't as released.")
    ] = None,
    spec: Spec = None,
) -> None:
    """Compute every metric of one system against its references, with bootstrap intervals."""
    from ssmttm.stages import score

    score.run(_spec("score", spec), embedder, system, embeddings, score.named_files(reference), out, data)


@app.command()
def compare(
    study: Annotated[str, typer.Option(help="Name of the study.")],
    runs: Annotated[list[Path], typer.Option(help="results/runs/{run}; repeat for every run.")],
    sizes: Annotated[list[str], typer.Option(help="The name of its size; repeat for every run, in the same order.")],
    baselines: Annotated[list[Path], typer.Option(help="results/baselines/{data version}/{name}; repeat for each.")],
    out: Annotated[
        Path, typer.Option(callback=_folder, help="Folder for comparison.csv, comparison.parquet and curves.parquet.")
    ],
    spec: Spec = None,
) -> None:
    """Collect scores, curves and costs of one study's runs into tidy tables."""
    from ssmttm.stages import compare

    compare.run(_spec("compare", spec), study, runs, sizes, baselines, out)


@app.command()
def report(
    studies: Annotated[list[Path], typer.Option(help="results/studies/{study}; repeat it for several on one page.")],
    data: Annotated[Path, typer.Option(help="results/data/<version>.")],
    out: Out,
    claims: Annotated[Path | None, typer.Option(help="claims.json, which `ssmttm claims` writes.")] = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Also write the studies' figures beside their tables.")
    ] = True,
    spec: Spec = None,
) -> None:
    """Write the self-contained report page of a study, and its figures as SVG and CSV beside its tables."""
    from ssmttm.stages import report

    report.run(_spec("report", spec), studies, data, out, claims, figures)


listen_app = typer.Typer(
    help="Blinded listening tests of a study's systems.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(listen_app, name="listen")


@listen_app.command("build")
def listen_build(
    study: Annotated[Path, typer.Option(help="results/studies/{study}, finished.")],
    out: Annotated[
        Path, typer.Option(callback=_folder, help="The new public folder: a page and its audio, with opaque names.")
    ],
    key: Annotated[
        Path | None,
        typer.Option(callback=_file, help="The secret file that says which clip is whose. Default: OUT.key.json."),
    ] = None,
    systems: Annotated[
        list[str] | None,
        typer.Option(help="Systems, by comma or repeated. Default: all but the baselines, and real music (originals)."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(help="Pairs A:B to compare, by comma or repeated. Default: every two that are no baselines."),
    ] = None,
    captions: Annotated[int, typer.Option(min=1, help="How many captions; drawn by --seed.")] = 8,
    tests: Annotated[str, typer.Option(help="mos (ratings), preference (pairs), or both.")] = "mos,preference",
    ratings: Annotated[int, typer.Option(min=1, help="Clips that one participant rates, besides three checks.")] = 20,
    comparisons: Annotated[int, typer.Option(min=1, help="Pairs that one participant compares, besides checks.")] = 12,
    heard: Annotated[float, typer.Option(help="Share of a clip to hear before it can be answered.")] = 0.8,
    seconds: Annotated[
        float | None, typer.Option(min=0.5, help="Cut clips to this length. Default: the shortest of each caption.")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the page.")] = "Listening test",
    data: Annotated[
        Path | None, typer.Option(help="Data set of the study's real music, whose licenses count. Default: its own.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws captions and sheets; names are secret all the same.")] = 1,
) -> None:
    """Write a blinded listening test as a static page, and its key beside it."""
    from ssmttm.stages import listen

    asked = {"tests": tuple(_listed([tests])), "ratings": ratings, "comparisons": comparisons, "heard": heard}
    asked["title"] = title
    print(listen.build(study, out, key, _listed(systems), _listed(pairs), captions, seconds, seed, data=data, **asked))


def _listed(values: list[str] | None) -> list[str]:
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


@listen_app.command("serve")
def listen_serve(
    folder: Annotated[Path, typer.Argument(help="The public folder of a listening test.")],
    answers: Annotated[Path, typer.Option(callback=_folder, help="Folder for the answers, one file per participant.")],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the local network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
) -> None:
    """Serve a listening test and save the answers that its page sends."""
    from ssmttm.stages import listen

    listen.serve(folder, answers, host, port, lambda line: print(line, file=sys.stderr, flush=True))


@listen_app.command("score")
def listen_score(
    answers: Annotated[list[Path], typer.Argument(help="Files of answers, or folders of them.")],
    key: Annotated[Path, typer.Option(help="The key that `listen build` wrote.")],
    out: Annotated[
        Path | None, typer.Option(callback=_file, help="NAME.json to write; NAME.mos.csv and so on go beside it.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 2000,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 1,
) -> None:
    """Mean opinion scores, preferences and agreement, of participants who passed the checks."""
    from ssmttm.listening.scoring import Settings
    from ssmttm.stages import listen

    print(listen.score(answers, key, out, Settings(resamples, confidence, seed)))


@app.command()
def describe(
    variant: Annotated[str, typer.Argument(help="A variant of the config, such as prefix-simba.")],
    size: Annotated[
        str,
        typer.Option(help="A size of the config, or PRESET or PRESET-SIZE, such as paper or paper-quarter."),
    ] = "base",
    preset: Annotated[str | None, typer.Option(help="A folder of workflow/presets that overlays config.yaml.")] = None,
    config: Annotated[list[Path] | None, typer.Option(help="Config file; repeat for overlays.")] = None,
    codebooks: Annotated[int | None, typer.Option(min=1, max=9, help="Codebooks that are modelled.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Say what a model is made of and what it costs, without building it: parameters, FLOPs, steps, memory."""
    from ssmttm.stages import describe

    print(describe.run(variant, size, preset, config, codebooks, as_json))


@app.command()
def claims(
    out: Annotated[
        Path | None, typer.Option("--out", callback=_file, help="claims.json: the file to write. Default: print.")
    ] = None,
    spec: Annotated[
        str | None,
        typer.Option(help="Other settings as JSON: preset, size, budget, variants, hours. Default: the paper's."),
    ] = None,
) -> None:
    """Count the paper's 9 % of MusicGen-small's FLOPs and 2 % of its data, by our own and by published conventions."""
    from ssmttm.stages import claims

    text = claims.run(parse_spec(spec) if spec else None, out)
    if out is None:
        print(text)


@app.command("spec")
def show_spec(
    name: Annotated[str, typer.Argument(help="A stage (index, license, …) or a run of the run table.")],
    preset: Annotated[str | None, typer.Option(help="A folder of workflow/presets that overlays config.yaml.")] = None,
    config: Annotated[list[Path], typer.Option(help="Config file; repeat for overlays.")] = [Path("config.yaml")],  # noqa: B006
) -> None:
    """Print the settings that a stage or a run takes from the config, as JSON."""
    loaded = load_preset(config, preset)
    runs = read_runs(loaded)
    if name in runs:
        value = runs[name]["spec"]
    elif name in stages():
        value = stage_spec(loaded, name)
    else:
        others = [p for p in presets() if p != preset and name in read_runs(load_preset(config, p))]
        if others:
            raise UserError(f"{name!r} is a run of preset {others[0]}: ssmttm spec {name} --preset {others[0]}")
        raise UserError(f"{name!r} is neither a stage nor a run; {alike(name, [*runs, *stages()])}")
    print(json.dumps(value, indent=2))


def main() -> None:
    """Run the command; bad input ends with one message and exit status 2."""
    wait_asleep()
    try:
        app()
    except UserError as error:
        print(f"ssmttm: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
