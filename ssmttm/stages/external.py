"""Stage `external`: another system's audio, from a folder, in the form of generated clips."""

import sys
from pathlib import Path
from typing import Required, TypedDict

from ssmttm.evaluation.systems.description import Stated, write_description
from ssmttm.evaluation.systems.external import read_external
from ssmttm.evaluation.systems.external_audio import ClipSettings
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import write_text
from ssmttm.generation.prompts import file_name
from ssmttm.tables import read_table, write_table
from ssmttm.tabular import csv_text
from ssmttm.wording import counted, some


class System(Stated):
    """An entry of the config's `evaluation.systems`."""

    folder: Required[str]


class Spec(TypedDict):
    """What the stage depends on, of the config."""

    system: System
    clips: ClipSettings


def run(spec: Spec, name: str, prompts: Path, out: Path, facts: Path) -> None:
    """Write the clips of system `name` for the table `prompts`, and what is known of it.

    `spec` has `system` (its entry of evaluation.systems) and `clips`. Raises UserError, with one line per
    kind of problem, when a caption has no file or a file can't be scored; if files lack, names.csv beside `out`
    says what each caption's is called.
    """
    system, key = spec["system"], f"evaluation.systems.{name}.folder"
    wanted = read_table(prompts, "captions", ["clip_id", "caption"]).to_pylist()
    findings, clips = read_external(wanted, Path(system["folder"]), spec["clips"], key)
    rate = spec["clips"]["sample_rate"]
    rows = [generated_row(name, prompt["clip_id"], prompt["caption"], None, wave, rate) for prompt, wave in clips]
    names = out.with_name("names.csv")
    if "missing" in findings.problems:
        rows_of_names = ((p["clip_id"], f"{file_name(p['clip_id'])}.wav", p["caption"]) for p in wanted)
        write_text(names, csv_text(("clip_id", "file", "caption"), rows_of_names))
    findings.refuse(key, names)
    notes = findings.notes()
    for note in notes:
        sys.stderr.write(f"ssmttm: {name}: {note}\n")
    if findings.extra:
        sys.stderr.write(
            f"ssmttm: {name}: {counted(len(findings.extra), 'file')} of no caption left alone: "
            f"{some(findings.extra, 3)}\n"
        )
    write_description(facts, name, system, findings.source, notes, {"silent": findings.silent})
    write_table(out, "generated", rows)
