from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import analysis
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import profiles
from harness.analysis.statistics.profiles import ratios
from harness.analysis.target_score import Target

if TYPE_CHECKING:
    from harness.analysis.statistics import Profiles
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _profiles(made: Made, price_list: Prices, axis: Axis = Axis.EPOCHS) -> Profiles:
    return profiles(analysis.groups(made.results()), axis=axis, prices=price_list)


def test_ratios_are_to_the_cheapest_of_the_same_problem() -> None:
    found = ratios(["a", "b", "c"], [[1.0, 2.0, math.inf], [6.0, 3.0, 3.0], [math.inf, math.inf, math.inf]])
    assert found == {"a": [1.0, 2.0, math.inf], "b": [2.0, 1.0, math.inf], "c": [math.inf, 1.0, math.inf]}


def test_a_cost_of_nothing_is_the_cheapest() -> None:
    assert ratios(["a", "b"], [[0.0, 1.0]]) == {"a": [1.0], "b": [math.inf]}


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=1, max_size=20))
def test_on_each_problem_some_tuner_is_the_cheapest(costs: list[tuple[float, float]]) -> None:
    found = ratios(["a", "b"], costs)
    assert all(min(pair) == 1.0 for pair in zip(found["a"], found["b"], strict=True))


def test_shares_are_of_all_problems_the_unsolved_ones_included(made: Made, price_list: Prices) -> None:
    # Seed 0: 1 and 2 epochs; seed 1: 2 and 1; seed 2: nobody.
    for seed, scores in enumerate(([0.5], [0.1, 0.6], [0.1])):
        made.search([made.trial(0, *scores)], "random", seed)
    for seed, scores in enumerate(([0.1, 0.6], [0.6], [0.2])):
        made.search([made.trial(0, *scores)], "tpe", seed, kind="optuna-tpe")
    (group,) = analysis.groups(made.results())
    vars(group)["target"] = Target(score=0.5, of="what this test sets")
    found = profiles([group], axis=Axis.EPOCHS, prices=price_list)
    random, tpe = found.tuners
    assert found.problems == 3
    assert (random.at(1), random.at(2), random.solved) == pytest.approx((1 / 3, 2 / 3, 2 / 3))
    assert tpe.factor == (1.0, 2.0)
    assert tpe.share == pytest.approx((1 / 3, 2 / 3))
    assert tpe.at(1.9) == pytest.approx(1 / 3)


def test_a_failed_search_missed_and_a_missing_one_leaves_its_problem_out(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5)], "random", seed)
    made.search([made.trial(0, 0.9)], "tpe", 0, kind="optuna-tpe", status="failed", reason="boom")
    made.plan("tpe", 1)
    found = _profiles(made, price_list)
    assert (found.problems, [each.solved for each in found.tuners]) == (1, [1.0, 0.0])
    assert "Left out, as a search is missing: 1 of 2." in found.remarks
    assert "Problems (groups × seeds): 1; fewer than 10 prove little." in found.remarks


def test_unknown_joules_leave_a_problem_out(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)])
    found = _profiles(made, price_list, axis=Axis.ENERGY_J)
    assert found.problems == 0
    assert "Left out, without a target or a known cost: 1 of 1." in found.remarks


def test_nothing_at_all_has_no_profile(price_list: Prices) -> None:
    found = profiles([], axis=Axis.WALL_S, prices=price_list)
    assert (found.tuners, found.problems) == ((), 0)
