"""External systems: what is known of them, from facts.json beside their audio."""

from dataclasses import dataclass

from ssmttm.files import read_json
from ssmttm.numbers import millions, power_of_ten, significant
from ssmttm.report.cells import Table, audio_words, number, system_name, text
from ssmttm.study.folder import Study
from ssmttm.wording import listed


@dataclass(frozen=True)
class ExternalSystem:
    """A system that this project didn't train."""

    system: str
    weights: str | None
    """Identity of the weights, if its clips were made here; None if they were given."""
    parameters: float | None
    flops: float | None
    """Of its training, by others' statement or by the published training of weights of that shape."""
    hours: float | None
    """Of music that it was trained on."""
    note: str
    sample_rates: list[int]
    """Of its files before they were resampled, Hz."""
    channels: list[int]
    """Of its files before they were mixed."""

    @property
    def name(self) -> str:
        """Its name on the page."""
        return system_name(self.system)

    @property
    def origin(self) -> str:
        """Who made its clips and who trained it."""
        if self.weights:
            return f"clips made here from the weights {self.weights}, which were trained elsewhere"
        return "clips given from outside, trained elsewhere"

    @property
    def training(self) -> str:
        """What others state of its training: `20,000 h of music and 7.52×10²⁰ FLOPs`."""
        stated = [f"{_hours(self.hours)} of music"] if self.hours else []
        stated += [f"{power_of_ten(self.flops)} FLOPs"] if self.flops else []
        return listed(stated) if stated else "neither music nor FLOPs"


def external_systems(study: Study) -> dict[str, ExternalSystem]:
    """The external systems by name; UserError if a facts.json is missing."""
    table = study["comparison"]
    return {system: _read(study, system) for system in table.loc[table["kind"] == "external", "system"].unique()}


def _read(study: Study, system: str) -> ExternalSystem:
    stated = read_json(study.folder_of(system) / "generated" / "facts.json")
    return ExternalSystem(
        system=system,
        weights=stated.get("model"),
        **{key: stated.get(key) for key in ("parameters", "flops", "hours")},
        note=stated.get("note") or "",
        sample_rates=stated.get("sample_rates") or [],
        channels=stated.get("channels") or [],
    )


def external_table(systems: dict[str, ExternalSystem]) -> Table:
    """What is known of each external system."""
    rows = [
        {"System": text(s.name), "Clips": text(s.origin),
         "Original audio": text(audio_words(None, s.sample_rates, s.channels)),
         "Parameters": number(s.parameters, millions), "Training FLOPs": number(s.flops, power_of_ten),
         "Training music": number(s.hours, _hours), "Note": text(s.note)}
        for s in systems.values()
    ]  # fmt: skip
    return Table(rows, "external", "comparison.csv")


def _hours(value: float) -> str:
    return f"{significant(value)} h"
