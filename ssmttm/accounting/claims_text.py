"""The claims as tables for people: what `ssmttm claims` prints."""

from typing import Any

from ssmttm.numbers import listed, power_of_ten, significant


def claims_text(found: dict[str, Any]) -> str:
    """The text of `ssmttm claims`, from what `ssmttm.stages.claims.claims` returns."""
    reference, built = found["reference"], found["reference"]["built"]
    designs = [design["design"] for design in found["designs"]]
    rows = [row for row in found["rows"] if row["ratio"] is not None]
    lines = [
        f"Shares of {reference['name']} in per cent; * rounds to the paper's claim, ( ) is not counted alike.",
        f"{reference['name']} as a configuration of this project's model has {built['parameters']:,} parameters,"
        f" {built['difference']:+,} against the published {built['published']:,}:",
        "  " + ", ".join(f"{name} {count:+,}" for name, count in built["by_part"].items()),
    ]
    for quantity, title in (("data", "Data"), ("flops", "Training FLOPs")):
        chosen = [row for row in rows if row["quantity"] == quantity]
        names = list(dict.fromkeys(_common(row, found["designs"]) for row in chosen))
        cells = {(_common(row, found["designs"]), row["design"]): _cell(row) for row in chosen}
        table = [(name, *(cells.get((name, design), "") for design in designs)) for name in names]
        lines += ["", f"{title}: claimed {100 * found['claims'][quantity]:.0f} %", *_aligned(["", *designs], table)]
    lines += ["", "In all", *(_range(entry) for entry in found["ranges"] if not entry["like_only"])]
    return "\n".join([*lines, "", "Not counted", *(f"  {name}: {note}" for name, note in not_counted(found).items())])


def _common(row: dict[str, Any], designs: list[dict[str, Any]]) -> str:
    """The counting's name with N for the design's own number of parameters, so that designs share a row."""
    millions = next(d["parameters"] for d in designs if d["design"] == row["design"]) / 1e6
    ours, separator, theirs = row["counting"].partition(" : ")
    return ours.replace(f"6 × {millions:.0f} M", "6 × N") + separator + theirs


def _cell(row: dict[str, Any]) -> str:
    text = significant(100 * row["ratio"])
    return (text if row["like"] else f"({text})") + ("*" if row["agrees"] else " ")


def _aligned(head: list[str], table: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(line[i]) for line in [head, *table]) for i in range(len(head))]
    return [
        ("  " + f"{first:<{widths[0]}}" + "".join(f"  {cell:>{w}}" for cell, w in zip(rest, widths[1:]))).rstrip()
        for first, *rest in [head, *table]
    ]


def _range(entry: dict[str, Any]) -> str:
    share = f"{significant(100 * entry['low'])} to {significant(100 * entry['high'])} %"
    within = "lies" if entry["within"] else "does not lie"
    many = f"{len(entry['agreeing'])} of {entry['countings']} countings round to it"
    return f"  {entry['design']}, {entry['quantity']}: {share}; {100 * entry['claim']:.0f} % {within} within, {many}"


def not_counted(found: dict[str, Any]) -> dict[str, str]:
    """What is in no row, with the reason why."""
    return {row["counting"]: row["note"] for row in found["rows"] if row["note"]}


def claims_sentence(found: dict[str, Any], design: str | None = None) -> str:
    """What the table says of one design, the first without a name, in sentences for a report."""
    design = design or found["designs"][0]["design"]
    own = {e["quantity"]: e for e in found["ranges"] if e["design"] == design and not e["like_only"]}
    sentences = []
    for quantity, what in (("flops", "training FLOPs"), ("data", "data")):
        entry = own[quantity]
        agreeing = entry["agreeing"]
        many = f"{len(agreeing)} of {entry['countings']} ways of counting round to the paper’s"
        sentence = f"{design} takes {significant(100 * entry['low'])} to {significant(100 * entry['high'])} % of "
        sentence += f"{found['reference']['name']}’s {what}; {many} {100 * entry['claim']:.0f} %"
        sentences.append(sentence + (f": {listed(agreeing)}." if 0 < len(agreeing) <= 3 else "."))
    row = next(r for r in found["rows"] if r["design"] == design and r["own"])
    both = f"{power_of_ten(row['ours'])} against {power_of_ten(row['theirs'])} FLOPs"
    sentences.append(f"By this project’s own count it is {both}, {significant(100 * row['ratio'])} %.")
    return " ".join(sentences)
