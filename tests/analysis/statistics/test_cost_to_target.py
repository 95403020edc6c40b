from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from scipy import stats

from harness import analysis
from harness.analysis.cost_axes import Axis
from harness.analysis.statistics import reaching, speedup
from harness.analysis.target_score import Target

if TYPE_CHECKING:
    from harness.analysis import Group
    from harness.analysis.statistics import Estimate, Reaching
    from harness.prices import Prices
    from tests.analysis.conftest import Made

GOAL = Target(score=0.5, of="what these tests set")


def _group(made: Made, goal: Target | None = None) -> Group:
    (group,) = analysis.groups(made.results())
    if goal is not None:
        vars(group)["target"] = goal
    return group


def _reaching(
    made: Made, price_list: Prices, axis: Axis = Axis.EPOCHS, row: int = 0, goal: Target | None = GOAL
) -> Reaching:
    group = _group(made, goal)
    found = reaching(group, group.rows[row], axis=axis, prices=price_list)
    assert found is not None
    return found


def test_the_expected_running_time_is_all_that_was_spent_over_the_successes(made: Made, price_list: Prices) -> None:
    # Reached after 2 epochs, after 1 (of 3), and missed after 4. ERT = (2 + 1 + 4) / 2.
    made.search([made.trial(0, 0.1, 0.5)], seed=0)
    made.search([made.trial(0, 0.6, 0.2, 0.1)], seed=1)
    made.search([made.trial(0, 0.1, 0.1, 0.1, 0.2)], seed=2)
    found = _reaching(made, price_list)
    assert found.target == GOAL
    assert (found.expected.value, found.reached, found.searches) == (3.5, 2, 3)
    assert (found.median, found.mostly) == (2, True)


def test_its_interval_leaves_one_seed_out_at_a_time(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.1, 0.2, 0.5)], seed=1)
    found = _reaching(made, price_list)
    # Without one of them: log 3 and log 1, a standard error of log(3) / 2, and t with one degree of freedom.
    factor = math.exp(stats.t.ppf(0.975, 1) * math.log(3) / 2)
    assert found.expected.value == 2.0
    assert (found.expected.low, found.expected.high) == pytest.approx((2 / factor, 2 * factor))


def test_where_one_seed_alone_met_it_the_interval_has_no_upper_end(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.1)], seed=1)
    found = _reaching(made, price_list)
    assert (found.expected.value, found.expected.low, found.expected.high) == (2.0, 0.0, math.inf)
    assert not found.mostly


def test_a_target_is_shifted_by_how_hard_the_seed_is(made: Made, price_list: Prices) -> None:
    goal = Target(score=0.5, of="x", shifts={0: 0.2, 1: -0.2})
    for seed in range(2):
        made.search([made.trial(0, 0.4, 0.6)], seed=seed)
    found = _reaching(made, price_list, goal=goal)
    assert (found.reached, found.searches, found.expected.value) == (1, 2, 3.0)


def test_random_search_takes_as_long_as_in_the_mean_over_the_orders_of_its_trials(
    made: Made, price_list: Prices
) -> None:
    # The lucky trial came first; in half of the orders it comes second.
    made.search([made.trial(0, 0.6), made.trial(1, 0.1)])
    made.search([made.trial(0, 0.6), made.trial(1, 0.1)], "tpe", kind="optuna-tpe")
    random, tpe = (_reaching(made, price_list, row=row) for row in range(2))
    assert tpe.expected.value == 1.0
    assert random.expected.value == pytest.approx(1.5, abs=4 * 0.5 / math.sqrt(128))


def test_without_a_success_it_is_infinite(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random")
    made.search([made.trial(0, 0.1)], "clever", kind="optuna-tpe")
    found = _reaching(made, price_list, row=1)
    assert (found.median, found.expected.value, found.reached, found.mostly) == (math.inf, math.inf, 0, False)


def test_a_failed_search_has_spent_and_missed_and_a_missing_one_is_not_asked(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.9, 0.9)], seed=1, status="failed", reason="boom")
    made.plan(seed=2)
    found = _reaching(made, price_list)
    assert (found.expected.value, found.reached, found.searches) == (3.0, 1, 2)


def test_one_search_has_no_interval(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    found = _reaching(made, price_list)
    assert (found.expected.value, found.expected.low, found.expected.n) == (1.0, None, 1)


def test_an_unknown_cost_is_counted_and_no_number(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5, energy_j=None)], seed=1)
    found = _reaching(made, price_list, axis=Axis.ENERGY_J)
    assert (found.median, found.expected.value, found.unknown, found.reached) == (None, None, 1, 2)


def test_without_a_score_there_is_no_target(made: Made, price_list: Prices) -> None:
    made.search([], status="failed", reason="boom")
    group = _group(made)
    assert reaching(group, group.rows[0], axis=Axis.WALL_S, prices=price_list) is None


def test_all_missing_has_no_cost(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random")
    made.plan("late")
    found = _reaching(made, price_list, row=1)
    assert (found.median, found.expected.value, found.searches) == (None, None, 0)


def _speedup(
    made: Made, price_list: Prices, tuner: str = "tpe", axis: Axis = Axis.EPOCHS, goal: Target | None = GOAL
) -> Estimate | None:
    group = _group(made, goal)
    (row,) = (row for row in group.rows if row.tuner == tuner)
    return speedup(group, row, axis=axis, prices=price_list)


def test_a_speed_up_is_the_ratio_of_expected_running_times(made: Made, price_list: Prices) -> None:
    # Random search: (4 + 4 + 4) / 2, as one of three missed the target; the other: 2.
    for seed, last in enumerate((0.5, 0.4, 0.6)):
        made.search([made.trial(0, 0.1, 0.2, 0.3, last)], "random", seed)
        made.search([made.trial(0, 0.1, 0.6)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    # Without one seed: 2 (of two that met it), or 4 (of one of two).
    logs = [math.log(4), math.log(2), math.log(4)]
    error = math.sqrt(2 / 3 * sum((each - sum(logs) / 3) ** 2 for each in logs))
    factor = math.exp(stats.t.ppf(0.975, 2) * error)
    assert (found.value, found.n) == (3.0, 3)
    assert (found.low, found.high) == pytest.approx((3 / factor, 3 * factor))


def test_a_speed_up_is_taken_over_the_seeds_that_both_have(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1, 0.5)], "random", seed)
    for seed in (1, 2):
        made.search([made.trial(0, 0.5)], "tpe", seed, kind="optuna-tpe")
    made.search([made.trial(0, *[0.1] * 50)], "tpe", 9, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.n) == (2.0, 2)


@pytest.mark.parametrize("randoms", [1, 2])
@pytest.mark.parametrize("seeds", [3, 10])
def test_a_tuner_of_half_the_cost_is_twice_as_fast_at_any_number_of_seeds_and_random_searches(
    made: Made, price_list: Prices, seeds: int, randoms: int
) -> None:
    for seed in range(seeds):
        for number in range(randoms):
            made.search([made.trial(0, *[0.1] * 7, 0.5 + seed / 100)], f"random {number}", seed)
        made.search([made.trial(0, *[0.1] * 3, 0.8)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (2.0, 2.0, 2.0, seeds)


@pytest.mark.parametrize(("lucky", "of"), [(0, 3), (1, 3), (1, 2), (5, 10)])
def test_where_half_of_the_searches_or_more_missed_the_target_there_is_no_speed_up(
    made: Made, price_list: Prices, lucky: int, of: int
) -> None:
    # One epoch of the default against a hundred of random search: one lucky seed would make it the fastest of all.
    for seed in range(of):
        made.search([made.trial(0, *[0.1] * 99, 0.6)], "random", seed)
        made.search([made.trial(0, 0.6 if seed < lucky else 0.1)], "default", seed, kind="default")
    assert _speedup(made, price_list, tuner="default") is None


def test_where_more_than_half_met_it_there_is_a_speed_up_that_counts_the_misses(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, *[0.1] * 9, 0.6)], "random", seed)
        made.search([made.trial(0, 0.6 if seed else 0.1)], "default", seed, kind="default")
    found = _speedup(made, price_list, tuner="default")
    assert found is not None
    assert found.value == pytest.approx(10 / (3 / 2))


def test_a_failed_search_is_a_miss_among_those_that_must_be_fewer_than_half(made: Made, price_list: Prices) -> None:
    for seed in range(2):
        made.search([made.trial(0, 0.5)], "random", seed)
    made.search([made.trial(0, 0.5)], "tpe", 0, kind="optuna-tpe")
    made.search([], "tpe", 1, kind="optuna-tpe", status="failed", reason="boom")
    assert _speedup(made, price_list) is None


def test_a_speed_up_is_infinite_where_random_search_missed_on_the_same_seeds(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.9)], "random", 0)
    made.search([made.trial(0, 0.1)], "random", 1, status="failed", reason="boom")
    made.search([made.trial(0, 0.9)], "tpe", 1, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.n) == (math.inf, 1)


def test_random_search_is_not_compared_with_itself_nor_without_random_search(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random", dataset="animals")
    made.search([made.trial(0, 0.5)], "tpe", dataset="plants", kind="optuna-tpe")
    for group in analysis.groups(made.results()):
        assert speedup(group, group.rows[0], axis=Axis.WALL_S, prices=price_list) is None


def test_where_both_missed_on_the_seeds_that_both_have_the_speed_up_is_undefined(
    made: Made, price_list: Prices
) -> None:
    made.search([made.trial(0, 0.5)], "random", 0)
    made.search([made.trial(0, 0.5)], "random", 1, status="failed", reason="boom")
    made.search([made.trial(0, 0.1)], "tpe", 1, kind="optuna-tpe")
    for seed in (2, 3):
        made.search([made.trial(0, 0.5)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (None, None, None, 1)


def test_an_unknown_cost_makes_the_speed_up_unknown(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], "random")
    made.search([made.trial(0, 0.5)], "tpe", kind="optuna-tpe")
    assert _speedup(made, price_list, axis=Axis.ENERGY_J) is None


def test_intervals_leave_out_a_recorded_seed_with_all_its_searches(made: Made, price_list: Prices) -> None:
    for seed, recorded in enumerate((1, 1, 2, 2)):
        made.search([made.trial(0, *((0.5,) if recorded == 1 else (0.1, 0.2, 0.5)))], seed=seed, recorded=recorded)
    found = _reaching(made, price_list)
    factor = math.exp(stats.t.ppf(0.975, 1) * math.log(3) / 2)
    assert (found.expected.n, found.searches) == (2, 4)
    assert (found.expected.low, found.expected.high) == pytest.approx((2 / factor, 2 * factor))
