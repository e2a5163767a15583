"""The config of a small study: four designs, two budgets, and no refiner unless a test adds one."""

from pathlib import Path

from ssmttm.config import load_config
from ssmttm.settings import Config

ROOT = Path(__file__).parents[3]


def four_designs() -> Config:
    """A config of its own for each caller."""
    config = load_config(ROOT / "config.yaml", Path(__file__).with_suffix(".yaml"))
    return config | {"studies": [], "refiners": {}}  # type: ignore[return-value]
