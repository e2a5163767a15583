"""What is known of pretrained codecs without their weights: by name, or from config.json. Imports no torch."""

import json
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

from ssmttm.errors import UserError
from ssmttm.settings import CodecSettings

KEY = "data.codec.model"
PRETRAINED = {"dac": "descript/dac_44khz", "encodec": "facebook/encodec_32khz"}
"""Codecs whose weights come from elsewhere, with the hub id of one."""
DAC_RATE, DAC_STRIDES = 44100, [2, 4, 8, 8]
DAC_HOP = math.prod(DAC_STRIDES)


class Facts(NamedTuple):
    """What a pretrained codec works with."""

    sample_rate: int
    hop: int
    codebooks: int
    codebook_size: int


_BY_NAME = {
    "descript/dac_44khz": Facts(DAC_RATE, DAC_HOP, 9, 1024),
    "facebook/encodec_24khz": Facts(24000, 320, 32, 1024),
    "facebook/encodec_32khz": Facts(32000, 640, 4, 2048),
}


def facts_of(settings: CodecSettings) -> Facts | None:
    """What the codec of `settings` works with; None if neither its name nor a file here says so.

    Raises UserError for a config.json that can't be read, or is of a codec that isn't supported.
    """
    name = settings.get("model", "")
    if settings["name"] not in PRETRAINED or not name:
        return None
    path = _config_file(name)
    if path is None:
        return _BY_NAME.get(name)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return (_of_dac if settings["name"] == "dac" else _of_encodec)(config, name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{KEY}: {path}: no config.json of {settings['name']} as transformers saves it "
            f"({type(error).__name__}: {error}); get the model again"
        ) from error


def check_settings(settings: CodecSettings, sample_rate: int) -> None:
    """UserError if `settings` or the clips' `sample_rate` don't go with the codec, as far as that is known."""
    if settings["name"] not in PRETRAINED:
        return
    if not settings.get("model"):
        raise UserError(
            f"{KEY}: the codec {settings['name']} needs a model, such as {PRETRAINED[settings['name']]}, or a folder"
        )
    facts = facts_of(settings)
    if facts is not None:
        check_facts(facts, settings, sample_rate)
    elif settings["name"] == "dac" and sample_rate != DAC_RATE:
        raise UserError(f"data.clips.sample_rate is {sample_rate}, but DAC works at {DAC_RATE}: set that")


def check_facts(facts: Facts, settings: CodecSettings, sample_rate: int) -> None:
    """UserError if `settings` or the clips' `sample_rate` don't go with `facts`."""
    name, codebooks, size = settings.get("model"), settings["codebooks"], settings["codebook_size"]
    if sample_rate != facts.sample_rate:
        raise UserError(f"data.clips.sample_rate is {sample_rate}, but {name} works at {facts.sample_rate}: set that")
    if size != facts.codebook_size:
        raise UserError(f"data.codec.codebook_size is {size}, but {name} has {facts.codebook_size}: set that")
    if codebooks > facts.codebooks:
        raise UserError(f"data.codec.codebooks is {codebooks}, but {name} has only {facts.codebooks}: lower it")


def _config_file(name: str) -> Path | None:
    """config.json of a folder, or of a model in the local cache of the Hugging Face hub; None if there is none."""
    if Path(name).is_dir():
        path = Path(name) / "config.json"
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:  # a path of no file
        return None
    return Path(found) if isinstance(found, (str, os.PathLike)) else None


def _of_dac(config: dict[str, Any], name: str) -> Facts:
    strides = list(config["downsampling_ratios"])
    if strides != DAC_STRIDES:
        raise UserError(
            f"{KEY}: {name} has strides {strides}; only those of the {DAC_RATE / 1000:g} kHz codec are supported"
        )
    return Facts(config["sampling_rate"], DAC_HOP, config["n_codebooks"], config["codebook_size"])


def _of_encodec(config: dict[str, Any], name: str) -> Facts:
    if config.get("audio_channels", 1) != 1 or config.get("normalize") or config.get("chunk_length_s") is not None:
        raise UserError(
            f"{KEY}: {name} is a stereo EnCodec, or one that codes chunks which it normalizes, as the one of 48 kHz "
            "does; take facebook/encodec_24khz or facebook/encodec_32khz"
        )
    if config.get("norm_type", "weight_norm") != "weight_norm":
        raise UserError(f"{KEY}: {name} normalizes over all of its input, so that it can't code long audio in pieces")
    rate, hop = config["sampling_rate"], math.prod(config["upsampling_ratios"])
    bits = math.ceil(math.log2(config["codebook_size"]))
    most = int(1000 * config["target_bandwidths"][-1] // (math.ceil(rate / hop) * bits))
    return Facts(rate, hop, most, config["codebook_size"])
