"""The curve as TensorBoard events, for watching a run."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ssmttm.progress import notify
from ssmttm.rows import StepRow


def open_events(folder: Path, start: int, parts: Sequence[str]) -> "Events | None":
    """A writer of events; None, which is said, without the package tensorboard: the curve's table has all of it."""
    try:
        return Events(folder, start, parts)
    except ImportError:
        notify("no events for TensorBoard are written, for it isn't installed: pip install 'ssmttm[tensorboard]'")
        return None


class Events:
    """Writes rows of the curve to `folder`; what an interrupted run wrote after step `start` is made void."""

    def __init__(self, folder: Path, start: int, parts: Sequence[str]) -> None:
        """Raise ImportError without the package tensorboard."""
        from torch.utils.tensorboard import SummaryWriter

        if start == 0:
            shutil.rmtree(folder, ignore_errors=True)
        self._parts = parts
        self._writer = SummaryWriter(str(folder), purge_step=start + 1 if start else None)

    def add(self, row: StepRow, share: float, rate: float) -> None:
        """Take in one row of the curve, the share of the budget that is spent, and tokens per second."""
        scalars = {
            "loss/training": row["loss"],
            "loss/validation": row["validation_loss"],
            "learning rate": row["learning_rate"],
            "gradient norm": row["gradient_norm"],
            "tokens per second": rate,
            "share of the budget": share,
        }
        for split, losses in (("training", row["part_losses"]), ("validation", row["validation_part_losses"])):
            scalars |= {f"loss of {part}/{split}": loss for part, loss in zip(self._parts, losses or [], strict=False)}
        for name, value in scalars.items():
            if value is not None:
                self._writer.add_scalar(name, value, row["step"])

    def flush(self) -> None:
        """Bring everything to disk."""
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()
