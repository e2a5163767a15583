"""The paper's "9 % of the FLOPs, 2 % of the data" of MusicGen-small, under each way of counting.

arXiv 2601.14786 states both shares and not how they were counted. Nearly every choice moves
them: whether a model's cost is six times its parameters or what it multiplies, which parameters,
whether attention scores and the scan count, whether caption tokens do. So all of them are
computed, and it is said which give the claim. Counts come in as `Counted`, by the models' own
`flops` (`ssmttm.stages.claims`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CLAIMS = {"flops": 0.09, "data": 0.02}
"""What the paper states, to one digit: a share agrees that rounds to it."""

NOMINAL = 300e6
"""Parameters by MusicGen-small's name; 24 layers of 12 d² are 302 million, without cross-attention."""

SCORES = {"none": "", "causal": " + causal scores", "full": " + full scores"}
SCANS = {"none": "", "chunked": " + chunked scan", "recurrent": " + recurrent scan"}


@dataclass(frozen=True)
class Counted:
    """A model, its training, and FLOPs of one forward pass over one clip, each without and with caption tokens.

    Pairs are (without, with). `each` counts cross-attention's keys and values for every audio
    step (16 d² a layer in a Transformer with a fourfold feed-forward), `once` for every caption
    token only, as they are computed (14 d²); both hold the output heads.
    """

    name: str
    parameters: int
    clips: float
    """Clips seen in training: steps times batch."""
    hours: float
    """Hours of music in the training set."""
    seconds: float
    """Seconds of a clip."""
    steps: int
    """Audio steps of one sequence."""
    codes: int
    """Codec tokens of one clip: frames times codebooks."""
    positions: tuple[int, int]
    """Steps that pass through all layers: in a prefix design also the caption's."""
    once: tuple[float, float]
    each: tuple[float, float]
    scores: dict[str, tuple[float, float]]
    """Of attention, by key of `SCORES`."""
    scans: dict[str, tuple[float, float]]
    """Of state-space layers, with their convolution, by key of `SCANS`."""


@dataclass(frozen=True)
class Way:
    """One way to count one model's training FLOPs."""

    name: str
    meaning: str
    kind: str
    """weights (6 times parameters and tokens) or products."""
    flops: float
    scores: str = "none"
    text: bool = False
    own: bool = False
    """The way in which the model's own `flops` counts, by which this project's budgets are spent."""


def rows(ours: Counted, theirs: Counted) -> list[dict[str, Any]]:
    """Every share of `theirs` that `ours` takes.

    Keys: design, quantity (data or flops), counting, meaning (a sentence), ours, theirs, unit,
    ratio, claim, agrees, like (both sides are counted the same way), own (both by their models' own
    `flops`, as this project spends its budgets) and note. What the project doesn't count has a row
    without numbers that says why.
    """
    found = [_row(ours, *part) for part in _data(ours, theirs)]
    found += [_row(ours, "flops", *part) for part in _flops(ours, theirs)]
    return [*found, *_uncounted(ours)]


def _row(
    ours: Counted,
    quantity: str,
    name: str,
    meaning: str,
    a: float,
    b: float,
    unit: str,
    like: bool = True,
    own: bool = False,
) -> dict[str, Any]:
    ratio, claim = a / b, CLAIMS[quantity]
    return {
        **{"design": ours.name, "quantity": quantity, "counting": name, "meaning": meaning},
        **{"ours": a, "theirs": b, "unit": unit, "ratio": ratio, "claim": claim, "agrees": agrees(ratio, claim)},
        **{"like": like, "own": own, "note": ""},
    }


def agrees(ratio: float, claim: float) -> bool:
    """Does `ratio` round to the claim, which is stated in whole per cent?"""
    return round(100 * ratio) == round(100 * claim)


def _data(ours: Counted, theirs: Counted) -> Iterator[tuple[str, str, str, float, float, str]]:
    yield "data", "hours", "Hours of music in the training set.", ours.hours, theirs.hours, "h"
    yield (
        *("data", "samples", "Clips seen in training, repeats included: optimizer steps times batch."),
        *(ours.clips, theirs.clips, "clips"),
    )
    heard = [side.clips * side.seconds / 3600 for side in (ours, theirs)]
    yield "data", "hours heard", "Length of all clips seen in training, repeats included.", *heard, "h"
    for text, name in ((0, "steps"), (1, "steps with text")):
        counts = [side.clips * side.positions[text] for side in (ours, theirs)]
        what = "audio and a prefix's caption tokens" if text else "audio only"
        yield "data", name, f"Sequence steps that pass through the model in training: {what}.", *counts, "steps"
    codes = [side.clips * side.codes for side in (ours, theirs)]
    yield "data", "codes", "Codec tokens predicted in training: frames times codebooks.", *codes, "tokens"


def _flops(ours: Counted, theirs: Counted) -> Iterator[tuple[str, str, float, float, str, bool, bool]]:
    for mine in our_ways(ours):
        for other in their_ways(theirs):
            like = mine.kind == other.kind
            alike = mine.scores == other.scores if like else mine.scores == "none"
            if mine.text == other.text and alike:
                name = f"{mine.name} : {other.name}{' (with text)' if mine.text else ''}"
                meaning = f"Ours: {mine.meaning} Theirs: {other.meaning}"
                yield name, meaning, mine.flops, other.flops, "FLOP", like, mine.own and other.own


def our_ways(model: Counted) -> list[Way]:
    """Each way to count a design: six per parameter and step, or products with scans, scores and text or not."""
    ways = []
    most = "chunked" if any(model.scans["chunked"]) else "none"
    for text in (False, True):
        ways.append(_six(model, f"6 × {model.parameters / 1e6:.0f} M", model.parameters, text))
        for scan, said in SCANS.items():
            if scan == "none" or any(model.scans[scan]):
                for scores in SCORES:
                    own = (scan, scores, text) == (most, "full", True)
                    ways.append(_products(model, f"products{said}", model.once[text], scores, scan, text, own))
    return ways


def their_ways(model: Counted) -> list[Way]:
    """Each way to count MusicGen-small: six per parameter, nominal or exact, or 14 or 16 d² a layer, scores or not."""
    ways = []
    for text in (False, True):
        ways.append(_six(model, f"6 × {NOMINAL / 1e6:.0f} M", NOMINAL, text))
        ways.append(_six(model, f"6 × {model.parameters / 1e6:.0f} M", model.parameters, text))
        for label, products in (("14 d²", model.once), ("16 d²", model.each)):
            for scores, more in SCORES.items():
                own = (products, scores, text) == (model.once, "full", True)
                ways.append(_products(model, f"{label}{more}", products[text], scores, "none", text, own))
    return ways


def training_flops(model: Counted, forward: float) -> float:
    """FLOPs of the whole training, forward and backward, from those of one clip's forward pass."""
    return 3 * forward * model.clips


def _six(model: Counted, name: str, parameters: float, text: bool) -> Way:
    positions = model.positions[text]
    meaning = f"6 × {parameters:,.0f} parameters × {positions:,} steps a clip."
    return Way(name, meaning, "weights", training_flops(model, 2 * parameters * positions), text=text)


def _products(model: Counted, name: str, products: float, scores: str, scan: str, text: bool, own: bool) -> Way:
    parts = {"products with weights": products, f"{scores} attention scores": model.scores[scores][text]}
    parts[f"{scan} scan"] = model.scans[scan][text]
    counted = ", ".join(f"{what} {flops:.4g}" for what, flops in parts.items() if flops)
    meaning = f"3 × the forward pass over a clip in FLOP: {counted}."
    return Way(name, meaning, "products", training_flops(model, sum(parts.values())), scores, text, own)


_NOT = (
    ("second stage", "The project has no model of the second stage, two diffusion U-Nets of about"
     " 1.2 billion parameters each, so their FLOPs are not counted; they would be added to ours only."),
    ("text encoder, codec and data", "The frozen text encoder and codec, the captioning model and the voice separation"
     " run forward only, once per clip or caption, and are part of neither side’s training."),
)  # fmt: skip


def _uncounted(ours: Counted) -> list[dict[str, Any]]:
    nothing = {"ours": None, "theirs": None, "unit": "FLOP", "ratio": None, "claim": CLAIMS["flops"], "agrees": None}
    return [
        {"design": ours.name, "quantity": "flops", "counting": name, "meaning": "Not counted.", **nothing}
        | {"like": True, "own": False, "note": why}
        for name, why in _NOT
    ]


def ranges(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per design and quantity, over all rows and over like ones only: low, high, within, countings, agreeing.

    `within` says whether the claim lies between the least and the largest share, in whole per cent.
    """
    found = []
    for design, quantity in dict.fromkeys((row["design"], row["quantity"]) for row in table):
        counted = [r for r in table if (r["design"], r["quantity"]) == (design, quantity) and r["ratio"] is not None]
        for like in (True, False):
            chosen = [r for r in counted if r["like"] or not like]
            low, high = min(r["ratio"] for r in chosen), max(r["ratio"] for r in chosen)
            claim, percent = CLAIMS[quantity], [round(100 * x) for x in (low, CLAIMS[quantity], high)]
            found.append(
                {"design": design, "quantity": quantity, "like_only": like, "low": low, "high": high, "claim": claim}
                | {"within": percent == sorted(percent), "countings": len(chosen)}
                | {"agreeing": [r["counting"] for r in chosen if r["agrees"]]}
            )
    return found
