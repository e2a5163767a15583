"""Commands about one model: train it, generate with it, describe it, print its settings."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import (
    Device,
    Gpus,
    Logger,
    Nodes,
    Preset,
    Project,
    SharedCache,
    new_file,
    new_file_or_folder,
    new_folder,
    option,
)
from ssmttm.given import granted, named_settings, refiner_settings, run_logger, run_settings

app = typer.Typer()

ContinueFrom = Annotated[
    Path | None,
    option(
        "An audio file of at most 10 minutes to go on from. The output holds it, as the codec renders it, "
        "and then --seconds of new audio.",
        "--continue-from",
    ),
]


@app.command()
def train(
    run: Annotated[str, option("The run's name in the run table.")],
    data: Annotated[Path, option("results/data/<version>, released.")],
    out: Annotated[Path, new_folder("Folder for model.safetensors, curve.parquet, manifest.json.")],
    spec: Annotated[str | None, option("The run's spec as JSON. Default: from ./config.yaml.")] = None,
    device: Device = "auto",
    threads: Annotated[
        int | None, option("CPU threads of all processes of a machine. Default: training.threads for each.", min=1)
    ] = None,
    gpus: Gpus = 0,
    nodes: Nodes = 1,
    logger: Logger = None,
    project: Project = None,
    cache: SharedCache = None,
) -> None:
    """Train one run under its budget; interrupted, it resumes from out/state."""
    from ssmttm.stages import train

    settings = run_settings(run, spec)
    watched, machines = run_logger(run, spec, logger, project), granted(gpus, nodes)
    train.run(run, settings, data, out, device, threads, watched, machines, cache)


@app.command()
def borrow(
    run: Annotated[str, option("The name of the run that gets the model.")],
    lender: Annotated[Path, option("The folder of the run that trained it, results/runs/{run}.")],
    out: Annotated[Path, new_folder("The folder of the run that gets it.")],
    spec: Annotated[str | None, option("The run's spec as JSON. Default: from ./config.yaml.")] = None,
) -> None:
    """Give a run the language model of another: its model, curve, checkpoints and manifest."""
    from ssmttm.stages import borrow

    borrow.run(run, run_settings(run, spec), lender, out)


@app.command()
def attach(
    refiner: Annotated[Path, option("The folder of the trained refiner, results/refiners/{refiner}.")],
    out: Annotated[Path, new_folder("The folder of the run that gets it.")],
    spec: Annotated[str | None, option("The refiner's spec as JSON. Default: from ./config.yaml.")] = None,
) -> None:
    """Give a run its second stage: refiner.safetensors and refiner.json in its folder."""
    from ssmttm.stages import attach

    attach.run(refiner_settings(refiner.name, spec), refiner, out)


@app.command()
def generate(
    out: Annotated[
        Path,
        new_file_or_folder(
            "A .wav or .flac file (with --prompt); with --prompts a folder, for a .wav per prompt, or a .parquet file."
        ),
    ],
    model: Annotated[
        Path | None,
        option(
            "A trained run, such as results/runs/prefix-simba-base-flops-1, or a folder of ssmttm model export. "
            "Default: the model that comes with the package."
        ),
    ] = None,
    prompt: Annotated[str | None, option("What the music should be like.")] = None,
    prompts: Annotated[
        Path | None,
        option(
            "Many prompts: a .txt file, one a line, or a .csv or .parquet table with a column `caption` "
            "and, to name them, `clip_id` or `name`."
        ),
    ] = None,
    continue_from: ContinueFrom = None,
    stream: Annotated[
        bool,
        option(
            "Write to NAME.partial.wav, which can be played meanwhile and becomes NAME.wav at the end. Loud peaks "
            "are bent, where otherwise the whole clip is turned down.",
            "--stream",
        ),
    ] = False,
    seconds: Annotated[float | None, option("Length of the new audio. Default: as trained.", min=0.5, max=3600)] = None,
    temperature: Annotated[float | None, option("Softmax temperature.", min=1e-3)] = None,
    top_k: Annotated[int | None, option("Sample among this many likeliest codes.", min=1)] = None,
    guidance: Annotated[float | None, option("Guidance scale; 1 is off.", min=0)] = None,
    seed: Annotated[int | None, option("Seed of the sampler.", min=0)] = None,
    codec: Annotated[
        Path | None,
        option("The fitted codec. Default: codec.safetensors in the run's folder or, else, of the run's data set."),
    ] = None,
    refiner: Annotated[
        Path | None,
        option(
            "The second stage, a file of `ssmttm refiner train`, or none to leave it out. Default: refiner.safetensors "
            "in the run's folder."
        ),
    ] = None,
    steps: Annotated[int | None, option("Sampling steps of the second stage.", min=1, max=1000)] = None,
    vocoder: Annotated[
        str | None,
        option(
            "What makes audio of a spectral codec's frames: griffin_lim, shipped, or a file of `ssmttm vocoder train`."
        ),
    ] = None,
    spec: Annotated[
        str | None,
        option(
            "The config's `generation` section as JSON. Default: of an exported model its own, of a run that of "
            "./config.yaml or, where there is none, the default study's."
        ),
    ] = None,
    device: Device = "auto",
    threads: Annotated[int | None, option("CPU threads. Default: by the model's size.", min=1)] = None,
    precision: Annotated[
        str, option("fp32, or bf16: weights of half the size; states and logits stay in fp32.")
    ] = "fp32",
    record: Annotated[
        Path | None, new_file("A JSON file to write, too: how long it took, with what.", "--record")
    ] = None,
) -> None:
    """Generate music from a prompt, or from a file of prompts."""
    from ssmttm.stages import generate

    given = {
        "temperature": temperature,
        "top_k": top_k,
        "guidance": guidance,
        "seed": seed,
        "sampler_steps": steps,
        "vocoder": vocoder,
    }
    generate.run(
        {key: value for key, value in given.items() if value is not None},
        model,
        out,
        prompt,
        prompts,
        seconds,
        codec,
        device,
        threads,
        continue_from,
        stream,
        precision,
        refiner,
        record,
        spec,
    )


@app.command()
def describe(
    variant: Annotated[
        str, typer.Argument(help="A variant of the config, such as prefix-simba, or one of its refiners.")
    ],
    size: Annotated[
        str, option("A size of the config, or PRESET or PRESET-SIZE, such as paper or paper-quarter.")
    ] = "base",
    preset: Preset = None,
    config: Annotated[list[Path] | None, option("Config file; repeat for overlays.")] = None,
    codebooks: Annotated[int | None, option("Codebooks that are modelled.", min=1, max=9)] = None,
    as_json: Annotated[bool, option("One JSON object instead of a table.", "--json")] = False,
) -> None:
    """Say what a model is made of and what it costs, without building it: parameters, FLOPs, steps, memory."""
    from ssmttm.stages import describe

    print(describe.run(variant, size, preset, config, codebooks, as_json))


@app.command()
def plan(
    preset: Preset = None,
    config: Annotated[list[Path] | None, option("Config file; repeat for overlays.")] = None,
    data: Annotated[Path | None, option("A released data set, to count its music: results/data/<version>.")] = None,
    tracks: Annotated[int | None, option("Tracks of a source of which nothing is known.", min=1)] = None,
    hours: Annotated[float | None, option("Hours of music in these tracks.", min=0.0)] = None,
    gpu: Annotated[str | None, option("A kind of GPU, such as rtx3090, a100 or h100. Default: none.")] = None,
    gpus: Annotated[int, option("How many of them work at a time.", min=1)] = 1,
    cores: Annotated[int, option("CPU cores that work at a time.", min=1)] = 2,
    core_price: Annotated[float, option("Money for a core-hour.", min=0.0)] = 0.04,
    gpu_price: Annotated[
        float | None, option("Money for a GPU-hour. Default: a usual one of its kind.", min=0.0)
    ] = None,
    as_json: Annotated[bool, option("One JSON object instead of a table.", "--json")] = False,
) -> None:
    """Say what a study will take before it runs: jobs, core- and GPU-hours, disk, memory, money, by stage."""
    from ssmttm.stages import plan

    print(plan.run(preset, config, data, tracks, hours, gpu, gpus, cores, core_price, gpu_price, as_json))


@app.command("spec")
def show_spec(
    name: Annotated[str, typer.Argument(help="A stage (index, license, …), a run of the run table or its refiner.")],
    preset: Preset = None,
    config: Annotated[list[Path], option("Config file; repeat for overlays.")] = [Path("config.yaml")],  # noqa: B006
) -> None:
    """Print the settings that a stage, a run or a refiner takes from the config, as JSON."""
    print(json.dumps(named_settings(name, config, preset), indent=2))
