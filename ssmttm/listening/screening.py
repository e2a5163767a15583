"""Which participants listened: the checks among the trials, and the reasons why one is left out."""

from typing import Any

NOISE_AT_MOST = 2
"""The quality that plain noise may get."""

REPEAT_WITHIN = 1.5
"""Scale points by which both ratings of a repeated clip may differ, mean over the questions."""

_ROUNDING = 0.02
"""Share of a clip: browsers report what was played in coarse steps."""


def failures(answers: dict[str, Any], items: dict[str, dict[str, Any]], heard: float, missing: list[str]) -> list[str]:
    """Why the checked `answers` don't count, in words; empty if they do. `items` as in a design."""
    given = {a["item"]: a for a in answers["answers"]}
    reasons = []
    if missing:
        total = len(missing) + len(given)
        reasons.append(f"incomplete: {len(missing)} of {total} trials have no answer")
    short = [i for i, a in given.items() if min(a["heard"]) < heard - _ROUNDING]
    if short:
        reasons.append(f"not heard: {len(short)} trials answered before {heard:.0%} of each clip had been played")
    for item, answer in given.items():
        if reason := _check(items[item], answer, given):
            reasons.append(reason)
    return reasons


def _check(item: dict[str, Any], answer: dict[str, Any], given: dict[str, Any]) -> str | None:
    role, ratings = item["role"], answer.get("ratings")
    if role == "instruction":
        if ratings is None:
            wrong = answer["choice"] != item["expects"]
            return "instruction: chose a clip where “no preference” was asked for" if wrong else None
        chosen = sorted(set(ratings.values()) - {item["expects"]})
        return f"instruction: chose {chosen[0]} where {item['expects']} was asked for" if chosen else None
    if role == "noise":
        if ratings is None:
            return "noise: preferred noise to music" if answer["choice"] == item["refused"] else None
        quality = ratings["quality"]
        return f"noise: gave noise a quality of {quality}" if quality > NOISE_AT_MOST else None
    if role == "repeat" and ratings is not None and item["of"] in given:
        first = given[item["of"]]["ratings"]
        apart = sum(abs(first[q] - ratings[q]) for q in ratings) / len(ratings)
        if apart > REPEAT_WITHIN:
            return f"repeat: ratings of the same clip differ by {apart:.1f} points, mean over the questions"
    return None
