"""Commands that compute little import little."""

import subprocess
import sys

REFINER = """
import sys
from ssmttm.stages import describe
from ssmttm.stages import claims
import ssmttm.models.mixers.mamba2
describe.run("paper-refiner", "base", "paper", None, None, False)
print("\\n" + " ".join(name for name in ("torch._dynamo", "sympy", "numba", "pandas") if name in sys.modules))
"""


def test_describing_a_refiner_imports_neither_compilers_nor_tables():
    found = subprocess.run([sys.executable, "-c", REFINER], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1].split() == []
