"""Benchmarks are run by hand, and rarely: what they import must not move away unseen."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
LOAD = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
for script in sys.argv[2:]:
    print(script, flush=True)
    runpy.run_path(script, run_name="loaded")
"""


def test_every_benchmark_finds_what_it_imports():
    scripts = [str(path) for path in sorted(BENCHMARKS.glob("*.py"))]
    assert len(scripts) > 30
    command = [sys.executable, "-c", LOAD, str(BENCHMARKS), *scripts]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, f"{done.stdout.splitlines()[-1]}:\n{done.stderr[-2000:]}"
