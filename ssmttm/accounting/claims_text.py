"""The claims as a table for people: what `ssmttm claims` prints."""

from ssmttm.accounting.claims import ClaimCounts, Share
from ssmttm.numbers import power_of_ten, significant
from ssmttm.wording import listed

TITLES = {"flops": "training FLOPs", "data": "data"}


def claims_text(counts: ClaimCounts) -> str:
    """The text of `ssmttm claims`, from what claims.json says."""
    designs = [design["design"] for design in counts["designs"]]
    lines = [f"Shares of {counts['reference']['name']} in per cent; * rounds to the paper's claim."]
    for quantity, title in TITLES.items():
        chosen = [row for row in counts["rows"] if row["quantity"] == quantity]
        lines += ["", f"{title[0].upper()}{title[1:]}: claimed {100 * counts['claims'][quantity]:.0f} %"]
        lines.append(" " * 26 + "".join(f"{design:>20}" for design in designs))
        for counting in dict.fromkeys(row["counting"] for row in chosen):
            cells = [_cell(row) for row in chosen if row["counting"] == counting]
            lines.append(f"  {counting:<24}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join([*lines, "", "Not counted", *(f"  {name}: {why}" for name, why in counts["not_counted"].items())])


def _cell(row: Share) -> str:
    return significant(100 * row["ratio"]) + ("*" if row["agrees"] else "")


def claims_sentence(counts: ClaimCounts, design: str | None = None) -> str:
    """What the table says of one design, the first without a name, in sentences for a report."""
    design = design or counts["designs"][0]["design"]
    rows = [row for row in counts["rows"] if row["design"] == design]
    sentences = []
    for quantity, title in TITLES.items():
        chosen = [row for row in rows if row["quantity"] == quantity]
        shares = listed([f"{significant(100 * row['ratio'])} % ({row['counting']})" for row in chosen])
        agreeing = [row["counting"] for row in chosen if row["agrees"]]
        claim = f"the paper’s {100 * counts['claims'][quantity]:.0f} % by {listed(agreeing) if agreeing else 'none'}"
        sentences.append(f"{design} takes of {counts['reference']['name']}’s {title} {shares}: {claim}.")
    own = next(row for row in rows if row["own"])
    both = f"{power_of_ten(own['ours'])} against {power_of_ten(own['theirs'])} FLOPs"
    return " ".join([*sentences, f"This project’s own count is {both}."])
