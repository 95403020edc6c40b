from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import analysis
from harness.analysis.cost_axes import Axis, Score
from harness.analysis.statistics import Band, bands
from harness.analysis.statistics.anytime_bands import MOST_POINTS, band
from harness.prices import Prices

if TYPE_CHECKING:
    from tests.analysis.conftest import Made


def _band(made: Made, price_list: Prices, axis: Axis = Axis.EPOCHS, score: Score = Score.VALIDATION) -> Band:
    (group,) = analysis.groups(made.results())
    return bands(group, axis=axis, score=score, prices=price_list)[0]


def test_one_search_is_its_own_step_function_without_an_interval(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.2, 0.1, 0.4)])
    found = _band(made, price_list)
    assert (found.cost, found.mean) == ((1, 3), (0.2, 0.4))
    assert found.low == found.high == (None, None)
    assert (found.n, found.remark) == (1, "1 seed: no interval")


def test_the_mean_is_taken_at_every_step_of_any_search(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.2, 0.1, 0.4)])
    made.search([made.trial(0, 0.4, 0.6, 0.5)], seed=1)
    found = _band(made, price_list)
    assert found.cost == (1, 2, 3)
    assert found.mean == pytest.approx((0.3, 0.4, 0.5))


def test_a_search_that_ended_earlier_goes_on_with_its_last_value(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.8)])
    made.search([made.trial(0, 0.2, 0.3, 0.6)], seed=1)
    found = _band(made, price_list)
    assert found.mean == pytest.approx((0.5, 0.55, 0.7))
    assert found.running == (2, 1, 1)


def test_the_curve_begins_where_every_search_has_an_incumbent(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, 0.6, 0.7)])
    made.search([made.trial(0, charged_epochs=1), made.trial(1, 0.3, 0.4)], seed=1)
    assert _band(made, price_list).cost == (2, 3)


def test_the_tuners_thinking_counts_and_the_audit_does_not(made: Made, price_list: Prices) -> None:
    slow = {"ask": 50.0, "train": 2.0, "evaluate": 1.0, "tell": 0.5, "audit": 1000.0}
    made.search([made.trial(0, 0.5, phases=slow)])
    found = _band(made, price_list, axis=Axis.WALL_S)
    assert found.cost == (53.0, 54.0)
    assert _band(made, price_list, axis=Axis.DEVICE_S).cost == (3.0,)


def test_test_score_follows_the_incumbents_and_may_fall(made: Made, price_list: Prices) -> None:
    trial = made.trial(0, 0.5, 0.6)
    first, second = trial.epochs
    made.search([replace(trial, epochs=(replace(first, test_score=0.9), replace(second, test_score=0.2)))])
    assert _band(made, price_list, score=Score.TEST).mean == pytest.approx((0.9, 0.2))


def test_the_curve_of_random_search_is_the_mean_over_the_orders_of_its_trials(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.2), made.trial(1, 0.6)])
    found = _band(made, price_list)
    assert found.cost == (1, 2)
    assert found.mean[0] == pytest.approx(0.4, abs=4 * 0.2 / 128**0.5)
    # In the end all orders have the same, to the last bit: else no tie with another tuner would be one.
    assert found.mean[1] == 0.6


def test_a_curve_of_random_search_ends_at_all_that_was_spent_its_closing_seconds_too(
    made: Made, price_list: Prices
) -> None:
    made.search([made.trial(0, 0.5)], seed=0)
    made.search([made.trial(0, 0.5)], "tpe", seed=0, kind="optuna-tpe")
    (group,) = analysis.groups(made.results())
    random, tpe = bands(group, axis=Axis.WALL_S, score=Score.VALIDATION, prices=price_list)
    assert random.cost == tpe.cost == (4.0, 5.0)


def test_bounds_stay_within_what_a_score_can_be(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.01)], seed=0)
    made.search([made.trial(0, 0.99)], seed=1)
    found = _band(made, price_list)
    assert (found.low, found.high) == ((0.0,), (1.0,))


def test_what_is_not_in_the_mean_is_counted(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5)])
    made.search([made.trial(0, 0.9)], seed=1, status="failed", reason="boom")
    made.search([made.trial(0, charged_epochs=1)], seed=2)
    made.plan(seed=3)
    found = _band(made, price_list)
    assert (found.n, found.left_out, found.mean) == (1, 3, (0.5,))


def test_unknown_joules_leave_a_search_out_and_are_no_zeros(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, 0.5, energy_j=None)])
    found = _band(made, price_list, axis=Axis.ENERGY_J)
    assert (found.cost, found.n, found.left_out) == ((), 0, 1)


def test_all_failed_is_an_empty_curve(made: Made, price_list: Prices) -> None:
    made.search([], status="failed", reason="boom")
    found = _band(made, price_list)
    assert (found.cost, found.mean, found.n, found.remark) == ((), (), 0, "no seed")


def test_a_long_curve_is_thinned_and_keeps_its_ends(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, *(index / 1000 for index in range(300)))])
    found = _band(made, price_list)
    assert len(found.cost) == MOST_POINTS
    assert (found.cost[0], found.cost[-1], found.mean[-1]) == (1, 300, 0.299)


def test_a_curve_can_be_read_at_given_costs(made: Made, price_list: Prices) -> None:
    made.search([made.trial(0, charged_epochs=1), made.trial(1, 0.3, 0.4)], "tpe", kind="optuna-tpe")
    (group,) = analysis.groups(made.results())
    found = band(group.rows[0], axis=Axis.EPOCHS, score=Score.VALIDATION, prices=price_list, at=[1, 2.5, 99])
    assert (found.cost, found.mean, found.running) == ((2.5, 99), (0.3, 0.4), (1, 0))


def test_the_interval_holds_the_mean(made: Made, price_list: Prices) -> None:
    for seed, score in enumerate((0.1, 0.3, 0.8)):
        made.search([made.trial(0, score, score + 0.1)], seed=seed)
    found = _band(made, price_list)
    for low, mean, high in zip(found.low, found.mean, found.high, strict=True):
        assert low is not None
        assert high is not None
        assert low < mean < high


def test_searches_on_one_recorded_seed_are_one_curve_among_those_that_are_averaged(
    made: Made, price_list: Prices
) -> None:
    for seed, (score, recorded) in enumerate(((0.2, 1), (0.4, 1), (0.9, 2))):
        made.search([made.trial(0, score)], seed=seed, recorded=recorded)
    found = _band(made, price_list)
    assert (found.n, found.searches, found.running) == (2, 3, (3,))
    assert found.mean == pytest.approx(((0.3 + 0.9) / 2,))
