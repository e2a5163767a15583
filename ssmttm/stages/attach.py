"""Give a run its second stage: a trained refiner, copied into the run's folder."""

from pathlib import Path

from ssmttm.settings import RefinerSpec
from ssmttm.training.handing import attach


def run(spec: RefinerSpec, refiner: Path, out: Path) -> None:
    """Write refiner.safetensors and refiner.json to the run's folder `out`, from the refiner in folder `refiner`."""
    attach(spec, refiner, out)
