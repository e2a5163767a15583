"""Command `describe`: what a design is made of and what it costs at a size."""

import json
from pathlib import Path

from ssmttm.accounting.description import description, refiner_text
from ssmttm.accounting.design import choose_size, describe
from ssmttm.accounting.refiners import describe_refiner
from ssmttm.config import load_preset, nearest_config


def run(
    variant: str, size: str, preset: str | None, files: list[Path] | None, codebooks: int | None, as_json: bool
) -> str:
    """The text that `ssmttm describe` prints.

    Args:
        variant: a key of the config's `variants`, or of its `refiners`, whose sizes are its own.
        size: a key of its `sizes`; or PRESET or PRESET-SIZE, with that preset's whole config (PRESET
            alone is its size `base`).
        preset: a folder of workflow/presets that overlays `files`.
        files: the config and its overlays; None is ./config.yaml or, outside of a project, the default study's.
        codebooks: codebooks that are modelled; None is the config's choice.
        as_json: one JSON object with the keys of `Description` instead of a table.
    """
    files = files or [nearest_config()]
    if variant in (whole := load_preset(files, preset))["refiners"]:
        refiner = describe_refiner(whole, variant)
        return json.dumps(refiner, indent=2) if as_json else refiner_text(refiner)
    config, chosen = choose_size(size, preset, files)
    design = describe(config, variant, chosen, codebooks)
    design["size"] = size
    return json.dumps(design, indent=2) if as_json else description(design)
