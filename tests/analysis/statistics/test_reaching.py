from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness import analysis
from harness.analysis.axes import Axis
from harness.analysis.statistics import reaching

if TYPE_CHECKING:
    from harness.analysis.statistics import Reaching
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
