"""How often do intervals and paired tests err where nothing differs? Prints a table in Markdown.

In each of many simulated studies every caption has a real clip, and two systems answer it whose clips are drawn from
one distribution: they don't differ. The project's own scores, intervals and tests are then computed.

- false positives: the share of studies in which the difference's p-value is below 5 %, and in which its 95 % interval
  leaves out zero. Both should be 5 %.
- misses: the share of studies in which a score's own 95 % interval leaves out the mean of that score over all studies,
  so over other captions, other real clips and other answers. It should be 5 %.

Embeddings are normal: what a clip shares with its caption, its own center, and windows around that. Classes are
sigmoids of linear functions of the center. Standard errors of a rate are about sqrt(rate (1 - rate) / studies).

    python benchmarks/error_rates.py [--studies 400] [--captions 24] [--dim 16] [--resamples 200] [--metrics NAME ...]
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from ssmttm.choices import METRICS
from ssmttm.evaluation.clipset import ClipSet
from ssmttm.evaluation.metric import Settings, evaluate
from ssmttm.numbers import metric_name
from ssmttm.pretrained.musicnn import TAGS
from ssmttm.study.differences import difference_of
from ssmttm.study.scores import beside, sample_of

LEVEL, WINDOWS, TRAINING = 0.05, 6, 100
FOLLOWS, OWN, AROUND = 0.4, 0.8, 0.5
"""How far a system's clip follows its caption, differs from others of that caption, and changes within."""
MUSIC = ("a {} piece with {}", "calm music, {} and {}", "a fast track of {}, {}", "{} alone, then {}")


class World:
    """What all studies have in common: the tags of an embedding, and where systems differ from real music."""

    def __init__(self, dim: int, captions: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.dim, self.captions = dim, captions
        self.classes = rng.normal(size=(dim, len(TAGS))) / math.sqrt(dim)
        self.off = 0.5 * rng.normal(size=dim)
        pairs = [rng.choice(TAGS, 2, replace=False) for _ in range(captions)]
        self.texts = tuple(MUSIC[i % len(MUSIC)].format(*pair) for i, pair in enumerate(pairs))

    def study(self, seed: int) -> dict[str, ClipSet]:
        """Real clips, training clips, and two systems that don't differ."""
        rng = np.random.default_rng([1, seed])
        asked = rng.normal(size=(self.captions, self.dim))
        trained = rng.normal(size=(TRAINING, self.dim))
        return {
            "reference": self._clips("reference", asked, asked + 0.5 * rng.normal(size=asked.shape), rng),
            "training": self._clips("training", trained, trained, rng),
            **{name: self._clips(name, asked, self._answers(asked, rng), rng) for name in ("a", "b")},
        }

    def _answers(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.off + FOLLOWS * asked + OWN * rng.normal(size=asked.shape)

    def _clips(self, name: str, asked: np.ndarray, centers: np.ndarray, rng: np.random.Generator) -> ClipSet:
        windows = centers[:, None] + AROUND * rng.normal(size=(len(centers), WINDOWS, self.dim))
        ids = tuple(f"{i:05}@{name if name == 'training' else ''}" for i in range(len(centers)))
        posteriors = 1 / (1 + np.exp(2 - 2 * windows.mean(axis=1) @ self.classes))
        texts = self.texts if len(self.texts) == len(centers) else tuple("" for _ in ids)
        return ClipSet(name, ids, texts, tuple(windows), posteriors, "simulated", texts=asked)


def scored(study: dict[str, ClipSet], settings: Settings, metrics: Sequence[str]) -> Iterator[tuple[str, list[dict]]]:
    """Every number of both systems, by its metric's name: [that of a, that of b]."""
    for metric in metrics:
        against = study["training" if metric == "training_copies" else "reference"]
        both = [evaluate(metric, study[name], against, settings) for name in ("a", "b")]
        parts = [beside(metric, entry) for entry in both]
        for pair in zip(*parts, strict=True):
            yield pair[0]["metric"], list(pair)


def simulated(world: World, studies: int, resamples: int, metrics: Sequence[str]) -> dict[str, dict[str, list]]:
    """By metric: p-values and intervals of differences, values and intervals of scores."""
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for number in range(studies):
        settings = Settings(resamples, 1 - LEVEL, number)
        for metric, (one, other) in scored(world.study(number), settings, metrics):
            kept = found[metric]
            kept["value"].append(one["value"])
            if one["low"] is not None:
                kept["ends"].append((one["low"], one["high"]))
            difference = difference_of(sample_of(one), sample_of(other), 1 - LEVEL, number)
            if difference is not None:
                kept["p"].append(difference.p_value)
                kept["apart"].append((difference.low, difference.high))
    return found


def misses(ends: list[tuple[float, float]], truth: float) -> str:
    """The share of intervals that leave out `truth`."""
    if not ends:
        return "no interval"
    low, high = np.array(ends).T
    return f"{((low > truth) | (high < truth)).mean():.1%}".replace("%", " %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--captions", type=int, default=24)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--metrics", nargs="*", choices=list(METRICS), default=list(METRICS))
    options = parser.parse_args()
    found = simulated(World(options.dim, options.captions, 0), options.studies, options.resamples, options.metrics)
    print(
        f"{options.studies} studies of {options.captions} captions, {options.dim} dimensions, {WINDOWS} windows a clip,"
    )
    print(f"{options.resamples} resamples; nothing differs, and every rate should be 5 %\n")
    print(
        "| score | p-value below 5 % | interval of the difference without 0 | interval of the score without its mean |"
    )
    print("| --- | --- | --- | --- |")
    for metric, kept in found.items():
        p = f"{np.mean(np.array(kept['p']) < LEVEL):.1%}".replace("%", " %") if kept["p"] else "no test"
        cells = [
            metric_name(metric),
            p,
            misses(kept["apart"], 0.0),
            misses(kept["ends"], float(np.mean(kept["value"]))),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
