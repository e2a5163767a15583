"""The paper's shares of MusicGen-small's FLOPs and data, counted from the models themselves."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator

from ssmttm.accounting.claims import ClaimCounts, ClaimSettings
from ssmttm.accounting.claims_of_designs import DEFAULTS, count_claims
from ssmttm.accounting.claims_text import claims_text
from ssmttm.config import complain
from ssmttm.errors import UserError
from ssmttm.files import write_json
from ssmttm.spec import canonical_json

_NAME = {"type": "string"}
_SPEC = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            **dict.fromkeys(("preset", "size", "budget"), _NAME),
            "variants": {"type": "array", "items": _NAME, "minItems": 1},
            "hours": {"type": "number", "exclusiveMinimum": 0},
            "refiner": {"type": ["string", "null"]},
        },
    }
)


def run(spec: Mapping[str, Any] | None, out: Path | None) -> str:
    """Count, and write claims.json to `out`; returns the table that `ssmttm claims` prints."""
    counted = claims(spec)
    if out is not None:
        write_json(out, counted)
    return claims_text(counted)


def claims(spec: Mapping[str, Any] | None = None) -> ClaimCounts:
    """What claims.json says (`count_claims`); `spec` may replace any of `DEFAULTS`.

    Raises UserError for an unknown key, design, size or budget.
    """
    settings = {**DEFAULTS, **(spec or {})}
    if unknown := sorted(set(settings) - set(DEFAULTS)):
        raise UserError(f"claims: no setting {', '.join(unknown)}; there are {', '.join(DEFAULTS)}")
    complain(_SPEC, settings, "claims: --spec", f"without --spec it is {canonical_json(DEFAULTS)}")
    return count_claims(cast(ClaimSettings, settings))
