"""The claims of 9 % and 2 % as the page shows them, from `claims.json`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ssmttm.accounting.claims import ClaimCounts, Share
from ssmttm.accounting.claims_text import TITLES, claims_sentence
from ssmttm.numbers import millions, power_of_ten, significant
from ssmttm.report.cells import Row, Table, number, text
from ssmttm.wording import listed


@dataclass(frozen=True)
class Claims:
    """What the section says."""

    counted_for: str
    sentence: str
    not_counted: Mapping[str, str]
    table: Table


def claims_section(claims: ClaimCounts) -> Claims:
    """Sentences and a table, from what claims.json says."""
    rows = claims["rows"]
    table = Table(
        [_row(row) for row in rows], file="claims.json", highlighted=[i for i, row in enumerate(rows) if row["own"]]
    )
    return Claims(_counted_for(claims), claims_sentence(claims), claims["not_counted"], table)


def _counted_for(claims: ClaimCounts) -> str:
    """Whose training the rows count."""
    spec, designs = claims["spec"], claims["designs"]
    sizes = _span([d["parameters"] for d in designs], millions)
    steps = _span([d["optimizer_steps"] for d in designs], "{:,.0f}".format)
    batch, seconds = _span([d["batch"] for d in designs], str), _span([d["seconds"] for d in designs], "{:g}".format)
    refiner, second = claims["refiner"], ""
    if refiner is not None:
        second = (
            f" Both stages are these and the refiner {refiner['refiner']}, {millions(refiner['parameters'])} parameters"
            f" and {refiner['optimizer_steps']:,} optimizer steps."
        )
    return (
        f"They are counted for {listed([d['design'] for d in designs])}, as the preset {spec['preset']} describes them "
        f"at size {spec['size']}: {sizes} parameters, {steps} optimizer steps of {batch} clips of {seconds} s, and "
        f"{spec['hours']:g} hours of music to train on.{second}"
    )


def _span(values: Sequence[float], form: Callable[[float], str]) -> str:
    """The one value of all, or the least and the greatest."""
    return " to ".join(dict.fromkeys([form(min(values)), form(max(values))]))


def _amount(value: float, unit: str) -> str:
    if unit == "FLOP" or value >= 1e9:
        return f"{power_of_ten(value)} {unit}"
    return f"{millions(value) if value >= 1e6 else significant(value)} {unit}"


def _row(row: Share) -> Row:
    own = "by which this project spends its budgets" if row["own"] else ""
    amount = partial(_amount, unit=row["unit"])
    return {
        "Design": text(row["design"]),
        "Of": text(TITLES[row["quantity"]]),
        "Counting": replace(text(row["counting"], own, row["meaning"]), style="wide"),
        "Ours": number(row["ours"], amount),
        "MusicGen-small": number(row["theirs"], amount),
        "Share": number(row["ratio"], lambda v: f"{significant(100 * v)} %"),
        "Claim": number(row["claim"], lambda v: f"{100 * v:.0f} %"),
        "Rounds to the claim": text("yes" if row["agrees"] else "no"),
    }
