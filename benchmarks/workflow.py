"""Time and memory of the default study from nothing, and the time of a second run with nothing to do.

Run by hand, on an idle machine: python benchmarks/workflow.py [--cores N] [--config OVERLAY] [--folder DIR]
Set-up is not counted. Downloads are, unless --folder has them from an earlier run.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
GOALS = {
    "study, minutes": 15.0,
    "peak memory, GB": 4.0,
    "nothing to do, seconds": 5.0,
    "plan, 400 shards, seconds": 30.0,
}


def tree_memory(process: psutil.Process) -> int:
    """Bytes that a process and its descendants hold; shared pages are counted once (PSS)."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            info = member.memory_full_info()
            total += getattr(info, "pss", info.rss)
        except psutil.Error:
            continue
    return total


def measure(command: list[str], log: Path) -> tuple[float, int]:
    """Seconds and peak bytes of a command; its output goes to `log`."""
    started, peak = time.monotonic(), 0
    with open(log, "w", encoding="utf-8") as out:
        process = psutil.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, tree_memory(process))
            time.sleep(0.25)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed; see {log}")
    return time.monotonic() - started, peak


def seconds_by_rule(log: Path) -> dict[str, tuple[int, float]]:
    """(jobs, seconds of all of them) of each rule, from the time stamps of Snakemake's output."""
    events = re.findall(
        r"^\[([^\]\n]+)\]\n(?:(?:local)?rule (\w+):|Finished jobid: (\d+))(.*?)(?=^\[[^\]\n]+\]$|\Z)",
        log.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    started: dict[str, tuple[str, datetime]] = {}
    spent: dict[str, tuple[int, float]] = {}
    for stamp, rule, finished, details in events:
        now = datetime.strptime(stamp, "%a %b %d %H:%M:%S %Y")
        if rule and (job := re.search(r"^    jobid: (\d+)", details, re.MULTILINE)):
            started[job[1]] = (rule, now)
        elif finished in started:
            name, then = started[finished]
            jobs, total = spent.get(name, (0, 0.0))
            spent[name] = (jobs + 1, total + (now - then).total_seconds())
    return spent


def main() -> None:
    """Run, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--config", type=Path, action="append", default=[], help="an overlay, such as a preset")
    parser.add_argument("--folder", type=Path, help="where results go; default: a fresh temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ssmttm-") as temporary:
        folder = (arguments.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        many = folder / "many.yaml"
        many.write_text("data: {version: many, shards: 400}\n", encoding="utf-8")
        configs = [str(ROOT / "config.yaml"), *(str(path.resolve()) for path in arguments.config)]
        base = [sys.executable, "-m", "snakemake", "--cores", str(arguments.cores), "--directory", str(folder)]
        planned, _ = measure(
            [*base, "--dry-run", "--quiet", "all", "--configfile", *configs, str(many)], folder / "plan.log"
        )
        seconds, peak = measure([*base, "--configfile", *configs], folder / "study.log")
        again, _ = measure([*base, "--configfile", *configs], folder / "again.log")
        if "Nothing to be done" not in (folder / "again.log").read_text(encoding="utf-8"):
            sys.exit(f"the second run had something to do; see {folder / 'again.log'} (keep it with --folder)")
        rules = seconds_by_rule(folder / "study.log")
    found = dict(zip(GOALS, (seconds / 60, peak / 1e9, again, planned), strict=True))
    print(f"{'':28}{'measured':>10}{'goal':>10}  ({arguments.cores} cores)")
    for name, value in found.items():
        print(f"{name:28}{value:10.2f}{'<':>4}{GOALS[name]:6.1f}  {'' if value < GOALS[name] else 'missed'}")
    print(f"\n{'rule':28}{'jobs':>10}{'seconds':>10}  (summed over jobs, which run side by side)")
    for rule, (jobs, total) in sorted(rules.items(), key=lambda item: -item[1][1]):
        print(f"{rule:28}{jobs:10}{total:10.0f}")


if __name__ == "__main__":
    main()
