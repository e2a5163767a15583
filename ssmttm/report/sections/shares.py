"""The claims of 9 % and 2 % as the page shows them, from `claims.json`."""

from typing import Any

from ssmttm.accounting.claims_text import TITLES, claims_sentence
from ssmttm.numbers import listed, millions, power_of_ten, significant
from ssmttm.report.cells import Cell, number


def shares(claims: dict[str, Any] | None, href: str) -> dict[str, Any]:
    """Sentences and rows with every number as text; rows are empty where nothing was computed."""
    if claims is None:
        return {"rows": [], "href": href}
    return {
        "counted_for": _counted_for(claims),
        "sentence": claims_sentence(claims),
        "not_counted": claims["not_counted"],
        "rows": [_row(r) for r in claims["rows"]],
        "href": href,
    }


def _counted_for(claims: dict[str, Any]) -> str:
    """Whose training the rows count."""
    spec, designs = claims["spec"], claims["designs"]
    sizes = _span([d["parameters"] for d in designs], millions)
    steps = _span([d["optimizer_steps"] for d in designs], lambda v: f"{v:,.0f}")
    batch, seconds = (_span([d[key] for d in designs], lambda v: f"{v:g}") for key in ("batch", "seconds"))
    return (
        f"They are counted for {listed([d['design'] for d in designs])}, as the preset {spec['preset']} describes them "
        f"at size {spec['size']}: {sizes} parameters, {steps} optimizer steps of {batch} clips of {seconds} s, and "
        f"{spec['hours']:g} hours of music to train on."
    )


def _span(values: list[float], form: Any) -> str:
    """The one value of all, or the least and the greatest."""
    ends = list(dict.fromkeys([form(min(values)), form(max(values))]))
    return " to ".join(ends)


def _amount(value: float, unit: str) -> Cell:
    def shown(v: float) -> str:
        if unit == "FLOP" or v >= 1e9:
            return power_of_ten(v)
        return millions(v) if v >= 1e6 else significant(v)

    cell = number(value, shown)
    return {**cell, "text": f"{cell['text']} {unit}"}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "design": row["design"],
        "of": TITLES[row["quantity"]],
        "counting": row["counting"],
        "own": row["own"],
        "meaning": row["meaning"],
        "ours": _amount(row["ours"], row["unit"]),
        "theirs": _amount(row["theirs"], row["unit"]),
        "share": number(row["ratio"], lambda v: f"{significant(100 * v)} %"),
        "claim": number(row["claim"], lambda v: f"{100 * v:.0f} %"),
        "agrees": "yes" if row["agrees"] else "no",
    }
