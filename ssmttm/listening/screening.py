"""Which participants listened: the checks among the trials, and the reasons why one is left out."""

from ssmttm.listening.records import Answer, Answers, Trial

NOISE_AT_MOST = 2
"""The quality that plain noise may get."""

REPEAT_WITHIN = 1.5
"""Scale points by which both ratings of a repeated clip may differ, mean over the questions."""

_ROUNDING = 0.02
"""Share of a clip: browsers report what was played in coarse steps."""


def failures(answers: Answers, items: dict[str, Trial], heard: float, missing: list[str]) -> list[str]:
    """Why the checked `answers` don't count, in words; empty if they do. `items` as in a design."""
    given = {a["item"]: a for a in answers["answers"]}
    reasons = []
    if missing:
        total = len(missing) + len(given)
        reasons.append(f"incomplete: {len(missing)} of {total} trials have no answer")
    if cut_short := sum(min(a["heard"]) < heard - _ROUNDING for a in given.values()):
        reasons.append(f"not heard: {cut_short} trials answered before {heard:.0%} of each clip had been played")
    return reasons + [r for item, answer in given.items() if (r := _check(items[item], answer, given))]


def _check(trial: Trial, answer: Answer, given: dict[str, Answer]) -> str | None:
    """What the answer to a check says against its participant."""
    role, ratings = trial["role"], answer.get("ratings")
    if role == "instruction":
        if ratings is None:
            followed = answer["choice"] == trial["expects"]
            return None if followed else "instruction: chose a clip where “no preference” was asked for"
        others = sorted(r for r in ratings.values() if r != trial["expects"])
        return f"instruction: chose {others[0]} where {trial['expects']} was asked for" if others else None
    if role == "noise":
        if ratings is None:
            return "noise: preferred noise to music" if answer["choice"] == trial["refused"] else None
        quality = ratings["quality"]
        return f"noise: gave noise a quality of {quality}" if quality > NOISE_AT_MOST else None
    if role == "repeat" and ratings is not None and trial["of"] in given:
        first = given[trial["of"]]["ratings"]
        difference = sum(abs(first[q] - ratings[q]) for q in ratings) / len(ratings)
        if difference > REPEAT_WITHIN:
            return f"repeat: ratings of the same clip differ by {difference:.1f} points, mean over the questions"
    return None
