"""A model's own folder, which `ssmttm model export` writes: all that generating takes but the text encoder's weights.

One comes with the package.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssmttm.errors import UserError
from ssmttm.files import read_json, sha256_file

CONFIG = "config.json"
"""What the folder says of itself."""
FORMAT = "ssmttm-model-1"
SHIPPED = Path(__file__).parent / "shipped_model"
"""The folder of the model that comes with the package."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a config.json."""

    path: Path
    name: str
    """Of the run that was exported."""
    generation: Mapping[str, Any]
    """The config's section `generation` that goes with the model."""
    sha256: Mapping[str, str]
    """Of each file beside config.json that generating reads."""

    def check(self) -> None:
        """Raise UserError that names the first file that is missing, or isn't the one that was exported."""
        for name, wanted in self.sha256.items():
            file = self.path / name
            if not file.is_file():
                raise UserError(f"{file}: no such file, but {self.path / CONFIG} names it; {_remedy(self.path)}")
            if (found := sha256_file(file)) != wanted:
                raise UserError(
                    f"{file}: damaged or replaced: it has SHA-256 {found}, but {self.path / CONFIG} says {wanted}; "
                    f"{_remedy(self.path)}"
                )


def read_folder(folder: Path) -> ModelFolder | None:
    """What `folder` says of itself; None if it has no config.json, as the folders of trained runs.

    Raises UserError for a config.json that is damaged or of another format.
    """
    path = folder / CONFIG
    if not path.is_file():
        return None
    said = read_json(path)
    if said.get("format") != FORMAT:
        raise UserError(f"{path}: of format {said.get('format')!r}, but {FORMAT} is needed; {_remedy(folder)}")
    name, generation, sha256 = (said.get(key) for key in ("name", "generation", "sha256"))
    if not (isinstance(name, str) and isinstance(generation, dict) and isinstance(sha256, dict)):
        raise UserError(f"{path}: damaged: it lacks name, generation or sha256; {_remedy(folder)}")
    if unsafe := [file for file in sha256 if Path(file).name != file]:
        raise UserError(f"{path}: names {unsafe[0]!r}, which is no file of the folder; {_remedy(folder)}")
    return ModelFolder(folder, name, generation, sha256)


def shipped_model() -> Path:
    """The folder of the model that comes with the package; UserError in a copy of the package without it."""
    if not (SHIPPED / CONFIG).is_file():
        raise UserError(
            f"{SHIPPED}: this copy of the package comes without its model; install ssmttm again, "
            "or name a model: --model results/runs/NAME"
        )
    return SHIPPED


def _remedy(folder: Path) -> str:
    return "install ssmttm again" if folder == SHIPPED else "export it again: ssmttm model export RUN --out FOLDER"
