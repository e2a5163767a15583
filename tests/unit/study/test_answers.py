"""The three answers: what makes a claim hold, and what does not."""

from pathlib import Path

import made_up_losses
import pytest

from ssmttm.study.answers import answers, leaders, losers, significance
from ssmttm.study.folder import Study, read_study
from ssmttm.study.frames import frame_of
from ssmttm.study_rows import Efficiency, Loss, LossPair

PAIR = LossPair(
    question="mixer", a="simba", b="transformer", size="base", budget_kind="flops", budget=6e12, split="test", seeds=3,
    difference=0.5, low=0.4, high=0.6, p=0.001, adjusted=0.002, verdict="a is better",
)  # fmt: skip
LOSS = Loss(system="simba-1", kind="run", split="test", loss=5.0, clips=9, tracks=4, artists=2, over_bigram=0.4)


def pair(**more):
    return LossPair(**{**vars(PAIR), **more})


def study(pairs=(), losses=(), efficiency=()):
    """Nothing but the tables that the answers come from."""
    rows = {"loss_pairs": pairs, "losses": losses, "efficiency": efficiency}
    tables = {name: frame_of(table, name) for name, table in rows.items()}
    return Study(Path(), {"evaluation": {"confidence": 0.95}}, tables)


def verdicts(*pairs, **more):
    return [answer.verdict for answer in answers(study(pairs, **more))]


@pytest.mark.parametrize(
    ("difference", "adjusted", "verdict"),
    [(0.5, 0.002, "holds"), (-0.5, 0.002, "does not hold"), (0.5, 0.05, "not told apart here")],
)
def test_a_claim_holds_by_sign_and_adjusted_p_alone(difference, adjusted, verdict):
    for at, question in enumerate(("mixer", "stages", "twins")):
        found = verdicts(pair(question=question, difference=difference, adjusted=adjusted, p=0.001))
        assert found[at] == verdict and found.count("not asked here") == 2


def test_only_artists_whom_no_model_heard_decide():
    assert verdicts(pair(split="known")) == ["not asked here"] * 3


def test_equal_flops_the_larger_size_and_prefixes_lead():
    losses = [LOSS, Loss(**{**vars(LOSS), "system": "p", "variant": "prefix", "conditioning": "prefix"})]
    small = {"size": "quarter"}
    pairs = [pair(budget_kind="iterations"), pair(**small), pair(), pair(a="prefix"), pair(question="size", **small)]
    first = answers(study(pairs, losses))[0]
    assert (first.effect.a, first.effect.budget_kind, first.effect.size) == ("prefix", "flops", "base")
    others = [(e.budget_kind, e.size) for e in first.others]
    assert others == [("flops", "base"), ("flops", "quarter"), ("iterations", "base")]


def test_designs_that_differ_in_the_mixer_alone_lead():
    layers = {"simba": "gelu", "mamba": "none", "transformer": "gelu"}
    losses = [Loss(**{**vars(LOSS), "system": n, "variant": n, "feedforward": f}) for n, f in layers.items()]
    first = answers(study([pair(a="mamba", difference=0.9), pair()], losses))[0]
    assert first.effect.a == "simba"


def test_a_claim_does_not_hold_where_another_pair_under_that_budget_says_the_opposite():
    against = pair(a="other", difference=-0.3, size="quarter")
    smaller = pair(question="size", size="quarter")
    assert verdicts(pair(), against, smaller)[0] == "does not hold"
    assert verdicts(pair(), pair(a="other", difference=-0.3, budget=1e12))[0] == "holds"
    assert verdicts(pair(), pair(a="other", difference=-0.3, adjusted=0.3))[0] == "holds"


def test_flops_are_those_of_the_leading_pair_on_new_artists():
    row = Efficiency(
        a="simba", b="transformer", unit="flops", times=3.0, note="", size="base", split="test", seeds=3, target=5.5
    )  # fmt: skip
    changes = ({"unit": "steps"}, {"split": "known"}, {"size": "quarter"})
    others = [Efficiency(**{**vars(row), **change}) for change in changes]
    assert answers(study([pair()], efficiency=[*others, row]))[0].times == row
    assert answers(study([pair()], efficiency=others))[0].times is None


def test_what_each_twin_gives_up_stands_beside_the_difference():
    given_up = {"simba": 0.1, "transformer": 0.6}
    sizes = [pair(question="size", a=a, b=a, size="quarter", difference=d) for a, d in given_up.items()]
    last = answers(study([*sizes, pair(question="twins", size="quarter")]))[2]
    assert [(part.a, part.value) for part in last.parts] == list(given_up.items())


def test_runs_that_lose_to_the_bigram_are_named_worst_first():
    over = {"a": -0.1, "b": 0.1, "c": -0.5, "d": None, "e": 0.0}
    rows = [Loss(**{**vars(LOSS), "system": name, "over_bigram": value}) for name, value in over.items()]
    rows.append(Loss(**{**vars(LOSS), "system": "copy", "kind": "trivial", "over_bigram": -1.0}))
    found = [(loser.system, loser.behind) for loser in losers(study(losses=rows))]
    assert found == [("c", 0.5), ("a", 0.1), ("e", 0.0)]


@pytest.fixture(scope="module")
def compared(results):
    return read_study(results["studies"][0])


def test_the_best_of_both_kinds_have_one_size_and_one_budget(compared):
    model, other = leaders(made_up_losses.answered(compared, "effect"))
    runs = compared["comparison"].drop_duplicates("system").set_index("system")
    assert runs.loc[model, "mixer"] != "attention" == runs.loc[other, "mixer"]
    for column in ("size", "budget_kind", "budget"):
        assert runs.loc[model, column] == runs.loc[other, column]
    assert runs.loc[model, "budget_kind"] == "flops"


def test_a_made_up_effect_is_found_and_a_missing_one_is_not(compared):
    found = {how: answers(made_up_losses.answered(compared, how)) for how in ("effect", "none")}
    assert found["effect"][0].verdict == "holds" and found["none"][0].verdict == "not told apart here"


def test_a_p_value_at_the_level_is_not_below_it():
    assert (significance(0.95), significance(0.9)) == (0.05, 0.1)
