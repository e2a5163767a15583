"""Made-up tables of losses for a study that was compared: with an effect, without one, or with runs below the bigram.

`python tests/unit/support/made_up_losses.py FOLDER [effect|none|loses]` makes a results tree with the shape of a study
that separates mixer from conditioning, three seeds each, and renders its page.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import synthetic
from four_designs import four_designs

from ssmttm.choices import LOSS_TABLES
from ssmttm.report.scoreboard import run_rows
from ssmttm.stages import report
from ssmttm.study.folder import Study, read_study
from ssmttm.study.frames import frame_of, rows_of
from ssmttm.study_rows import Efficiency, Loss, LossPair, SystemScore
from ssmttm.tables import write_frame

LOSS = {
    "effect": {"mamba2": 4.95, "attention": 5.62, "cross": 0.12, "quarter": {"mamba2": 0.35, "attention": 0.82}},
    "none": {"mamba2": 5.41, "attention": 5.43, "cross": 0.01, "quarter": {"mamba2": 0.52, "attention": 0.55}},
    "loses": {"mamba2": 5.21, "attention": 6.07, "cross": 0.12, "quarter": {"mamba2": 0.35, "attention": 0.31}},
}
"""Nats per token of a base size with a prefix; what cross-attention and a quarter of the size add to it."""

TRIVIAL = {"unigram": 6.68, "copy": 5.98, "bigram": 5.84, "trigram": 5.80}
WIDTH, TRACKS, ARTISTS = 0.11, 24, 6


def loss_of(run: SystemScore, how: str) -> float:
    """The loss of a run, with a little of its own for its seed."""
    numbers, mixer = LOSS[how], "attention" if run.mixer == "attention" else "mamba2"
    added = numbers["cross"] * (run.conditioning == "cross") + numbers["quarter"][mixer] * (run.size == "quarter")
    return numbers[mixer] + added + 0.01 * synthetic.rng_of(run.system).normal()


def answered(study: Study, how: str) -> Study:
    """The study with tables of losses."""
    runs = rows_of(run_rows(study["comparison"]), SystemScore)
    losses = {run.system: loss_of(run, how) for run in runs}
    rows = [row for run in runs for row in _rows(run, losses[run.system])]
    rows += [
        Loss(system=name, kind="trivial", split="test", loss=loss, low=loss - WIDTH, high=loss + WIDTH, clips=192,
             tracks=TRACKS, artists=ARTISTS, over_bigram=TRIVIAL["bigram"] - loss)
        for name, loss in TRIVIAL.items()
    ]  # fmt: skip
    pairs = _pairs(runs, losses)
    asked = [p for p in pairs if p.question in ("mixer", "layers", "conditioning") and p.budget_kind == "flops"]
    efficiency = [_times(p, how) for p in asked]
    made = {"losses": rows, "loss_pairs": pairs, "efficiency": efficiency}
    return replace(study, tables={**study.tables, **{name: frame_of(table, name) for name, table in made.items()}})


def _rows(run: SystemScore, loss: float) -> list[Loss]:
    over, gain = TRIVIAL["bigram"] - loss, 0.04 + 0.05 * (run.mixer != "attention")
    design = {
        name: getattr(run, name) for name in ("variant", "mixer", "feedforward", "conditioning", "size", "stages")
    }
    common = {
        **design, "system": run.system, "kind": "run", "seed": run.seed, "budget_kind": run.budget_kind,
        "budget": run.budget, "flops": run.flops_spent, "steps": run.steps, "seconds": run.seconds, "clips": 192,
        "tracks": TRACKS, "artists": ARTISTS, "other_gain": gain, "other_gain_low": gain - 0.03,
        "other_gain_high": gain + 0.03, "null_gain": gain, "null_gain_low": gain - 0.03, "null_gain_high": gain + 0.03,
        "over_bigram": over, "over_bigram_low": over - 0.08, "over_bigram_high": over + 0.08,
    }  # fmt: skip
    shifts = {"test": 0.0, "known": -0.15}
    return [
        Loss(**common, split=split, loss=loss + s, low=loss + s - WIDTH, high=loss + s + WIDTH)
        for split, s in shifts.items()
    ]


def _pairs(runs: list[SystemScore], losses: dict[str, float]) -> list[LossPair]:
    """All that the questions ask for."""
    means: dict[tuple, dict[str, list[float]]] = {}
    kinds = {str(run.variant): run for run in runs}
    for run in runs:
        place = (run.budget_kind, run.budget, run.size)
        means.setdefault(place, {}).setdefault(str(run.variant), []).append(losses[run.system])
    found = []
    for (kind, budget, size), designs in means.items():
        for a in designs:
            for b in designs:
                question = _question(kinds[a], kinds[b])
                if question:
                    difference = float(np.mean(designs[b]) - np.mean(designs[a]))
                    found.append(_pair(question, a, b, size, kind, budget, difference, len(designs[a])))
        for variant, values in designs.items():
            smaller = means.get((kind, budget, "quarter"), {}).get(variant)
            if size == "base" and smaller:
                difference = float(np.mean(smaller) - np.mean(values))
                found.append(_pair("size", variant, variant, "quarter", kind, budget, difference, len(smaller)))
    shrunk = {(p.a, p.budget): p for p in found if p.question == "size"}
    for (name, budget), one in shrunk.items():
        other = shrunk.get((name.replace("simba", "transformer"), budget))
        if other and other is not one:
            difference = other.difference - one.difference
            found.append(_pair("twins", one.a, other.a, "quarter", one.budget_kind, budget, difference, one.seeds))
    return found


def _question(a: SystemScore, b: SystemScore) -> str:
    """What sets `a` against `b`, in that order; nothing where another order or no question does."""
    if a.stages != b.stages:
        return "stages" if (a.stages, b.stages) == (2, 1) else ""
    if (a.mixer == "attention") < (b.mixer == "attention") and a.conditioning == b.conditioning:
        return "mixer" if a.feedforward == b.feedforward else "layers"
    alike = (a.mixer, a.feedforward) == (b.mixer, b.feedforward)
    return "conditioning" if alike and (a.conditioning, b.conditioning) == ("prefix", "cross") else ""


def _pair(question, a, b, size, kind, budget, difference, seeds) -> LossPair:
    p = 0.0004 if abs(difference) > 0.08 else 0.41
    return LossPair(
        question=question, a=a, b=b, size=size, budget_kind=kind, budget=budget, split="test", seeds=seeds,
        difference=difference, low=difference - 0.07, high=difference + 0.06, p=p / 2, adjusted=p,
        verdict="not told apart" if p > 0.05 else "a is better" if difference > 0 else "b is better",
    )  # fmt: skip


def _times(pair: LossPair, how: str) -> Efficiency:
    times = float(np.exp(2 * pair.difference))
    low, high = (None, None) if how == "none" else (times * 0.8, times * 1.3)
    return Efficiency(
        a=pair.a, b=pair.b, unit="flops", times=times, low=low, high=high, note="between two of its runs",
        size=str(pair.size), split="test", seeds=pair.seeds, target=5.5,
    )  # fmt: skip


RUNS = """run study variant size budget seed overrides
{rows}"""


def config_of_two_by_two(root: Path) -> dict:
    """Mixer and conditioning crossed, three seeds of each, and two designs at a quarter of the size."""
    config = four_designs()
    config["budgets"] = {"iters": {"iterations": 120}, "flops": {"flops": 6.0e12}}
    base = ("prefix-simba", "prefix-transformer", "cross-simba", "cross-transformer", "prefix-mamba")
    wanted = [(v, "base", "flops", s) for v in base for s in (1, 2, 3)]
    wanted += [(v, z, "iters", 1) for v in ("prefix-simba", "prefix-transformer") for z in ("base", "quarter")]
    rows = "\n".join(f"{v}-{z}-{b}-{s} answer {v} {z} {b} {s} " for v, z, b, s in wanted)
    root.mkdir(parents=True, exist_ok=True)
    (root / "runs.tsv").write_text(RUNS.format(rows=rows).replace(" ", "\t") + "\n", encoding="utf-8")
    config["evaluation"]["metrics"] = ["frechet", "kl", "text_audio", "training_copies"]
    return config | {"runs": str(root / "runs.tsv")}


def write_losses(folder: Path, how: str) -> None:
    """Put the tables of losses into a study's folder, in place of its own."""
    made = answered(read_study(folder), how)
    for name in ("losses", "loss_pairs", "efficiency"):
        write_frame(folder / f"{name}.parquet", name, made[name])


def without_losses(studies: Path, copy: Path) -> Path:
    """A copy of a study's folder in whose tables no loss was measured."""
    shutil.copytree(studies, copy, ignore=shutil.ignore_patterns("figures"))
    for name in LOSS_TABLES:
        write_frame(copy / f"{name}.parquet", name, frame_of([], name))
    return copy


def main() -> None:
    root, hows = Path(sys.argv[1]), sys.argv[2:] or list(LOSS)
    synthetic.QUALITY |= {"prefix-transformer": 0.33}
    made = synthetic.build(root, config=config_of_two_by_two(root), points=40, bootstrap=40)
    for how in hows:
        [folder] = made["studies"]
        write_losses(folder, how)
        report.run(made["spec"], [folder], made["data"], root / "results" / f"{how}.html")


if __name__ == "__main__":
    main()
