"""Commands about the vocoder, which makes audio of the spectral codec's mel frames."""

from pathlib import Path
from typing import Annotated

import typer

from ssmttm.cli.options import Device, Logger, Project, Spec, Threads, new_folder, option
from ssmttm.given import vocoder_logger, vocoder_settings

app = typer.Typer(help="Train a vocoder for the spectral codec, and describe it.")


@app.command()
def train(
    data: Annotated[Path, option("results/data/<version>; its clips and licensed.parquet are enough.")],
    out: Annotated[Path, new_folder("Folder for vocoder.safetensors, curve.parquet, manifest.json, card.md.")],
    splits: Annotated[Path | None, option("splits.parquet. Default: that of --data.")] = None,
    codec: Annotated[Path | None, option("The fitted codec. Default: codec.safetensors of --data.")] = None,
    spec: Spec = None,
    device: Device = "auto",
    threads: Threads = None,
    logger: Logger = None,
    project: Project = None,
) -> None:
    """Train a vocoder under its budget; interrupted, it resumes from out/state."""
    from ssmttm.stages import vocoder

    settings = vocoder_settings(spec)
    logging = vocoder_logger(spec, logger, project)
    files = splits or data / "splits.parquet", codec or data / "codec.safetensors"
    vocoder.run(settings, data, *files, out, device, threads, logging)


@app.command()
def card(
    folder: Annotated[Path, option("The folder of a trained vocoder.")],
    figures: Annotated[Path | None, option("What benchmarks/vocoder.py measured (JSON).")] = None,
) -> None:
    """Write card.md of a trained vocoder, with measured figures if there are any."""
    from ssmttm.stages import vocoder

    vocoder.write_card(folder, figures)
