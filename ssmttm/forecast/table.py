"""A forecast as text."""

import math
from collections.abc import Sequence

from ssmttm.forecast.music import Music
from ssmttm.forecast.rates import Gpu
from ssmttm.forecast.stages import Stage
from ssmttm.forecast.total import Total


def table(stages: Sequence[Stage], total: Total, music: Music, gpu: Gpu | None) -> str:
    """Stages, their sum, what it costs, and what the figures rest on."""
    rows: list[tuple[str, ...]] = [("stage", "jobs", "core hours", "GPU hours", "disk GB", "memory GB", "")]
    for stage in stages:
        figures = (stage.core_hours, stage.gpu_hours, stage.disk_gb, stage.memory_gb)
        rows.append((stage.name, f"{stage.jobs:,}", *map(_digits, figures), "estimated" if stage.assumed else ""))
    sums = (total.core_hours, total.gpu_hours, total.disk_gb, total.memory_gb)
    rows.append(("total", f"{total.jobs:,}", *map(_digits, sums), ""))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(widths[i]) if i in (0, 6) else cell.rjust(widths[i]) for i, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([f"music: {_amount(music)}", "", *lines, "", *total_lines(total, gpu)])


def total_lines(total: Total, gpu: Gpu | None) -> list[str]:
    """What the sum means for who runs it."""
    workers = f"{total.cores} core{'s' * (total.cores != 1)}"
    prices = f"{total.core_price:g} a core-hour"
    if gpu is not None:
        workers += f" and {total.gpus} {gpu.name}"
        prices += f" and {total.gpu_price:g} a GPU-hour"
    least, most = total.wall_hours / total.factor, total.wall_hours * total.factor
    return [
        f"wall time: about {_digits(total.wall_hours)} hours on {workers} ({_digits(least)} to {_digits(most)})",
        f"money: {total.money:,.2f}, at {prices}",
        "Rates are those of studies that ran, on cores of an AMD EPYC that train with about 45 GFLOP/s at width 128.",
        "A line is estimated where nothing was measured that it rests on. Tuning (snakemake tune) is not in it.",
    ]


def _digits(value: float) -> str:
    """Two significant digits, or a dash for nothing."""
    if value == 0:
        return "–"
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{round(value, places):,.{min(places, 3)}f}"


def _amount(music: Music) -> str:
    return f"{music.tracks:,} tracks, {music.hours:,.1f} hours, {music.clips:,} clips; {music.source}"
