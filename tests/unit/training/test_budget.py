import itertools

import numpy as np
import pytest
from language_models import VARIANTS, tiny_model
from training_data import SETTINGS, clip_cost

from ssmttm.errors import UserError
from ssmttm.training.budget import branch_start, learning_rate, plan_budget, steps_at


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("share", [1.0, 7.99, 23.5])
def test_a_flop_budget_is_spent_to_within_one_step(variant, share):
    model = tiny_model(variant)
    one = plan_budget({"iterations": 1}, *clip_cost(model), 4)
    plan = plan_budget({"flops": share * one.flops_per_step}, *clip_cost(model), 4)
    assert plan.steps == int(share)
    assert 0 <= plan.flops_planned - plan.flops_spent < plan.flops_per_step


def test_hours_become_steps_by_the_measured_time():
    plan = plan_budget({"gpu_hours": 0.5}, *clip_cost(tiny_model("prefix-simba")), 4, 2.5)
    assert plan.steps == 720
    assert plan.flops_spent == plan.flops_planned


@pytest.mark.parametrize("budget", [{"flops": 10.0}, {"gpu_hours": 1e-6}])
def test_a_budget_below_one_step_is_refused(budget):
    with pytest.raises(UserError, match="smaller than one optimizer step"):
        plan_budget(budget, *clip_cost(tiny_model("prefix-simba")), 4, 2.5)


def test_checkpoints_stand_at_their_share_of_the_steps_and_not_before_the_first():
    assert steps_at([0.01, 0.25, 0.5], 10) == {0.01: 1, 0.25: 2, 0.5: 5}


def test_the_learning_rate_is_set_per_optimizer_step():
    rates = [learning_rate(i, 100, {**SETTINGS, "warmup_steps": 10}) for i in range(100)]
    np.testing.assert_allclose(rates[:10], SETTINGS["learning_rate"] * np.arange(1, 11) / 10)
    assert rates[10] == pytest.approx(SETTINGS["learning_rate"])
    assert rates[-1] == pytest.approx(SETTINGS["minimum_learning_rate"])
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_a_stable_schedule_falls_over_its_last_share_of_the_steps_alone():
    settings = {**SETTINGS, "warmup_steps": 10, "schedule": "wsd", "decay": 0.2}
    rates = [learning_rate(i, 100, settings) for i in range(100)]
    assert rates[9:80] == [SETTINGS["learning_rate"]] * 71
    assert rates[-1] == pytest.approx(SETTINGS["minimum_learning_rate"])
    np.testing.assert_allclose(np.diff(rates[79:]), (rates[-1] - rates[0] * 10) / 20)


@pytest.mark.parametrize("end", [1, 5, 30, 99])
def test_a_branch_leaves_the_trunk_where_the_rates_part(end):
    settings = {**SETTINGS, "warmup_steps": 10, "schedule": "wsd", "decay": 0.2}
    start = branch_start(end, 100, settings)
    own, trunk = ([learning_rate(i, steps, settings) for i in range(end)] for steps in (end, 100))
    assert own[:start] == trunk[:start]
    assert own[start] != trunk[start]
    assert start == {1: 0, 5: 0, 30: 24, 99: 79}[end]


@pytest.mark.parametrize("schedule", ["cosine", "wsd"])
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (1, 10), (2, 5)])
def test_short_runs_have_a_sane_learning_rate(steps, warmup, schedule):
    settings = {**SETTINGS, "warmup_steps": warmup, "schedule": schedule}
    rates = [learning_rate(i, steps, settings) for i in range(steps)]
    assert max(rates) == pytest.approx(SETTINGS["learning_rate"])
