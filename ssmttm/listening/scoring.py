"""What the answers say: mean opinion scores, preferences, a ranking, and agreement, with intervals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ssmttm.listening import records
from ssmttm.listening.questions import NAMES, NO_PREFERENCE
from ssmttm.statistics import ranking
from ssmttm.statistics.agreement import krippendorff
from ssmttm.statistics.crossed import Bounds, bounds, draws, group_means, share_bounds, weights, without
from ssmttm.statistics.paired import holm

FEW = 10
"""Fewer participants or captions than this get a warning: percentile intervals are then too narrow."""


class Settings(NamedTuple):
    """How intervals are made."""

    resamples: int = 2000
    confidence: float = 0.95
    seed: int = 1


class Vote(NamedTuple):
    """One answer that counts. `values`: ratings by question, or {"choice": 1 (first system), 0.5, 0}."""

    participant: str
    item: str
    caption: str  # clip_id
    systems: tuple[str, ...]
    values: dict[str, float]


def votes(
    kept: Iterable[records.Answers], items: Mapping[str, records.Trial], clips: Mapping[str, records.Clip]
) -> list[Vote]:
    """The answers of participants that passed, without the checks."""
    counted = []
    for answers in kept:
        for answer in answers["answers"]:
            trial = items[answer["item"]]
            systems: tuple[str, ...]
            if trial["role"] == "mos":
                systems, values = (trial["system"],), {k: float(v) for k, v in answer["ratings"].items()}
            elif trial["role"] == "preference":
                systems, choice = tuple(trial["systems"]), answer["choice"]
                values = {"choice": 0.5 if choice == NO_PREFERENCE else float(clips[choice]["system"] == systems[0])}
            else:
                continue
            counted.append(Vote(answers["participant"], answer["item"], trial["clip_id"], systems, values))
    return counted


def score(given: Sequence[Vote], settings: Settings) -> records.Tables:
    """The tables of all answers that count, and warnings of what they can't say."""
    tables = records.Tables(mos=[], differences=[], preference=[], ranking=[], agreement=[], warnings=_warnings(given))
    if rated := [v for v in given if len(v.systems) == 1]:
        tables["mos"], tables["differences"] = _means(_Factors(rated, settings), settings)
        tables["agreement"] += [_agreement(rated, question, "ordinal") for question in NAMES]
    if compared := [v for v in given if len(v.systems) == 2]:
        factors = _Factors(compared, settings)
        tables["preference"], tables["ranking"] = _preferences(factors, settings), _ranking(factors, settings)
        tables["agreement"].append(_agreement(compared, "choice", "nominal"))
    tables["warnings"] += _without_interval(tables)
    if compared and not tables["ranking"]:
        tables["warnings"].append("preference: the compared pairs don't link all systems, so there is no ranking")
    return tables


class _Factors:
    """Answers as arrays: indices of their participants, captions and what is compared, and weights to resample them."""

    def __init__(self, given: Sequence[Vote], settings: Settings) -> None:
        self.votes = given
        self.participant, participants = _index([v.participant for v in given])
        self.caption, captions = _index([v.caption for v in given])
        self.group, self.groups = _index([v.systems for v in given])
        drawn = draws(len(participants), len(captions), settings.resamples, settings.seed)
        self.weight = weights(drawn, self.participant, self.caption)

    def values(self, name: str) -> np.ndarray:
        """Values of one question, a number for each answer."""
        return np.array([v.values[name] for v in self.votes])

    def means(self, value: np.ndarray) -> tuple[list[float], np.ndarray]:
        """The mean of each group, and its replicates `[resamples, groups]`."""
        means = group_means(np.ones((1, len(value))), value, self.group, len(self.groups))[0]
        return means.tolist(), group_means(self.weight, value, self.group, len(self.groups))

    def counts(self, group: int) -> records.Counts:
        """What the row of a group rests on."""
        here = self.group == group
        return {
            "answers": int(here.sum()),
            "participants": len(set(self.participant[here])),
            "captions": len(set(self.caption[here])),
        }


def _index(values: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    """Each value's place among the different ones, which are sorted; and these."""
    places, order = pd.factorize(pd.Index(values, tupleize_cols=False), sort=True)
    return places, list(order)


def _means(data: _Factors, settings: Settings) -> tuple[list[records.MeanRow], list[records.DifferenceRow]]:
    rows: list[records.MeanRow] = []
    differences: list[records.DifferenceRow] = []
    counts = [data.counts(i) for i in range(len(data.groups))]
    for question in NAMES:
        mean, replicates = data.means(data.values(question))
        for i, (system,) in enumerate(data.groups):
            limits = bounds(replicates[:, i], settings.confidence, counts[i]["participants"])
            rows.append({"system": system, "question": question, "mean": mean[i], **limits, **counts[i]})
        for i, j in combinations(range(len(data.groups)), 2):
            fewer = min(counts[i]["participants"], counts[j]["participants"])
            limits = bounds(replicates[:, i] - replicates[:, j], settings.confidence, fewer)
            a, b = data.groups[i][0], data.groups[j][0]
            differences.append({"question": question, "a": a, "b": b, "difference": mean[i] - mean[j], **limits})
    return rows, differences


def _preferences(data: _Factors, settings: Settings) -> list[records.PreferenceRow]:
    value = data.values("choice")
    rate, replicates = data.means(value)
    rows: list[records.PreferenceRow] = []
    for i, (a, b) in enumerate(data.groups):
        here = data.group == i
        wins, losses = int((value[here] == 1).sum()), int((value[here] == 0).sum())
        counts = data.counts(i)
        ties = counts["answers"] - wins - losses
        against = min(wins, losses) + ties / 2
        each = [value[here & (data.participant == p)].mean() for p in sorted(set(data.participant[here]))]
        rows.append(
            {
                "a": a,
                "b": b,
                "win_rate": rate[i],
                **share_bounds(replicates[:, i], settings.confidence, counts["participants"], rate[i], against),
                "wins": wins,
                "losses": losses,
                "ties": ties,
                "p_answers": sign_test(wins, losses),
                "p_participants": sign_test(sum(m > 0.5 for m in each), sum(m < 0.5 for m in each)),
                **counts,
                "p_holm": 1.0,
            }
        )
    for row, p in zip(rows, holm([r["p_participants"] for r in rows])):
        row["p_holm"] = float(p)
    return rows


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of as many wins as losses; ties are left out; 1 without any of both."""
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _ranking(data: _Factors, settings: Settings) -> list[records.RankRow]:
    """Bradley-Terry strengths, best first; empty when the compared pairs don't link all systems."""
    systems = sorted({s for pair in data.groups for s in pair})
    at = {s: i for i, s in enumerate(systems)}
    pairs = [(at[a], at[b]) for a, b in data.groups]
    compared = np.zeros((len(systems),) * 2, dtype=bool)
    for a, b in pairs:
        compared[a, b] = compared[b, a] = True
    if not ranking.connected(compared):
        return []
    value = data.values("choice")
    member = (data.group[:, None] == np.arange(len(pairs))).astype(np.float64)

    def wins(weight: np.ndarray) -> np.ndarray:
        table = np.zeros((len(weight), len(systems), len(systems)))
        won, lost = (weight * value) @ member, (weight * (1 - value)) @ member
        for i, (a, b) in enumerate(pairs):
            table[:, a, b], table[:, b, a] = won[:, i], lost[:, i]
        return table

    def fit(wins: np.ndarray) -> np.ndarray:
        return ranking.strengths(ranking.with_prior(wins, compared), tolerance=1e-6)

    people, resampled = len(set(data.participant)), wins(data.weight)
    strength, replicates = fit(wins(np.ones((1, len(value)))))[0].tolist(), fit(resampled)
    unbounded = float(1 - ranking.connected(resampled > 0).mean())
    if people > 1 and unbounded > (1 - settings.confidence) / 2:
        note = f"in {unbounded:.0%} of the resamples some systems win or lose all comparisons, which sets no bound"
        limits = [without(note)] * len(systems)
    else:
        limits = [bounds(replicates[:, i], settings.confidence, people) for i in range(len(systems))]
    rows: list[records.RankRow] = [{"system": s, "strength": strength[i], **limits[i]} for i, s in enumerate(systems)]
    return sorted(rows, key=lambda r: -r["strength"])


def _agreement(given: Sequence[Vote], name: str, level: str) -> records.AgreementRow:
    """Alpha over trials; in a preference, two participants agree when they prefer the same system."""
    participant, participants = _index([v.participant for v in given])
    item, items = _index([v.item for v in given])
    table = np.full((len(participants), len(items)), np.nan)
    table[participant, item] = [v.values[name] for v in given]
    shared = int(((~np.isnan(table)).sum(axis=0) >= 2).sum())
    value = krippendorff(table, level)
    note = None
    if value is None:
        note = "all answers are equal" if shared else "no trial has two answers"
    return {"question": name, "level": level, "alpha": value, "trials": shared, "note": note}


def _warnings(given: Sequence[Vote]) -> list[str]:
    """What the intervals can't say."""
    warnings = []
    for test, size in (("mos", 1), ("preference", 2)):
        part = [v for v in given if len(v.systems) == size]
        counts = {"participant": len({v.participant for v in part}), "caption": len({v.caption for v in part})}
        for kind, n in counts.items():
            if n == 1 and kind == "caption":
                warnings.append(f"{test}: one caption: the intervals say nothing about other captions")
            elif 1 < n < FEW:
                warnings.append(f"{test}: only {n} {kind}s: the intervals are rough and rather too narrow")
    return warnings


def _without_interval(tables: records.Tables) -> list[str]:
    """A line for each reason why numbers of a table have no interval."""
    warnings = []
    for name in ("mos", "differences", "preference", "ranking"):
        rows: Sequence[Bounds] = tables[name]
        notes = Counter(row["note"] for row in rows if row["note"])
        warnings += [f"{name}: {n} of {len(rows)} rows have no interval: {note}" for note, n in notes.items()]
    return warnings
