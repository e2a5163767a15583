"""The curve as numbers by name, and as TensorBoard events, for watching a run."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from ssmttm.rows import StepRow


def scalars(row: StepRow, parts: Sequence[str], flops_planned: float) -> dict[str, float]:
    """What is watched of one row of the curve: losses, also by the `parts` of the loss, speed, and budget spent."""
    found = {
        "loss/training": row["loss"],
        "loss/validation": row["validation_loss"],
        "learning rate": row["learning_rate"],
        "gradient norm": row["gradient_norm"],
        "tokens per second": row["tokens"] / max(row["seconds"], 1e-9),
        "share of the budget": row["flops"] / flops_planned,
    }
    for split, losses in (("training", row["part_losses"]), ("validation", row["validation_part_losses"])):
        found |= {f"loss of {part}/{split}": loss for part, loss in zip(parts, losses or [], strict=False)}
    return {name: value for name, value in found.items() if value is not None}


class Events:
    """Writes events to `folder`; what an interrupted run wrote there after step `start` is made void."""

    def __init__(self, folder: Path, start: int) -> None:
        """Raise ImportError without the package tensorboard."""
        from torch.utils.tensorboard import SummaryWriter

        if start == 0:
            shutil.rmtree(folder, ignore_errors=True)
        self._writer = SummaryWriter(str(folder), purge_step=start + 1 if start else None)

    def log(self, values: dict[str, float], step: int) -> None:
        """Take in the values of one step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Bring everything to disk."""
        self._writer.flush()

    def finish(self, whole: bool) -> None:
        """Finish the file."""
        self._writer.close()
