"""An edited plug-in of another package reruns what was made with it, as an edited file of ours does."""

import shutil
import sys

from .conftest import ROOT, TABLE

sys.path.insert(0, str(ROOT / "tests" / "unit" / "support"))

from plugin_packages import EXAMPLE, write_package

RUN = "gru-base-iters"


def test_an_edited_mixer_of_another_package_reruns_only_its_runs(clone):
    text = (EXAMPLE / "src" / "ssmttm_example" / "min_gru.py").read_text(encoding="utf-8")
    files = {"pack/__init__.py": "", "pack/min_gru.py": text}
    write_package(clone.folder, "pack", {"mixers:min_gru": "pack.min_gru"}, files)
    shutil.copy2(TABLE, clone.folder / "workflow" / "runs.tsv")
    clone.edit("config.yaml", "rates: workflow/rates.tsv", "rates: null")
    clone.edit("config.yaml", "{mixer: mamba1,", "{mixer: min_gru,")
    clone.append("workflow/runs.tsv", "\t".join([RUN, "laptop", "prefix-mamba1", "base", "iters", "1"]) + "\t\n")
    clone.build("laptop")
    assert clone.plan() == set()
    clone.append("pack/min_gru.py", "\n# Why.\n")
    assert clone.plan() == set()
    clone.append("pack/min_gru.py", "\nEDITED = 1\n")
    plan = clone.plan()
    assert {f"train {RUN}", f"evaluate {RUN}"} <= plan
    assert {job for job in plan if job.startswith(("train", "evaluate", "baselines", "code_models"))} == {
        f"train {RUN}",
        f"evaluate {RUN}",
    }
