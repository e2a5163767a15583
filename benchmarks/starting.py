"""Processor seconds until commands that compute little have answered, of this code and of an earlier one in turns.

    git worktree add FOLDER COMMIT
    python benchmarks/starting.py [--before FOLDER] [--rounds 5]

Goals: `ssmttm --help` under 0.5 s, `license explain` under 1 s, `describe` under 2 s.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTS = "import ssmttm.evaluation.systems.trained, ssmttm.evaluation.evaluator"
"""What a job imports that generates, embeds and scores."""
COMMANDS = {
    "--help": ["-m", "ssmttm", "--help"],
    "license explain": ["-m", "ssmttm", "license", "explain", "CC BY-SA 3.0"],
    "describe": ["-m", "ssmttm", "describe", "prefix-simba"],
    "describe a refiner": ["-m", "ssmttm", "describe", "paper-refiner", "--preset", "paper"],
    "claims": ["-m", "ssmttm", "claims"],
    "imports of `evaluate`": ["-c", IMPORTS],
}


def seconds(code: Path, words: list[str]) -> float:
    """Of one call with the code in the folder `code`."""

    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    environment = os.environ | {"PYTHONPATH": str(code), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *words], cwd=code, env=environment, stdout=subprocess.DEVNULL, check=True)
    return spent() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a folder with the earlier code")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    before = options.before or ROOT
    print("| command | before, s | now, s | times faster |")
    print("| --- | --- | --- | --- |")
    for name, words in COMMANDS.items():
        seconds(before, words), seconds(ROOT, words)
        rounds = [(seconds(before, words), seconds(ROOT, words)) for _ in range(options.rounds)]
        then, now = (statistics.median(r[i] for r in rounds) for i in range(2))
        print(f"| {name} | {then:.2f} | {now:.2f} | {statistics.median(a / b for a, b in rounds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
