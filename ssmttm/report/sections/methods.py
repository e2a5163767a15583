"""What the methods section says: the configuration that ran, in words, and what the runs recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ssmttm.licenses.elements import SWITCHES
from ssmttm.licenses.policy import make_policy
from ssmttm.numbers import REFERENCE_NAMES, budget_name, metric_name, millions, power_of_ten
from ssmttm.report.cells import audio_text
from ssmttm.report.scoreboard import run_rows, runs_by_budget
from ssmttm.study.folder import Study
from ssmttm.study.frames import rows_of
from ssmttm.study_rows import SystemScore
from ssmttm.wording import counted, listed


@dataclass(frozen=True)
class Methods:
    """What the template's sentences are about."""

    study: Study
    data: Mapping[str, Any]
    generation: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    """Sections of the configuration."""

    @property
    def sources(self) -> str:
        """With the packages that were named."""
        packages = {name: settings.get("packages") for name, settings in self.data["sources"].items()}
        return listed([f"{name} ({listed(list(named))})" if named else name for name, named in packages.items()])

    @property
    def licenses(self) -> list[str]:
        """The identifiers of `data.license.allow` whose elements are switched on."""
        return usable(self.data["license"])

    def elements(self, on: bool) -> list[str]:
        """The elements of licenses that are switched on, or off."""
        return [name.upper() for name, (key, _) in SWITCHES.items() if bool(self.data["license"][key]) == on]

    def training(self, key: str, form: str = "{:g}") -> str:
        """One setting of the training, or all of them where runs differ."""
        return _all((spec["training"][key] for spec in self.study.specs.values()), form)

    @property
    def codebooks(self) -> str:
        """How many of the codec's codebooks the models predict."""
        return _all(sorted({spec["model"]["codebooks"] for spec in self.study.specs.values()}))

    @property
    def seeds(self) -> str:
        """Of the training."""
        return _all(sorted({spec["seed"] for spec in self.study.specs.values()}))

    @property
    def models(self) -> list[str]:
        """A sentence on each design."""
        found = []
        for name, group in run_rows(self.study["comparison"]).groupby("variant", sort=False):
            spec = self.study.specs[group["system"].iloc[0]]["variant"]
            layer, layers = spec["feedforward"], spec.get("attention_layers")
            forward = "no feed-forward layer" if layer == "none" else f"a {layer} feed-forward layer"
            attention = f", attention in layers {_all(layers)}" if layers else ""
            conditioning = "a prefix" if spec["conditioning"] == "prefix" else "cross-attention"
            sizes = listed([millions(p) for p in sorted(set(group["parameters"]), reverse=True)])
            design = f"{spec['mixer']} mixer with {forward}{attention}, text by {conditioning}"
            found.append(f"{name}: {design}, {sizes} parameters.")
        return found

    @property
    def machines(self) -> list[str]:
        """What the runs were trained on."""
        found = []
        for run in self.study.summary["runs"].values():
            manifest = run["manifest"]
            device = "" if manifest["device"] == "cpu" else f"{manifest['device']}, with the processor "
            found.append(
                f"{device}{manifest['machine']['cpu']}, {manifest['instruction_set']} instructions, torch "
                f"{manifest['packages']['torch']}, {counted(manifest['threads'], 'thread')}"
            )
        return list(dict.fromkeys(found))

    @property
    def budgets(self) -> str:
        """`5 runs with 120 iterations`."""
        groups = runs_by_budget(self.study["comparison"])
        return listed([f"{counted(len(runs), 'run')} with {budget_name(*budget)}" for budget, runs in groups])

    @property
    def flops(self) -> str:
        """What the runs spent, from the least to the greatest."""
        spent = run_rows(self.study["comparison"])["flops_spent"]
        return " to ".join(power_of_ten(v) for v in dict.fromkeys((spent.min(), spent.max())))

    @property
    def metrics(self) -> str:
        """Their names."""
        return listed([metric_name(metric) for metric in self.study["comparison"]["metric"].unique()])

    @property
    def metrics_without_interval(self) -> str:
        """Their names."""
        groups = self.study["comparison"].groupby("metric", sort=False)["low"]
        return listed([metric_name(metric) for metric, lows in groups if lows.isna().all()])

    @property
    def references(self) -> str:
        """What is compared with."""
        return listed([REFERENCE_NAMES[reference] for reference in self.study["comparison"]["reference"].unique()])

    @property
    def prompts(self) -> str:
        """Where the captions come from, if the summary says so."""
        name = self.study.summary["evaluation"].get("prompts", {}).get("set", "")
        return "the test split" if name == "test" else name

    @property
    def audio(self) -> str:
        """The clips of the runs."""
        table = self.study["comparison"]
        runs = table[table["kind"] == "run"].drop_duplicates(["clip_s", "sample_rate", "channels"])
        return listed([audio_text(score) for score in rows_of(runs, SystemScore)])


def usable(license: Mapping[str, Any]) -> list[str]:
    """The identifiers of the policy's `allow` whose elements are switched on."""
    policy = make_policy(license)
    return [name for name in license["allow"] if policy.branch(name)]


def _all(values: Iterable[object], form: str = "{}") -> str:
    return listed([form.format(value) for value in dict.fromkeys(values)])
