"""Systems from outside the study: what is known of them, from facts.json beside their audio."""

from dataclasses import dataclass

from ssmttm.files import read_json
from ssmttm.numbers import audio_words, listed, millions, power_of_ten, significant
from ssmttm.report.cells import Listing, number, system_name, text
from ssmttm.report.inputs import Study


@dataclass(frozen=True)
class Foreign:
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
    def audio(self) -> str:
        """Sample rate and channels of its files as they were."""
        return audio_words(None, self.sample_rates, self.channels)


def foreign(study: Study) -> dict[str, Foreign]:
    """The systems from outside, by name; UserError naming the facts that are missing."""
    table = study["comparison"]
    systems = dict.fromkeys(table.loc[table["kind"] == "external", "system"])
    return {system: _read(study, system) for system in systems}


def _read(study: Study, system: str) -> Foreign:
    folder = study.folder / study.summary["baselines"][system]["folder"]
    told = read_json(folder / "generated" / "facts.json")
    return Foreign(
        system=system,
        weights=told.get("model"),
        **{key: told.get(key) for key in ("parameters", "flops", "hours")},
        note=told.get("note") or "",
        sample_rates=told.get("sample_rates") or [],
        channels=told.get("channels") or [],
    )


def listing(given: dict[str, Foreign]) -> Listing:
    """What is known of each system from outside."""
    return Listing(
        "foreign",
        "Systems from outside",
        "Parameters, FLOPs and hours of training music are others’ statements or follow from them. Look for audio that "
        "was unlike this study’s before it was brought to its form: lost bandwidth and channels stay lost.",
        [("System", False), ("Clips", False), ("Audio as it was", False), ("Parameters", True),
         ("Training FLOPs", True), ("Training music", True), ("Note", False)],
        [
            [text(one.name), text(one.origin), text(one.audio), number(one.parameters, millions),
             number(one.flops, power_of_ten), number(one.hours, _hours), text(one.note)]
            for one in given.values()
        ],
        "there are none",
    )  # fmt: skip


def _hours(value: float) -> str:
    return f"{significant(value)} h"


def stated(one: Foreign) -> str:
    """What others state of its training: `20,000 h of music and 7.52×10²⁰ FLOPs`."""
    known = [f"{_hours(one.hours)} of music"] if one.hours else []
    known += [f"{power_of_ten(one.flops)} FLOPs"] if one.flops else []
    return listed(known) if known else "neither music nor FLOPs"
