"""Where a run's curve is watched while it is trained, and that whatever happens there ends no training."""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ssmttm.errors import UserError
from ssmttm.files import write_text
from ssmttm.progress import notify
from ssmttm.rows import StepRow
from ssmttm.settings import Logging
from ssmttm.training.events import Events, scalars
from ssmttm.training.trackers import LoggedRun, TrackioRun, WandbRun

EVENTS = "tensorboard"
"""The logger whose events are files of the run, and the folder that they are in."""

TRACKERS: Mapping[str, Callable[[LoggedRun, str | None], "_Tracker"]] = {"wandb": WandbRun, "trackio": TrackioRun}
"""Loggers that keep runs of their own, by the package and the extra of the same name."""

_MODULES = {EVENTS: "torch.utils.tensorboard"}


def check_installed(logging: Logging) -> None:
    """Raise UserError if the package is not there that was asked for."""
    name = logging.logger
    if name is None:
        return
    try:
        importlib.import_module(_MODULES.get(name, name))
    except ImportError as error:
        raise UserError(
            f"training.logger is {name}, which isn't installed here ({error}): pip install 'ssmttm[{name}]', or leave "
            "training.logger out"
        ) from error


class _Sink(Protocol):
    """What the numbers of a curve go to."""

    def log(self, values: dict[str, float], step: int) -> None: ...

    def flush(self) -> None: ...

    def finish(self, whole: bool) -> None: ...


class _Tracker(_Sink, Protocol):
    known: str


class _Log:
    """The file that says which logged run a training goes on with, and the steps that were logged, a line for each."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []  # a kill may cut the last
        self.known: str | None = json.loads(lines[0]) if lines else None
        self.last = int(lines[-1]) if lines[1:] else 0
        self._path = path

    def start(self, known: str) -> None:
        write_text(self._path, f"{json.dumps(known)}\n{self.last}\n")
        self._file = open(self._path, "a", encoding="utf-8")  # noqa: SIM115  # until the training ends

    def add(self, step: int) -> None:
        self._file.write(f"{step}\n")
        self._file.flush()
        self.last = step

    def close(self) -> None:
        self._file.close()


class Watch:
    """The curve of one run on its way to a logger."""

    def __init__(
        self, logger: str | None, run: LoggedRun, scratch: Path, parts: Sequence[str], flops_planned: float
    ) -> None:
        """Watched by `logger`, of which None is events for TensorBoard where that is installed.

        `scratch` is the folder of the run's state, in which a tracker's run is remembered.
        """
        self._logger, self._run, self._scratch = logger, run, scratch
        self._parts, self._flops_planned = parts, flops_planned
        self._sink: _Sink | None = None
        self._log: _Log | None = None

    def start(self, curve: Sequence[StepRow]) -> None:
        """Begin, or go on after the steps of `curve`, of which a tracker gets those that it lacks.

        Raises UserError if a tracker can't begin. Without the package tensorboard nothing is written, unless it was
        asked for, and that is said.
        """
        if self._logger is not None and self._logger in TRACKERS:
            self._start_tracker(self._logger)
            for row in curve:
                self.add(row)
            return
        try:
            self._sink = Events(self._run.folder / EVENTS, len(curve))
        except ImportError:
            notify("no events for TensorBoard are written, for it isn't installed: pip install 'ssmttm[tensorboard]'")

    def _start_tracker(self, name: str) -> None:
        log = _Log(self._scratch / f"{name}.log")
        try:
            tracker = TRACKERS[name](self._run, log.known)
        except Exception as error:  # of any class: it is another package's
            raise UserError(
                f"training.logger is {name}, which could not begin: {error}; mend that, or leave training.logger out"
            ) from error
        log.start(tracker.known)
        self._sink, self._log = tracker, log

    def add(self, row: StepRow) -> None:
        """Log one row of the curve, unless it was logged before the training was interrupted."""
        if self._sink is None or (self._log is not None and row["step"] <= self._log.last):
            return
        try:
            self._sink.log(scalars(row, self._parts, self._flops_planned), row["step"])
        except Exception as error:
            self._give_up(f"at step {row['step']}", error)
        else:
            if self._log is not None:
                self._log.add(row["step"])

    def flush(self) -> None:
        """Bring everything to disk."""
        if self._sink is not None:
            try:
                self._sink.flush()
            except Exception as error:
                self._give_up("when it was flushed", error)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End it; without an error the run is finished, and not interrupted."""
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.finish(kind is None)
            except Exception as error:
                self._give_up("at its end", error)
        if self._log is not None:
            self._log.close()

    def _give_up(self, when: str, error: Exception) -> None:
        self._sink = None
        notify(
            f"{self._logger or EVENTS} failed {when} ({error}); the training goes on without it, and "
            f"curve.parquet has all of the curve"
        )
