"""The claims of 9 % and 2 % as the page shows them, from `claims.json`."""

from typing import Any

from ssmttm.accounting.claims_text import claims_sentence, not_counted
from ssmttm.numbers import listed, millions, power_of_ten, significant
from ssmttm.report.cells import Cell, number

_QUANTITIES = {"flops": "FLOPs", "data": "data"}


def shares(claims: dict[str, Any] | None, href: str) -> dict[str, Any]:
    """Sentences, ranges and rows with every number as text; ranges and rows are empty where nothing was computed."""
    if claims is None:
        return {"ranges": [], "rows": [], "href": href}
    own = {row["design"]: row["ratio"] for row in claims["rows"] if row["own"]}
    return {
        "counted_for": _counted_for(claims),
        "sentence": claims_sentence(claims),
        "not_counted": not_counted(claims),
        "ranges": [_range(r, own) for r in _distinct(claims["ranges"])],
        "rows": [_row(r) for r in claims["rows"] if r["ratio"] is not None],
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


def _distinct(ranges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the ranges over all countings that are those over like ones, since all are alike."""
    alike = {(r["design"], r["quantity"]): r["countings"] for r in ranges if r["like_only"]}
    return [r for r in ranges if r["like_only"] or alike.get((r["design"], r["quantity"])) != r["countings"]]


def _percent(value: Any) -> Cell:
    return number(value, lambda v: f"{significant(100 * v)} %")


def _range(row: dict[str, Any], own: dict[str, float]) -> dict[str, Any]:
    agreeing = row["agreeing"]
    named = listed(agreeing) if 0 < len(agreeing) <= 4 else f"{len(agreeing)} of {row['countings']}"
    return {
        "design": row["design"],
        "of": _QUANTITIES[row["quantity"]],
        "countings": f"{row['countings']} {'alike' if row['like_only'] else 'in all'}",
        **{k: _percent(row[k]) for k in ("low", "high")},
        "claim": number(row["claim"], lambda v: f"{100 * v:.0f} %"),
        "own": _percent(own[row["design"]] if row["quantity"] == "flops" else None),
        "within": _yes(row["within"]),
        "agreeing": named if agreeing else "none",
    }


def _yes(value: bool) -> str:
    return "yes" if value else "no"


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
        "of": _QUANTITIES[row["quantity"]],
        "counting": row["counting"],
        "own": row["own"],
        "meaning": row["meaning"],
        "ours": _amount(row["ours"], row["unit"]),
        "theirs": _amount(row["theirs"], row["unit"]),
        "share": _percent(row["ratio"]),
        "like": _yes(row["like"]),
        "agrees": _yes(row["agrees"]),
    }
