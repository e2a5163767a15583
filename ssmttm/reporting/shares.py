"""The claims of 9 % and 2 % as the page shows them, from `claims.json`."""

from typing import Any

from ssmttm.reporting.listing import Cell, number
from ssmttm.reporting.numbers import listed, millions, power_of_ten, significant

_QUANTITIES = {"flops": "FLOPs", "data": "data"}


def shares(claims: dict[str, Any] | None, href: str) -> dict[str, Any]:
    """Ranges and rows with every number as text; both empty where nothing was computed."""
    if claims is None:
        return {"ranges": [], "rows": [], "href": href}
    return {
        "ranges": [_range(r) for r in claims["ranges"]],
        "rows": [_row(r) for r in claims["rows"]],
        "href": href,
    }


def _percent(value: Any) -> Cell:
    return number(value, lambda v: f"{significant(100 * v, 2 if v < 0.1 else 3)} %")


def _yes(value: Any) -> str:
    return "–" if value is None else "yes" if value else "no"


def _range(row: dict[str, Any]) -> dict[str, Any]:
    agreeing = row["agreeing"]
    named = listed(agreeing) if 0 < len(agreeing) <= 4 else f"{len(agreeing)} of {row['countings']}"
    return {
        "design": row["design"],
        "of": _QUANTITIES[row["quantity"]],
        "countings": f"{row['countings']} {'like ones' if row['like_only'] else 'in all'}",
        **{k: _percent(row[k]) for k in ("low", "high", "claim")},
        "within": _yes(row["within"]),
        "agreeing": named if agreeing else "none",
    }


def _amount(value: Any, unit: str) -> Cell:
    def shown(v: float) -> str:
        if unit == "FLOP" or v >= 1e9:
            return power_of_ten(v)
        return millions(v) if v >= 1e6 else significant(v)

    cell = number(value, shown)
    return {**cell, "text": f"{cell['text']} {unit}"} if value is not None else cell


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "design": row["design"],
        "of": _QUANTITIES[row["quantity"]],
        "counting": row["counting"],
        "meaning": " ".join(filter(None, [row["meaning"], row["note"]])),
        "ours": _amount(row["ours"], row["unit"]),
        "theirs": _amount(row["theirs"], row["unit"]),
        "share": _percent(row["ratio"]),
        "like": _yes(row["like"]),
        "agrees": _yes(row["agrees"]),
    }
