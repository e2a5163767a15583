"""A model's counts and costs as a table for people."""

from typing import Any

from ssmttm.numbers import plural, significant

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")


def quantity(value: float, unit: str) -> str:
    """With three digits and a decimal prefix: `1234567, "B"` -> `1.23 MB`."""
    value, power = float(f"{value:.3g}"), 0
    while abs(value) >= 1000 and power < len(_PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{significant(value)} {_PREFIXES[power]}{unit}"


def description(facts: dict[str, Any]) -> str:
    """The text of `ssmttm describe`, from what `ssmttm.accounting.design.facts` returns."""
    attention = facts["attention_layers"]
    length = f"{facts['frames']:,} frames and {facts['text_tokens']} caption tokens"
    lines = [
        f"{facts['variant']} at size {facts['size']}: {plural(facts['layers'], 'layer')} of width {facts['d_model']:,},"
        f" {facts['mixer']}" + (f", attention in layers {', '.join(map(str, attention))}" if attention else ""),
        f"{plural(facts['codebooks'], 'codebook')}; a clip is {length}; {facts['clips_per_step']:,} clips"
        f" ({facts['tokens_per_step']:,} codec tokens) an optimizer step",
        *_section("Parameters", _parameters(facts)),
        *_section("FLOPs, forward over one clip and an optimizer step", _flops(facts)),
        *_section("Optimizer steps under each budget", _steps(facts)),
        *_section("Memory", _memory(facts)),
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


def _parameters(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    added = ", ".join(facts["parameters_added_by_name"])
    rows = [(group.replace("_", " "), f"{count:,}", "") for group, count in facts["parameters_by_group"].items()]
    return [
        *((name, count, remark) for name, count, remark in rows if count != "0"),
        ("in all", f"{facts['parameters'] + facts['parameters_added']:,}", ""),
        ("added by us", f"{facts['parameters_added']:,}", added.replace("_", " ")),
        ("without them", f"{facts['parameters']:,}", ""),
    ]


def _flops(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    forward = sum(facts["flops_by_kind"].values())
    factor = facts["training_flops"] / forward
    kinds = [*((kind, count) for kind, count in facts["flops_by_kind"].items() if count), ("in all", forward)]
    rows = [(kind, quantity(count, "FLOP"), quantity(factor * count, "FLOP"), "") for kind, count in kinds]
    return [*rows, ("per codec token", quantity(facts["flops_per_token"], "FLOP"), "", "")]


def _steps(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, steps in facts["steps"].items():
        ((kind, amount),) = facts["budgets"][name].items()
        remark = f"{kind}: {amount:,g}"
        if steps is None:
            remark += "; turned to steps by measuring when a training starts"
        rows.append((name, "measured" if steps is None else f"{steps:,}" if steps else "less than one", remark))
    return rows


def _memory(facts: dict[str, Any]) -> list[tuple[str, ...]]:
    memory = facts["memory"]
    parts = ("weights", "gradients", "optimizer", "average", "activations")
    setup = f"{plural(memory['clips'], 'clip')} at once, {memory['precision']}, {memory['device']}, "
    setup += "activations recomputed" if memory["activation_checkpointing"] else "activations kept"
    return [
        *((f"training: {part}", quantity(memory[part], "B"), "") for part in parts if memory[part]),
        ("training, estimate", quantity(facts["memory_bytes"], "B"), setup),
        (
            "generation, one sequence",
            quantity(facts["state_bytes"], "B"),
            f"{facts['state_kind']}; fp32, after {facts['state_length']:,} steps",
        ),
    ]
