"""What the answers say: mean opinion scores, preferences, a ranking, and agreement, with intervals."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ssmttm.listening.questions import NAMES, NO_PREFERENCE
from ssmttm.statistics import ranking
from ssmttm.statistics.agreement import krippendorff
from ssmttm.statistics.crossed import bounds, draws, group_means, share_bounds, weights, without
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


def votes(kept: Sequence[dict[str, Any]], items: dict[str, Any], clips: dict[str, Any]) -> list[Vote]:
    """The answers of participants that passed, without the checks."""
    found = []
    for answers in kept:
        for answer in answers["answers"]:
            item = items[answer["item"]]
            if item["role"] not in ("mos", "preference"):
                continue
            if item["role"] == "mos":
                systems, values = (item["system"],), {k: float(v) for k, v in answer["ratings"].items()}
            else:
                systems = tuple(item["systems"])
                choice = answer["choice"]
                won = 0.5 if choice == NO_PREFERENCE else float(clips[choice]["system"] == systems[0])
                values = {"choice": won}
            found.append(Vote(answers["participant"], answer["item"], item["clip_id"], systems, values))
    return found


def score(found: Sequence[Vote], settings: Settings) -> dict[str, Any]:
    """Tables `mos`, `differences`, `preference`, `ranking`, `agreement`, and `warnings`."""
    rated = [v for v in found if len(v.systems) == 1]
    compared = [v for v in found if len(v.systems) == 2]
    result: dict[str, Any] = {"mos": [], "differences": [], "preference": [], "ranking": []}
    if rated:
        result |= _mos(_Factors(rated, settings), settings)
    if compared:
        result |= _preference(_Factors(compared, settings), settings)
    result["agreement"] = [_agreement(rated, q, "ordinal") for q in NAMES if rated]
    result["agreement"] += [_agreement(compared, "choice", "nominal")] if compared else []
    result["warnings"] = _warnings(found) + _without_interval(result)
    if compared and not result["ranking"]:
        result["warnings"].append("preference: the compared pairs don't link all systems, so there is no ranking")
    return result


class _Factors:
    """Answers as arrays: values by question, indices of participants, captions and what is compared."""

    def __init__(self, found: Sequence[Vote], settings: Settings) -> None:
        self.votes = found
        self.participant, participants = _index([v.participant for v in found])
        self.caption, captions = _index([v.caption for v in found])
        self.group, self.groups = _index([v.systems for v in found])
        self.weight = weights(
            draws(len(participants), len(captions), settings.resamples, settings.seed), self.participant, self.caption
        )

    def values(self, name: str) -> np.ndarray:
        return np.array([v.values[name] for v in self.votes])

    def counts(self, group: int) -> dict[str, int]:
        here = self.group == group
        return {
            "answers": int(here.sum()),
            "participants": len(set(self.participant[here])),
            "captions": len(set(self.caption[here])),
        }


def _index(values: Sequence[Any]) -> tuple[np.ndarray, list[Any]]:
    order = sorted(set(values))
    place = {v: i for i, v in enumerate(order)}
    return np.array([place[v] for v in values]), order


def _mos(data: _Factors, settings: Settings) -> dict[str, Any]:
    rows, differences = [], []
    everything = np.ones((1, len(data.votes)))
    for question in NAMES:
        value = data.values(question)
        mean = group_means(everything, value, data.group, len(data.groups))[0]
        replicates = group_means(data.weight, value, data.group, len(data.groups))
        for i, (system,) in enumerate(data.groups):
            counts = data.counts(i)
            found = bounds(replicates[:, i], settings.confidence, counts["participants"])
            rows.append({"system": system, "question": question, "mean": mean[i], **found, **counts})
        for i, j in combinations(range(len(data.groups)), 2):
            fewer = min(data.counts(k)["participants"] for k in (i, j))
            found = bounds(replicates[:, i] - replicates[:, j], settings.confidence, fewer)
            a, b = data.groups[i][0], data.groups[j][0]
            differences.append({"question": question, "a": a, "b": b, "difference": mean[i] - mean[j], **found})
    return {"mos": _plain(rows), "differences": _plain(differences)}


def _preference(data: _Factors, settings: Settings) -> dict[str, Any]:
    value = data.values("choice")
    rate = group_means(np.ones((1, len(value))), value, data.group, len(data.groups))[0]
    replicates = group_means(data.weight, value, data.group, len(data.groups))
    rows = []
    for i, (a, b) in enumerate(data.groups):
        here = data.group == i
        wins, losses = int((value[here] == 1).sum()), int((value[here] == 0).sum())
        counts = data.counts(i)
        ties = int(here.sum()) - wins - losses
        against = min(wins, losses) + ties / 2
        found = share_bounds(replicates[:, i], settings.confidence, counts["participants"], float(rate[i]), against)
        each = [value[here & (data.participant == p)].mean() for p in sorted(set(data.participant[here]))]
        rows.append(
            {
                "a": a,
                "b": b,
                "win_rate": rate[i],
                **found,
                "wins": wins,
                "losses": losses,
                "ties": ties,
                "p_answers": sign_test(wins, losses),
                "p_participants": sign_test(sum(m > 0.5 for m in each), sum(m < 0.5 for m in each)),
                **counts,
            }
        )
    for row, p in zip(rows, holm([r["p_participants"] for r in rows])):
        row["p_holm"] = float(p)
    return {"preference": _plain(rows), "ranking": _plain(_ranking(data, value, settings))}


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p-value of as many wins as losses; ties are left out; 1 without any of both."""
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _ranking(data: _Factors, value: np.ndarray, settings: Settings) -> list[dict[str, Any]]:
    """Bradley-Terry strengths, best first; empty when the compared pairs don't link all systems."""
    systems = sorted({s for pair in data.groups for s in pair})
    at = {s: i for i, s in enumerate(systems)}
    compared = np.zeros((len(systems),) * 2, dtype=bool)
    for a, b in data.groups:
        compared[at[a], at[b]] = compared[at[b], at[a]] = True
    if not ranking.connected(compared):
        return []
    member = (data.group[:, None] == np.arange(len(data.groups))).astype(np.float64)

    def wins(weight: np.ndarray) -> np.ndarray:
        found = np.zeros((len(weight), len(systems), len(systems)))
        won, lost = (weight * value) @ member, (weight * (1 - value)) @ member
        for i, (a, b) in enumerate(data.groups):
            found[:, at[a], at[b]], found[:, at[b], at[a]] = won[:, i], lost[:, i]
        return found

    def fit(wins: np.ndarray) -> np.ndarray:
        return ranking.strengths(ranking.with_prior(wins, compared), tolerance=1e-6)

    people, resampled = len(set(data.participant)), wins(data.weight)
    strength, replicates = fit(wins(np.ones((1, len(value)))))[0], fit(resampled)
    unbounded = float(1 - ranking.connected(resampled > 0).mean())
    if people > 1 and unbounded > (1 - settings.confidence) / 2:
        note = f"in {unbounded:.0%} of the resamples some systems win or lose all comparisons, which sets no bound"
        found = [without(note)] * len(systems)
    else:
        found = [bounds(replicates[:, i], settings.confidence, people) for i in range(len(systems))]
    rows = [{"system": s, "strength": strength[i], **found[i]} for i, s in enumerate(systems)]
    return sorted(rows, key=lambda r: -r["strength"])


def _agreement(found: Sequence[Vote], name: str, level: str) -> dict[str, Any]:
    """Alpha over trials; in a preference, two participants agree when they prefer the same system."""
    participant, participants = _index([v.participant for v in found])
    item, items = _index([v.item for v in found])
    table = np.full((len(participants), len(items)), np.nan)
    table[participant, item] = [v.values[name] for v in found]
    shared = int(((~np.isnan(table)).sum(axis=0) >= 2).sum())
    value = krippendorff(table, level)
    note = None
    if value is None:
        note = "no trial has two answers" if not shared else "all answers are equal"
    return {"question": name, "level": level, "alpha": value, "trials": shared, "note": note}


def _warnings(found: Sequence[Vote]) -> list[str]:
    """What the intervals can't say."""
    said = []
    for test, size in (("mos", 1), ("preference", 2)):
        part = [v for v in found if len(v.systems) == size]
        counts = {"participant": len({v.participant for v in part}), "caption": len({v.caption for v in part})}
        for kind, n in counts.items():
            if n == 1 and kind == "caption":
                said.append(f"{test}: one caption: the intervals say nothing about other captions")
            elif 1 < n < FEW:
                said.append(f"{test}: only {n} {kind}s: the intervals are rough and rather too narrow")
    return said


def _without_interval(result: dict[str, Any]) -> list[str]:
    """A line for each reason why numbers of a table have no interval."""
    said = []
    for table in ("mos", "differences", "preference", "ranking"):
        notes = Counter(row["note"] for row in result[table] if row["note"])
        said += [f"{table}: {n} of {len(result[table])} rows have no interval: {note}" for note, n in notes.items()]
    return said


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """NumPy's floats as Python's, for JSON."""
    return [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]
