"""Which designs are set against each other."""

import pytest

from ssmttm.errors import UserError
from ssmttm.questions import Design, check_seeds, pairs, twins


def design(conditioning="prefix", mixer="mamba2", size="base", **more):
    scale = {"base": 4.0, "quarter": 1.0}[size]
    facts = {"feedforward": "gelu", "hybrid": False, "budget": ("flops", 1e12), "stages": 1, **more}
    return Design(f"{conditioning}-{mixer}", mixer, conditioning=conditioning, size=size, scale=scale, **facts)


SSM, CROSS, TRANSFORMER = design(), design("cross"), design(mixer="attention")


def asked(*designs):
    return [(pair.question, pair.a, pair.b) for pair in pairs(designs)]


def test_only_what_differs_in_one_thing_is_asked():
    assert asked(CROSS, TRANSFORMER) == []
    assert asked(TRANSFORMER, CROSS, SSM) == [("mixer", SSM, TRANSFORMER), ("conditioning", SSM, CROSS)]


def test_another_budget_size_or_number_of_stages_is_no_pair_of_mixers():
    for other in ({"budget": ("flops", 2e12)}, {"size": "quarter"}, {"stages": 2}):
        assert asked(SSM, design(mixer="attention", **other)) == []


def test_a_transformer_of_other_feed_forward_layers_is_a_question_of_its_own():
    other = design(mixer="attention", feedforward="swiglu")
    assert asked(SSM, TRANSFORMER, other) == [("mixer", SSM, TRANSFORMER), ("layers", SSM, other)]


def test_a_hybrid_is_neither_of_two_mixers():
    assert asked(design(hybrid=True), TRANSFORMER) == []


def test_the_larger_size_and_two_stages_come_first():
    small, two = design(size="quarter"), design(stages=2)
    assert asked(small, SSM) == [("size", SSM, small)]
    assert asked(SSM, two) == [("stages", two, SSM)]


def test_twins_shrink_alike_and_differ_in_their_mixer():
    small = design(size="quarter"), design(mixer="attention", size="quarter")
    found = twins(pairs([TRANSFORMER, SSM, *small]))
    assert [(one.a, other.a) for one, other in found] == [(SSM, TRANSFORMER)]
    assert not twins(pairs([SSM, CROSS, small[0], design("cross", size="quarter")]))


def test_seeds_of_the_headline_s_pair_must_be_the_same():
    found = pairs([SSM, TRANSFORMER, CROSS])
    check_seeds(found, {SSM: {1, 2}, TRANSFORMER: {1, 2}, CROSS: {1}}, "runs.tsv")
    with pytest.raises(UserError, match=r"runs.tsv: prefix-mamba2 has seeds 1, 2 and prefix-attention has seeds 2, 3 "):
        check_seeds(found, {SSM: {1, 2}, TRANSFORMER: {2, 3}, CROSS: {1}}, "runs.tsv")
