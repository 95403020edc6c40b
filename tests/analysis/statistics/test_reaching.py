from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness import analysis
from harness.analysis.axes import Axis
from harness.analysis.statistics import reaching, speedup

if TYPE_CHECKING:
    from harness.analysis.statistics import Estimate, Reaching
    from harness.prices import Prices
    from tests.analysis.conftest import Made


def _reaching(made: Made, price_list: Prices, axis: Axis = Axis.EPOCHS, row: int = 0) -> Reaching:
    (group,) = analysis.groups(made.results())
    found = reaching(group, group.rows[row], axis=axis, prices=price_list)
    assert found is not None
    return found


def test_the_expected_running_time_is_all_that_was_spent_over_the_successes(made: Made, price_list: Prices) -> None:
    # Target 0.5: reached after 2 epochs, after 1 (of 3), and missed after 4. ERT = (2 + 1 + 4) / 2.
    made.search([made.trial(0, 0.1, 0.5)], seed=0)
    made.search([made.trial(0, 0.6, 0.2, 0.1)], seed=1)
    made.search([made.trial(0, 0.1, 0.1, 0.1, 0.2)], seed=2)
    found = _reaching(made, price_list)
    assert found.target.f1 == 0.5
    assert (found.expected.value, found.reached, found.searches) == (3.5, 2, 3)
    assert found.median == 2
    assert found.expected.high == math.inf  # all three may be the one that missed


def test_where_all_succeed_it_is_their_mean(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.1, 0.2, 0.5)], seed=1)
    found = _reaching(made, price_list)
    assert (found.expected.value, found.expected.low, found.expected.high) == (2.0, 1.0, 3.0)


def test_without_a_success_it_is_infinite(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random")
    made.search([made.trial(0, 0.1)], "clever", kind="optuna-tpe")
    found = _reaching(made, price_list, row=1)
    assert (found.median, found.expected.value, found.reached) == (math.inf, math.inf, 0)


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
    (group,) = analysis.groups(made.results())
    assert reaching(group, group.rows[0], axis=Axis.WALL_S, prices=price_list) is None


def test_all_missing_has_no_cost(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random")
    made.plan("late")
    found = _reaching(made, price_list, row=1)
    assert (found.median, found.expected.value, found.searches) == (None, None, 0)


def _speedup(made: Made, price_list: Prices, tuner: str = "tpe", axis: Axis = Axis.EPOCHS) -> Estimate | None:
    (group,) = analysis.groups(made.results())
    (row,) = (row for row in group.rows if row.tuner == tuner)
    return speedup(group, row, axis=axis, prices=price_list)


def test_a_speed_up_is_the_ratio_of_expected_running_times(made: Made, price_list: Prices) -> None:
    # Random search: (4 + 4 + 4) / 2, as one of three missed the target of 0.5; the other: 2.
    for seed, last in enumerate((0.5, 0.4, 0.6)):
        made.search([made.trial(0, 0.1, 0.2, 0.3, last)], "random", seed)
        made.search([made.trial(0, 0.1, 0.6)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.low, found.high, found.n) == (3.0, 2.0, math.inf, 3)


def test_a_speed_up_is_taken_over_the_seeds_that_both_have(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.1, 0.5)], "random", seed)
    made.search([made.trial(0, 0.5)], "tpe", 1, kind="optuna-tpe")
    made.search([made.trial(0, *[0.1] * 50)], "tpe", 9, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.n) == (2.0, 1)


@pytest.mark.parametrize("randoms", [1, 2])
@pytest.mark.parametrize("seeds", [9, 10, 20])
def test_a_tuner_of_half_the_cost_is_finitely_faster_at_any_number_of_seeds_and_random_searches(
    made: Made, price_list: Prices, seeds: int, randoms: int
) -> None:
    random = np.random.default_rng(seeds)
    for seed in range(seeds):
        for number in range(randoms):
            made.search([made.trial(0, *[0.1] * 7, random.uniform(0.5, 0.7))], f"random {number}", seed)
        made.search([made.trial(0, *[0.1] * 3, 0.8)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 2 < found.low <= found.value <= found.high < math.inf
    assert found.n == seeds


def test_a_speed_up_of_none_that_reached_the_target_is_zero(made: Made, price_list: Prices) -> None:
    for seed in range(3):
        made.search([made.trial(0, 0.5)], "random", seed)
        made.search([made.trial(0, 0.1)], "never", seed, kind="optuna-tpe")
    found = _speedup(made, price_list, tuner="never")
    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


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


def test_where_both_missed_the_speed_up_is_undefined(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)], "random", 0)
    for seed in (1, 2):
        made.search([made.trial(0, 0.5)], "random", seed, status="failed", reason="boom")
        made.search([made.trial(0, 0.1)], "tpe", seed, kind="optuna-tpe")
    found = _speedup(made, price_list)
    assert found is not None
    assert (found.value, found.n) == (None, 2)


def test_an_unknown_cost_makes_the_speed_up_unknown(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)], "random")
    made.search([made.trial(0, 0.5)], "tpe", kind="optuna-tpe")
    assert _speedup(made, price_list, axis=Axis.ENERGY_J) is None
