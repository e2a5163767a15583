"""Runs logged by Weights & Biases or by Trackio: packages that are asked for, imported where one is chosen."""

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoggedRun:
    """What a tracker is told of a run before its first step."""

    project: str
    name: str
    config: Mapping[str, object]
    folder: Path
    """The run's own folder."""


class WandbRun:
    """A run of Weights & Biases, kept in `wandb/` of the run's folder, unless WANDB_MODE or WANDB_DIR say otherwise."""

    def __init__(self, run: LoggedRun, known: str | None) -> None:
        """Begin one, or go on with the one that is `known` by its id. Raises whatever the package raises."""
        import wandb

        self.known = known or secrets.token_hex(8)
        self._run = wandb.init(
            project=run.project,
            name=run.name,
            id=self.known,
            resume="allow",
            config=dict(run.config),
            mode=None if os.environ.get("WANDB_MODE") else "offline",
            dir=None if os.environ.get("WANDB_DIR") else str(run.folder.absolute()),
            settings={"console": "off"},  # what is written to the terminal stays there
        )

    def log(self, values: dict[str, float], step: int) -> None:
        """Take in the values of one step."""
        self._run.log(values, step=step)

    def flush(self) -> None:
        """Nothing: the package writes in a process of its own, as it goes."""

    def finish(self, whole: bool) -> None:
        """End it; a run that isn't `whole` counts as failed until it goes on."""
        self._run.finish(exit_code=0 if whole else 1)


class TrackioRun:
    """A run of Trackio, in its database on this machine, unless TRACKIO_SPACE_ID or TRACKIO_DIR say otherwise."""

    def __init__(self, run: LoggedRun, known: str | None) -> None:
        """Begin one, or go on with the one that is `known` by its name. Raises whatever the package raises."""
        import trackio

        resume = "never" if known is None else "must"
        with redirect_stdout(sys.stderr):
            self._run = trackio.init(
                run.project, known or run.name, config=dict(run.config), resume=resume, embed=False
            )
        self.known: str = self._run.name

    def log(self, values: dict[str, float], step: int) -> None:
        """Take in the values of one step."""
        self._run.log(values, step=step)

    def flush(self) -> None:
        """Nothing: the package writes twice a second."""

    def finish(self, whole: bool) -> None:
        """Bring everything to disk."""
        with redirect_stdout(sys.stderr):
            self._run.finish()
