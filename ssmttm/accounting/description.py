"""A model's counts and costs as a table for people."""

from ssmttm.accounting.design import Description
from ssmttm.accounting.refiners import RefinerDescription
from ssmttm.numbers import significant
from ssmttm.wording import counted

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")


def quantity(value: float, unit: str) -> str:
    """With three digits and a decimal prefix: `1234567, "B"` -> `1.23 MB`."""
    value, power = float(f"{value:.3g}"), 0
    while abs(value) >= 1000 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{significant(value)} {_PREFIXES[power]}{unit}"


def description(design: Description) -> str:
    """The text of `ssmttm describe`, from what `ssmttm.accounting.design.describe` returns."""
    attention = design["attention_layers"]
    length = f"{design['frames']:,} frames and {design['text_tokens']} caption tokens"
    lines = [
        f"{design['variant']} at size {design['size']}: {counted(design['layers'], 'layer')} of width "
        f"{design['d_model']:,}, {design['mixer']}"
        + (f", attention in layers {', '.join(map(str, attention))}" if attention else ""),
        f"{counted(design['codebooks'], 'codebook')}; a clip is {length}; {design['clips_per_step']:,} clips"
        f" ({design['tokens_per_step']:,} codec tokens) an optimizer step",
        *_section("Parameters", _parameters(design)),
        *_section("FLOPs, forward over one clip and an optimizer step", _flops(design)),
        *_section("Optimizer steps under each budget", _steps(design)),
        *_section("Memory", _memory(design)),
    ]
    return "\n".join(lines)


def refiner_text(refiner: RefinerDescription) -> str:
    """The text of `ssmttm describe` for a refiner, from what `ssmttm.accounting.refiners.describe_refiner` returns."""
    forward, training = sum(refiner["flops_by_kind"].values()), refiner["training_flops"]
    factor = training / forward
    kinds = [*((kind, amount) for kind, amount in refiner["flops_by_kind"].items() if amount), ("in all", forward)]
    groups = [*refiner["parameters_by_group"].items(), ("in all", refiner["parameters"])]
    steps = "turned to steps by measuring" if refiner["steps"] is None else f"{refiner['steps']:,} optimizer steps"
    spent = "" if refiner["flops_spent"] is None else f", {quantity(refiner['flops_spent'], 'FLOP')}"
    lines = [
        f"{refiner['refiner']}: {refiner['objective']} of levels 2 to {refiner['levels']}, {refiner['backbone']}, "
        f"{counted(refiner['layers'], 'layer')} of width {refiner['d_model']:,}",
        f"A window is {refiner['window']:,} frames and {refiner['text_tokens']} caption tokens; "
        f"{refiner['clips_per_step']:,} of them an optimizer step; its budget: {steps}{spent}",
        *_section("Parameters", [(group.replace("_", " "), f"{count:,}", "") for group, count in groups]),
        *_section(
            "FLOPs, forward over one window and an optimizer step",
            [(kind, quantity(amount, "FLOP"), quantity(factor * amount, "FLOP"), "") for kind, amount in kinds],
        ),
    ]
    return "\n".join(lines)


def _section(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    """Rows of a name, numbers to the right, and perhaps a remark after them."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for name, *numbers, remark in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  ".join([f"  {name:<{widths[0]}}", *cells, remark]).rstrip())
    return ["", title, *lines]


def _parameters(design: Description) -> list[tuple[str, ...]]:
    added = ", ".join(design["parameters_added_by_name"])
    rows = [(group.replace("_", " "), f"{count:,}", "") for group, count in design["parameters_by_group"].items()]
    return [
        *((name, count, remark) for name, count, remark in rows if count != "0"),
        ("in all", f"{design['parameters'] + design['parameters_added']:,}", ""),
        ("added by us", f"{design['parameters_added']:,}", added.replace("_", " ")),
        ("without them", f"{design['parameters']:,}", ""),
    ]


def _flops(design: Description) -> list[tuple[str, ...]]:
    forward = sum(design["flops_by_kind"].values())
    factor = design["training_flops"] / forward
    kinds = [*((kind, count) for kind, count in design["flops_by_kind"].items() if count), ("in all", forward)]
    rows = [(kind, quantity(count, "FLOP"), quantity(factor * count, "FLOP"), "") for kind, count in kinds]
    return [*rows, ("per codec token", quantity(design["flops_per_token"], "FLOP"), "", "")]


def _steps(design: Description) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, steps in design["steps"].items():
        ((kind, amount),) = design["budgets"][name].items()
        remark = f"{kind}: {amount:,g}"
        if steps is None:
            remark += "; turned to steps by measuring when a training starts"
        rows.append((name, "measured" if steps is None else f"{steps:,}" if steps else "less than one", remark))
    return rows


def _memory(design: Description) -> list[tuple[str, ...]]:
    memory = design["memory"]
    setup = f"{counted(memory['clips'], 'clip')} at once, {memory['precision']}, {memory['device']}, "
    setup += "activations recomputed" if memory["activation_checkpointing"] else "activations kept"
    parts = {
        "weights": memory["weights"],
        "gradients": memory["gradients"],
        "optimizer": memory["optimizer"],
        "average": memory["average"],
        "activations": memory["activations"],
    }
    return [
        *((f"training: {part}", quantity(count, "B"), "") for part, count in parts.items() if count),
        ("training, estimate", quantity(design["memory_bytes"], "B"), setup),
        (
            "generation, one sequence",
            quantity(design["state_bytes"], "B"),
            f"{design['state_kind']}; fp32, after {design['state_length']:,} steps",
        ),
    ]
