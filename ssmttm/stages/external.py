"""Stage `external`: another system's audio, from a folder, in the form of generated clips."""

from pathlib import Path

from ssmttm.evaluation.references.csv_file import csv_text
from ssmttm.evaluation.systems.external import read_external
from ssmttm.evaluation.systems.facts import write_facts
from ssmttm.evaluation.systems.generated import generated_row
from ssmttm.files import write_text
from ssmttm.generation.prompts import file_name
from ssmttm.progress import notify
from ssmttm.settings import StageSpec
from ssmttm.tables import read_table, write_table
from ssmttm.wording import counted, some


def run(spec: StageSpec, name: str, prompts: Path, out: Path, facts: Path) -> None:
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
        notify(f"{name}: {note}")
    if findings.extra:
        extra = counted(len(findings.extra), "file")
        notify(f"{name}: {extra} of no caption left alone: {some(findings.extra, 3)}")
    write_facts(
        facts,
        name,
        system,
        sample_rates=sorted(set(findings.rates.values())),
        channels=sorted(set(findings.channels.values())),
        notes=notes,
        silent=findings.silent,
    )
    write_table(out, "generated", rows)
