"""Commands that make a data set: a stage each, and what passes the finished set on."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import (
    AllClips,
    AllFingerprints,
    Cache,
    CodecFile,
    Device,
    Licensed,
    Out,
    ShardClips,
    Spec,
    Splits,
    Threads,
    new_file,
    new_folder,
    option,
)
from ssmttm.config import load_config
from ssmttm.errors import UserError
from ssmttm.given import check_section, parse_spec, stage_settings

app = typer.Typer()


@app.command()
def index(out: Out, spec: Spec = None, cache: Cache = Path("results/cache")) -> None:
    """List candidate tracks of all configured sources with their license evidence."""
    from ssmttm.stages import index

    index.run(stage_settings("index", spec), cache, out)


@app.command()
def audio(
    licensed: Licensed,
    shard: Annotated[int, option("Which shard, from 0.", min=0)],
    shards: Annotated[int, option("How many shards there are.", min=1)],
    out: Out,
    rejected: Annotated[Path, new_file("Tracks that failed, with reasons: the table to write.")],
    spec: Spec = None,
    cache: Cache = Path("results/cache"),
) -> None:
    """Fetch, verify and store the encoded audio of one shard's tracks."""
    from ssmttm.stages import audio

    audio.run(stage_settings("audio", spec), licensed, shard, shards, cache, out, rejected)


@app.command()
def clips(
    audio: Annotated[Path, option("audio/{shard}.parquet.")],
    out: Out,
    fingerprints: Annotated[Path, new_file("Fingerprints of the tracks: the table to write.")],
    rejected: Annotated[Path, new_file("Dropped clips, with reasons: the table to write.")],
    spec: Spec = None,
) -> None:
    """Cut tracks into clips of fixed length, resampled, mono, loudness-normalized; take their fingerprints."""
    from ssmttm.stages import clips

    clips.run(stage_settings("clips", spec), audio, out, fingerprints, rejected)


@app.command()
def duplicates(fingerprints: AllFingerprints, licensed: Licensed, out: Out, spec: Spec = None) -> None:
    """Find recordings that are there more than once, exactly or nearly, and choose which one is kept."""
    from ssmttm.stages import duplicates

    duplicates.run(stage_settings("duplicates", spec), fingerprints, licensed, out)


@app.command()
def splits(
    clips: AllClips,
    licensed: Licensed,
    duplicates: Annotated[Path, option("duplicates.parquet.")],
    out: Out,
    spec: Spec = None,
) -> None:
    """Assign clips to train, validation and test by a hash of the artist; duplicates to none."""
    from ssmttm.stages import splits

    splits.run(stage_settings("splits", spec), clips, licensed, duplicates, out)


@app.command()
def captions(
    clips: ShardClips, licensed: Licensed, out: Out, spec: Spec = None, cache: Cache = Path("results/cache")
) -> None:
    """Analyze clips (essentia, musicnn) and write captions for each, reworded by a language model if one is set."""
    from ssmttm.stages import captions

    captions.run(stage_settings("captions", spec), clips, licensed, out, cache)


@app.command()
def codec(clips: AllClips, splits: Splits, out: Out, spec: Spec = None, threads: Threads = None) -> None:
    """Fit the codec on the training split, or take a pretrained one."""
    from ssmttm.stages import codec

    codec.run(stage_settings("codec", spec), clips, splits, out, threads)


@app.command()
def tokens(
    clips: ShardClips,
    codec: CodecFile,
    out: Out,
    spec: Spec = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Encode clips to codec tokens."""
    from ssmttm.stages import tokens

    tokens.run(stage_settings("tokens", spec), clips, codec, out, threads, device)


@app.command()
def text(
    captions: Annotated[Path, option("captions/{shard}.parquet.")],
    out: Out,
    spec: Spec = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Encode captions to token embeddings with the frozen text encoder."""
    from ssmttm.stages import text

    text.run(stage_settings("text", spec), captions, out, threads, device)


@app.command()
def release(
    folder: Annotated[Path, option("results/data/<version>, with all shards finished.")],
    out: Out,
    spec: Annotated[str | None, option("The config's `data` section as JSON. Default: from ./config.yaml.")] = None,
) -> None:
    """Check a finished data set for consistency and write its manifest, dataset.json."""
    from ssmttm.stages import release

    release.run(check_section("data", parse_spec(spec)) if spec else load_config()["data"], folder, out)


license_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(license_app, name="license")


@license_app.callback()
def license(
    context: typer.Context,
    index: Annotated[Path | None, option("index.parquet.")] = None,
    licensed: Annotated[Path | None, new_file("Tracks that may be used: the table to write.")] = None,
    rejected: Annotated[Path | None, new_file("Tracks that may not, with reasons: the table to write.")] = None,
    attribution: Annotated[Path | None, new_file("ATTRIBUTION.md: the file to write.")] = None,
    spec: Spec = None,
) -> None:
    """Decide by evidence which tracks may be used under the policy; every rejection has a reason."""
    if context.invoked_subcommand:
        return
    paths = {"--index": index, "--licensed": licensed, "--rejected": rejected, "--attribution": attribution}
    if missing := [option for option, path in paths.items() if path is None]:
        raise UserError(f"license: {', '.join(missing)} must be given; see ssmttm license --help")
    from ssmttm.stages import license

    license.run(stage_settings("license", spec), *paths.values())


@license_app.command()
def explain(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="License names, SPDX expressions, addresses or sentences. Without any: standard input, one a line."
        ),
    ] = None,
    index: Annotated[Path | None, option("With --track: explain a track of this index.parquet.")] = None,
    track: Annotated[str | None, option("A track_id of that table.")] = None,
    as_json: Annotated[bool, option("One JSON object a line.", "--json")] = False,
    spec: Spec = None,
) -> None:
    """Show what license statements are understood as, and what the policy says of them.

    The policy is that of ./config.yaml or, elsewhere, that of the default study.
    """
    from ssmttm.stages import explain

    settings = stage_settings("license", spec, anywhere=True)
    piped = None if texts or track or sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer
    for text in explain.run(settings, texts or [], piped, index, track, as_json):
        sys.stdout.write(text + "\n")


dataset_app = typer.Typer(help="Pass a released data set on.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(dataset_app, name="dataset")


@dataset_app.command("export")
def export(
    data: Annotated[Path, option("results/data/<version>, released.")],
    out: Annotated[Path, new_folder("The new folder to write; `datasets.load_dataset(FOLDER)` reads it.")],
    audio: Annotated[bool, option("With the clips themselves, as FLAC.", "--audio/--no-audio")] = True,
    tokens: Annotated[bool, option("With the codec tokens.", "--tokens/--no-tokens")] = False,
    private: Annotated[
        bool,
        option(
            "Also clips whose license forbids passing on changed versions (ND): for your own use only.", "--private"
        ),
    ] = False,
    shard_megabytes: Annotated[int, option("A Parquet file ends beyond this size.", min=1)] = 500,
) -> None:
    """Write clips, captions and credits as Parquet with a data card and ATTRIBUTION.md."""
    from ssmttm.stages import export

    export.run(data, out, audio, tokens, private, shard_megabytes << 20)


@dataset_app.command("push")
def push(
    folder: Annotated[Path, typer.Argument(help="A folder of ssmttm dataset export.")],
    repository: Annotated[str, typer.Argument(help="On the Hugging Face Hub: user/name.")],
    private: Annotated[bool, option("For your account alone.", "--private")] = False,
) -> None:
    """Put an exported data set, with its card and credits, into a repository of the Hugging Face Hub."""
    from ssmttm.stages import push

    push.data(folder, repository, private)
